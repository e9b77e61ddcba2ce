"""Every scenario of the library, gathered from the guardrails' files in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies import sensitive
from sudo_mcp_guardrails.policies.boundary import (
    accounts,
    approved,
    ceiling,
    change_sets,
    pass_role,
    proposals,
    readers,
    regions,
    workloads,
)
from sudo_mcp_guardrails.policies.boundary import execution as execution_boundary
from sudo_mcp_guardrails.policies.boundary import scope as outside_scope
from sudo_mcp_guardrails.policies.boundary import sensitive as secrets
from sudo_mcp_guardrails.policies.capabilities import apply, execution, plan, read
from sudo_mcp_guardrails.policies.organization import agents as organization

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scenario import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *read.SCENARIOS,
    *plan.SCENARIOS,
    *apply.SCENARIOS,
    *execution.SCENARIOS,
    *sensitive.SCENARIOS,
    *ceiling.SCENARIOS,
    *outside_scope.SCENARIOS,
    *readers.SCENARIOS,
    *pass_role.SCENARIOS,
    *change_sets.SCENARIOS,
    *workloads.SCENARIOS,
    *secrets.SCENARIOS,
    *regions.SCENARIOS,
    *accounts.SCENARIOS,
    *proposals.SCENARIOS,
    *approved.SCENARIOS,
    *execution_boundary.SCENARIOS,
    *organization.SCENARIOS,
)
"""All scenarios: capabilities first, then the boundaries, then the organization. Their ids are unique."""
