"""What is paid for whether it is used or not, and machines in numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import UNREAD, number_of, text_of
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_COMMITS: Final = action_test(
    (
        *("aws-marketplace:Subscribe", "aws-marketplace:AcceptAgreementRequest", "bedrock:*ProvisionedModelThroughput"),
        *("dynamodb:PurchaseReservedCapacityOfferings", "ec2:AllocateHosts", "ec2:CreateCapacityReservation*"),
        *(
            "ec2:Purchase*",
            "elasticache:Purchase*",
            "es:Purchase*",
            "iq:*",
            "medialive:Purchase*",
            "memorydb:Purchase*",
        ),
        *("outposts:CreateOrder", "rds:Purchase*", "redshift:Purchase*", "redshift-serverless:CreateReservation"),
        *("route53domains:RegisterDomain", "route53domains:TransferDomain", "savingsplans:CreateSavingsPlan"),
        *("shield:CreateSubscription", "snowball:CreateJob", "snowball:CreateLongTermPricing", "support:*"),
    )
)
_COUNTS: Final = frozenset(
    {
        *("allocatedcapacity", "count", "coreinstancecount", "desiredcapacity", "desiredcount", "desiredsize"),
        *("instancecount", "maxcapacity", "maxcount", "maxsize", "maxvcpus", "maximumcapacity", "mincount"),
        *("minsize", "numberofbrokernodes", "numberofnodes", "numberofworkers", "numcachenodes", "numnodegroups"),
        *("provisionedconcurrentexecutions", "replicasperNodeGroup".lower(), "targetcapacity", "totaltargetcapacity"),
    }
)
_TYPES: Final = frozenset(
    {"cachenodetype", "dbinstanceclass", "instanceclass", "instancetype", "instancetypes", "nodetype", "machinetype"}
)
_HUGE: Final = re.compile(
    r"(?:^|\.)(?:[pg]\d\w*|inf\d\w*|trn\d\w*|dl\d\w*|u-?\w+|x\d\w*|vt\d|f\d)\.\w+|\.(?:metal[\w-]*|(?:1[2-9]|[2-9]\d|\d{3,})xlarge)$"
)
"""Accelerators, machines of very much memory, whole machines, and sizes from 12xlarge on."""


def _of_change(seen: Seen) -> Iterator[Found]:
    if "cost" in seen.traits and not seen.ends:
        yield Found(RiskClass.R3, f"{seen.change.type} is paid for whether it is used or not")
    if seen.reads:
        return
    for action in seen.actions:
        if _COMMITS(action.lower()):
            yield Found(RiskClass.R3, f"{action} commits to paying")
    if seen.ends:
        return
    for node in seen.after:
        if node.name in _COUNTS and number_of(node.value) >= seen.context.limits.instances:
            yield Found(RiskClass.R3, f"{node.path[-1]} is {number_of(node.value):g}", node.place)
        elif node.name in _COUNTS and text_of(node.value) is UNREAD:
            yield Found(RiskClass.R2, f"how many {node.path[-1]} is, a deployment alone can tell", node.place)
        elif node.name in _TYPES and isinstance(node.value, str) and _HUGE.search(node.value):
            yield Found(RiskClass.R3, f"{node.path[-1]} is {cut(node.value)}, which costs much", node.place)


RULE: Final = RiskRule(
    id="cost",
    title="A commitment to pay, such as reserved instances or a savings plan, machines in great numbers or of great "
    "size: R3; numbers that a deployment alone can tell: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the trust model of this project: cost commitment is R3",),
    of_change=_of_change,
)
