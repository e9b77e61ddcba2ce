"""Deny, through an MCP server: changes of identities.

Twin by principal: ``AgentsIdentities``, ``AgentsRolesElsewhere`` and ``AgentsRoleChanges``. ``iam:PassRole`` is left
out, since a plan role passes its execution role to a change set; the agents' pack decides that more closely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="McpIdentities",
            effect="Deny",
            actions=tuple(action for action in changes_of("iam:*") if action != "iam:PassRole"),
            resources=("*",),
            conditions=VIA_MCP,
            reason="who may do what is not changed by a script that a model wrote",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-identities",
    kind=PolicyKind.SCP,
    stops=("escalation through an MCP server, by whichever principal",),
    build=statements,
    scenarios=(
        *through(
            "create-user",
            "iam:CreateUser",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:user/x",
            "McpIdentities",
            "makes a user",
        ),
        *through(
            "attach-administrator",
            "iam:AttachRolePolicy",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/app",
            "McpIdentities",
            "makes a role an administrator's",
        ),
        still("list-roles", "iam:ListRoles", "*", "reads roles"),
        still(
            "pass-role",
            "iam:PassRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/app",
            "passes a role to a change set",
        ),
    ),
)
