"""Deny: read and plan never write, whatever else is attached to their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.scope import read_exceptions
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def statement(scope: AgentScope) -> Statement:
    """Return the guardrail, which tells the roles apart by ``aws:PrincipalArn``."""
    name, names = scope.agent.name, scope.names
    return Statement(
        sid="BoundaryReadersNeverWrite",
        effect="Deny",
        not_actions=("cloudformation:CreateChangeSet", *read_exceptions(scope)),
        resources=() if scope.intake else ("*",),
        # What of this one they may do, its own guardrails say.
        not_resources=scope.intake,
        # An account has one role of a name, whatever its path.
        conditions=(
            ("StringLike", "aws:PrincipalArn", tuple(f"*/{names.role_name(name, kind)}" for kind in ("read", "plan"))),
        ),
        reason="a session that reads or plans changes nothing, even where a resource policy would let it",
    )


SCENARIOS: Final = (
    Scenario(
        "plan-write-own-item",
        "plan",
        "dynamodb:PutItem",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=False,
        layer="boundary",
        sid="BoundaryReadersNeverWrite",
        title="writes while planning",
    ),
    Scenario(
        "read-execute-change-set",
        "read",
        "cloudformation:ExecuteChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        allowed=False,
        layer="boundary",
        sid="BoundaryReadersNeverWrite",
        title="executes a change set while reading",
    ),
)
