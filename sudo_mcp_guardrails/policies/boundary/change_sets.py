"""Deny: a change set that another role than the agent's execution role would carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def statement(scope: AgentScope) -> Statement:
    """Return the guardrail. A change set without a role is denied too: it would run as the caller."""
    return Statement(
        sid="BoundaryChangeSetRole",
        effect="Deny",
        actions=("cloudformation:CreateChangeSet",),
        resources=("*",),
        conditions=(
            (
                "StringNotEquals",
                "cloudformation:RoleArn",
                (scope.names.role_arn(scope.agent.name, "execution"),),
            ),
        ),
        reason="CloudFormation keeps the role of a stack's last change: an unpinned one is somebody else's power",
    )


_STACK: Final = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*"

SCENARIOS: Final = (
    Scenario(
        "change-set-without-role",
        "plan",
        "cloudformation:CreateChangeSet",
        _STACK,
        allowed=False,
        layer="boundary",
        sid="BoundaryChangeSetRole",
        title="prepares a change set that names no role",
    ),
    Scenario(
        "change-set-with-admin-role",
        "plan",
        "cloudformation:CreateChangeSet",
        _STACK,
        allowed=False,
        layer="boundary",
        sid="BoundaryChangeSetRole",
        context={"cloudformation:RoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin"},
        title="prepares a change set for an administrator's role",
    ),
)
