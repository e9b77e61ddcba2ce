"""The permissions boundaries: one guardrail a file, put together here in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.policies.boundary import (
    accounts,
    approved,
    ceiling,
    change_sets,
    keys,
    pass_role,
    proposals,
    reach,
    readers,
    regions,
    sensitive,
    workloads,
)
from sudo_mcp_guardrails.policies.boundary import scope as outside_scope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def agent_boundary(scope: AgentScope) -> PolicyDocument:
    """Return the boundary of an agent's read, plan and apply roles, and of every role that its resources carry."""
    return PolicyDocument(
        "boundary",
        (
            *ceiling.statements(scope),
            outside_scope.statement(scope),
            readers.statement(scope),
            *pass_role.statements(scope),
            change_sets.statement(scope),
            workloads.statement(scope),
            *reach.statements(scope),
            *sensitive.statements(scope),
            *regions.statements(scope),
            *accounts.statements(scope),
            *proposals.statements(scope),
            *approved.statements(scope),
            *keys.statements(scope),
        ),
    )
