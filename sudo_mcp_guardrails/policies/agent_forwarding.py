"""How member accounts send agents' calls to the log archive's bus: names and policies, as data.

Sources: EventBridge user guide, "Sending and receiving events between AWS accounts" (a role on the sender's side, a
policy on the bus) and "Using dead-letter queues to process undelivered events".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_EVENTS: Final = (("Service", "events.amazonaws.com"),)


def bus_name(names: GuardrailNames) -> str:
    """Return the name of the bus that members send to."""
    return f"{names.prefix}-agent-events"


def bus_arn(names: GuardrailNames, *, account: str = ACCOUNT, region: str = REGION) -> str:
    """Return the bus's ARN, with pseudo parameters for what is not given."""
    return f"arn:{PARTITION}:events:{region}:{account}:event-bus/{bus_name(names)}"


def rule_name(names: GuardrailNames, kind: str) -> str:
    """Return the name of a rule that forwards: no agent changes what is called by the guardrails' prefix."""
    return f"{names.prefix}-agent-events-{kind}"


def forwarder_path(names: GuardrailNames) -> str:
    """Return the path of the roles that forward."""
    return f"/{names.prefix}/forwarding/"


def accept_members(names: GuardrailNames, *, organization_id: str, accounts: Sequence[str]) -> tuple[Statement, ...]:
    """Return the statements of the bus's policy: the forwarders' roles of the members put events, and nobody else.

    PutEvents refuses sources that begin with ``aws.``, which the bus's rules ask for: also a forwarder can send on what
    AWS tells it, and tell nothing of its own.

    Args:
        names: By which the forwarders are known.
        organization_id: All accounts of it; empty for none.
        accounts: Accounts by their ids.
    """
    roles: Conditions = (("ArnLike", "aws:PrincipalArn", (f"arn:*:iam::*:role{forwarder_path(names)}*",)),)
    found = []
    if organization_id:
        found.append(
            Statement(
                "AgentEventsOrganization",
                "Allow",
                ("events:PutEvents",),
                resources=(bus_arn(names),),
                principals=(("AWS", "*"),),
                conditions=(("StringEquals", "aws:PrincipalOrgID", (organization_id,)), *roles),
                reason="forwarders of the organization's accounts send agents' calls",
            )
        )
    if accounts:
        found.append(
            Statement(
                "AgentEventsAccounts",
                "Allow",
                ("events:PutEvents",),
                resources=(bus_arn(names),),
                principals=tuple(("AWS", f"arn:{PARTITION}:iam::{account}:root") for account in accounts),
                conditions=roles,
                reason="forwarders of these accounts send agents' calls",
            )
        )
    return tuple(found)


def forwarder_trust(rules: Sequence[str]) -> PolicyDocument:
    """Return who assumes the forwarder's role: EventBridge, for these rules."""
    return PolicyDocument(
        "trust of the forwarder",
        (
            Statement(
                "AgentEventsTrust",
                "Allow",
                ("sts:AssumeRole",),
                principals=_EVENTS,
                conditions=_for_rules(rules),
                reason="EventBridge sends to another account's bus by a role",
            ),
        ),
    )


def forwarder_policy(bus: str) -> PolicyDocument:
    """Return what the forwarder may do: put events on one bus."""
    return PolicyDocument(
        "forwarder",
        (Statement("AgentEventsForward", "Allow", ("events:PutEvents",), resources=(bus,), reason="sends them on"),),
    )


def undelivered_policy(queue: str, rules: Sequence[str]) -> PolicyDocument:
    """Return the policy of the queue of what could not be sent."""
    return PolicyDocument(
        "undelivered",
        (
            Statement(
                "AgentEventsUndelivered",
                "Allow",
                ("sqs:SendMessage",),
                resources=(queue,),
                principals=_EVENTS,
                conditions=_for_rules(rules),
                reason="keeps what could not be sent",
            ),
            Statement(
                "AgentEventsTls",
                "Deny",
                ("sqs:*",),
                resources=(queue,),
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
        ),
    )


def _for_rules(rules: Sequence[str]) -> Conditions:
    return (("ArnEquals", "aws:SourceArn", tuple(rules)), ("StringEquals", "aws:SourceAccount", (ACCOUNT,)))
