"""Deny, through an MCP server: a session of another role, whose calls the MCP key does not reach.

Twin by principal: ``AgentsSessions``. Without this, one ``sts:AssumeRole`` would lead around the rest of the net.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents.sessions import SESSIONS
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="McpSessions",
            effect="Deny",
            actions=SESSIONS,
            resources=("*",),
            conditions=VIA_MCP,
            reason="the calls of another session carry no MCP key",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-sessions",
    kind=PolicyKind.SCP,
    stops=("a hop to another role, on which the MCP keys are lost",),
    build=statements,
    scenarios=(
        *through(
            "hop",
            "sts:AssumeRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/deploy",
            "McpSessions",
            "assumes another role",
        ),
        still("who-am-i", "sts:GetCallerIdentity", "*", "asks who it is"),
    ),
)
