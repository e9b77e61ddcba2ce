"""Deny: calling the guardrails' functions, but by the URL of the one that takes plans, as the role that planned.

``AgentsGuardrails`` denies all else on what has their prefix, in whichever service: the workflow's executions and their
history, its tables, logs, queues and code. It leaves calls of functions to the statement here, and calls of a URL to
``AgentsCreateChangeSet``: who prepares a change proposes it.
Those that have a URL know their callers by it, and each decides whom it serves. A key has no name: the policy of each
key keeps agents out, and no statement here.
Source: Lambda developer guide, "Control access to Lambda function URLs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.proposals import INVOKE, NOT_BY_URL, URL
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsCalls",
            effect="Deny",
            actions=(INVOKE,),
            resources=(f"arn:{PARTITION}:lambda:*:*:function:{names.prefix}*",),
            conditions=(*any_agent(names), NOT_BY_URL),
            reason="by its URL AWS tells a function who calls; a direct call says it itself",
        ),
    )


_FUNCTION: Final = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{names}"

GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-approvals",
    kind=PolicyKind.SCP,
    stops=("invariant/approval-functions", "invariant/approval-proposals"),
    build=statements,
    scenarios=(
        attack(
            "scp-call-broker",
            INVOKE,
            f"{_FUNCTION}-approval-broker",
            "AgentsCalls",
            "has the broker carry out a change, with an event of its own",
        ),
        attack(
            "scp-propose-as-somebody",
            INVOKE,
            f"{_FUNCTION}-approval-intake",
            "AgentsCalls",
            "invokes the function that takes plans, with an event that names another run",
            "plan",
        ),
        attack(
            "scp-call-api",
            URL,
            f"{_FUNCTION}-approval-api",
            "AgentsCreateChangeSet",
            "approves by the URL of the page's function",
        ),
    ),
)
