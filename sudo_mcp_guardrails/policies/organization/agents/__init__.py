"""The SCPs of agents: they match roles on the agents' path, bind nobody else, and need no exemption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.agents import (
    agentcore,
    approvals,
    approved,
    change_sets,
    credentials,
    direct,
    guardrails,
    identities,
    mcp_servers,
    membership,
    pass_role,
    regions,
    roles,
    sessions,
    steering,
    tags,
    trail,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail
    from sudo_mcp_guardrails.policies.scenario import Scenario

GUARDRAILS: Final[tuple[OrganizationGuardrail, ...]] = (
    identities.GUARDRAIL,
    roles.GUARDRAIL,
    pass_role.GUARDRAIL,
    sessions.GUARDRAIL,
    membership.GUARDRAIL,
    trail.GUARDRAIL,
    guardrails.GUARDRAIL,
    approvals.GUARDRAIL,
    change_sets.GUARDRAIL,
    approved.GUARDRAIL,
    direct.GUARDRAIL,
    credentials.GUARDRAIL,
    steering.GUARDRAIL,
    agentcore.GUARDRAIL,
    mcp_servers.GUARDRAIL,
    tags.GUARDRAIL,
    regions.GUARDRAIL,
)
"""In the order of the documents."""
SCENARIOS: Final[tuple[Scenario, ...]] = tuple(s for guardrail in GUARDRAILS for s in guardrail.scenarios)
"""What shows that each is needed."""
