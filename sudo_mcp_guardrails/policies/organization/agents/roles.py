"""Deny: roles without an agent's boundary, off its path, or made by anybody but its execution role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.capabilities.execution import ROLE_CHANGES as BOUNDED
from sudo_mcp_guardrails.policies.capabilities.execution import ROLE_UPKEEP
from sudo_mcp_guardrails.policies.organization.agents._scenarios import BOUNDARY, WORKLOAD, attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import all_but, any_agent, workloads
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

ROLE_CHANGES: Final = (
    *BOUNDED,
    *(a for a in ROLE_UPKEEP if not a.startswith(("iam:Get", "iam:List"))),
)
"""What changes a role."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    boundaries = f"arn:*:iam::*:policy{names.boundary_path}{names.prefix}-agent-*"
    return (
        Statement(
            sid="AgentsRoleChanges",
            effect="Deny",
            actions=ROLE_CHANGES,
            resources=("*",),
            conditions=all_but(names, "execution"),
            reason="roles are changed by approved change sets alone",
        ),
        Statement(
            sid="AgentsRolesNeedBoundary",
            effect="Deny",
            actions=BOUNDED,
            resources=("*",),
            conditions=(
                *any_agent(names),
                ("ArnNotLike", "iam:PermissionsBoundary", (boundaries,)),
            ),
            reason="a role without an agent's boundary would be free",
        ),
        Statement(
            sid="AgentsWorkloadNames",
            effect="Deny",
            actions=("iam:CreateRole", "iam:PassRole"),
            resources=tuple(f"{workloads(names)}-{kind}" for kind in ("apply", "execution", "plan")),
            conditions=any_agent(names),
            reason="what agents' resources carry is never taken for one of the four roles",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-roles",
    kind=PolicyKind.SCP,
    stops=("escalation by making or changing roles",),
    build=statements,
    scenarios=(
        attack(
            "scp-role-by-hand",
            "iam:CreateRole",
            WORKLOAD,
            "AgentsRoleChanges",
            "makes a role past the change set",
            "apply",
            {"iam:PermissionsBoundary": BOUNDARY},
        ),
        attack(
            "scp-role-without-boundary",
            "iam:CreateRole",
            WORKLOAD,
            "AgentsRolesNeedBoundary",
            "a template makes a role without the boundary",
            "execution",
        ),
        attack(
            "scp-role-named-execution",
            "iam:CreateRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/{names}-x-execution",
            "AgentsWorkloadNames",
            "a template makes a role that looks like an execution role",
            "execution",
            {"iam:PermissionsBoundary": BOUNDARY},
        ),
    ),
)
