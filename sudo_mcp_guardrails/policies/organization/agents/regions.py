"""Deny: Regions that no agent was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.regions import GLOBAL, GLOBAL_SERVICES
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where all Regions may be used."""
    if not settings.regions:
        return ()
    return (
        Statement(
            sid="AgentsRegions",
            effect="Deny",
            not_actions=(*GLOBAL, *(f"{service}:*" for service in sorted(GLOBAL_SERVICES)), "iam:*"),
            resources=("*",),
            conditions=(*any_agent(settings.names), ("StringNotEquals", "aws:RequestedRegion", settings.regions)),
            reason="what runs in a Region that nobody watches is not seen",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-regions", kind=PolicyKind.SCP, stops=("invariant/regions",), build=statements, scenarios=()
)
