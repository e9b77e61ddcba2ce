"""The read set: what ViewOnlyAccess grants, narrowed to the agent's services and, where IAM can, to its resources."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.catalogue import compact, expand, service_actions
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.scope import owned_types
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.scope import STACK_READS, STACK_READS_ANYWHERE
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

_DATA: Final = Path(__file__).with_name("view_only_access.json")


@cache
def view_only(service: str) -> tuple[str, ...]:
    """Return what ViewOnlyAccess grants of a service, expanded; its List actions where the policy has none of it."""
    patterns = json.loads(_DATA.read_text(encoding="utf-8"))["actions"].get(service, [])
    names = {name for pattern in patterns for name in expand(f"{service}:{pattern}")}
    return tuple(sorted(names or {a.name for a in service_actions(service).values() if a.level == "List"}))


def policy(scope: AgentScope) -> PolicyDocument:
    """Return the read set of an agent."""
    agent = scope.agent
    opted = {action for kind in agent.sensitive_reads for action in sensitive_actions(kind)}
    hidden = {action for kind in SensitiveRead for action in sensitive_actions(kind)} - opted
    anywhere: list[str] = sorted(STACK_READS_ANYWHERE)
    owned: list[str] = sorted(set(STACK_READS) - STACK_READS_ANYWHERE)
    resources: set[str] = set(scope.stacks)
    for service in scope.services:
        catalogue = service_actions(service)
        wanted = (set(view_only(service)) | {name for name in opted if name in catalogue}) - hidden
        confined = {name for name in wanted if set(catalogue[name].resources) & set(owned_types(service))}
        if confined and not scope.own(service):
            confined = set()
        anywhere += compact(service, wanted - confined)
        owned += compact(service, confined)
        types = frozenset(t for name in confined for t in catalogue[name].resources)
        resources.update(scope.own(service, types) if confined else ())
    for action in agent.actions:
        if action.access_level in {"Read", "List"}:
            (owned if action.resource_level else anywhere).append(action.name)
    return PolicyDocument(
        "read",
        (
            Statement(
                sid="ReadLists",
                effect="Allow",
                actions=tuple(anywhere),
                resources=("*",),
                reason="these actions list what an account has and know no resource",
            ),
            Statement(
                sid="ReadOwnResources",
                effect="Allow",
                actions=tuple(owned),
                resources=tuple(sorted(resources)),
                reason="views the agent's own resources, found by the prefix of their names",
            ),
        ),
    )


SCENARIOS: Final = (
    Scenario("read-list-buckets", "read", "s3:ListAllMyBuckets", "*", allowed=True, sid="ReadLists"),
    Scenario(
        "read-list-functions",
        "read",
        "lambda:ListFunctions",
        "*",
        allowed=False,
        sid="SensitiveConfiguration",
    ),
    Scenario(
        "read-own-table",
        "read",
        "dynamodb:DescribeTable",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=True,
        sid="ReadOwnResources",
    ),
    Scenario(
        "read-own-bucket-names",
        "read",
        "s3:ListBucket",
        "arn:${AWS::Partition}:s3:::{prefix}artifacts",
        allowed=True,
        sid="ReadOwnResources",
    ),
    Scenario(
        "read-foreign-bucket-names",
        "read",
        "s3:ListBucket",
        "arn:${AWS::Partition}:s3:::payroll",
        allowed=False,
    ),
)
