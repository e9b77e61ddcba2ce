"""The second net: SCPs that bind whoever works through a managed MCP server, person or agent.

Nobody is exempt: who has to do such a thing does it directly, under the guardrails for everyone. The SCPs rest on a
condition key that the server sets and no caller can forge; but the key is gone when a call is made directly, or by
another role. So each has a twin among the SCPs of agents that rests on the principal, named in
:data:`TWINS`, and a test proves that the twin denies an agent all that the statement denies.
Source: Agent Toolkit user guide, "How the AWS MCP Server works with IAM".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.mcp import (
    guardrails,
    hooks,
    identities,
    membership,
    sessions,
    trail,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail

GUARDRAILS: Final[tuple[OrganizationGuardrail, ...]] = (
    identities.GUARDRAIL,
    sessions.GUARDRAIL,
    trail.GUARDRAIL,
    membership.GUARDRAIL,
    guardrails.GUARDRAIL,
    hooks.GUARDRAIL,
)
"""In the order of the documents."""
TWINS: Final[dict[str, tuple[str, ...]]] = {
    "McpIdentities": ("AgentsIdentities", "AgentsRolesElsewhere", "AgentsRoleChanges"),
    "McpSessions": ("AgentsSessions",),
    "McpTrail": ("AgentsTrail",),
    "McpMembership": ("AgentsMembership",),
    "McpGuardrails": ("AgentsGuardrails",),
    "McpHooks": ("AgentsStacks",),
}
"""Sid to the Sids that deny an agent the same by who it is.

An execution role is left out of the first: it is assumed by CloudFormation alone, which no MCP server speaks for.
"""
