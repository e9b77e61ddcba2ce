"""Deny: leaving or changing the organization, and who may approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

CHANGES: Final = (
    *("account:*", "controltower:*", "identity-sync:*", "identitystore:*", "mpa:*", "organizations:*", "ram:*"),
    *("sso-directory:*", "sso:*", "states:SendTask*"),
)


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsMembership",
            effect="Deny",
            actions=CHANGES,
            resources=("*",),
            conditions=any_agent(names),
            reason="an agent must not leave or change the organization, nor who may approve",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-membership",
    kind=PolicyKind.SCP,
    stops=("leaving the organization", "approving one's own change"),
    build=statements,
    scenarios=(
        attack("scp-leave", "organizations:LeaveOrganization", "*", "AgentsMembership", "leaves the organization"),
        attack("scp-approve", "states:SendTaskSuccess", "*", "AgentsMembership", "answers for the person who approves"),
    ),
)
