"""Deny, through an MCP server: stopping, changing or blinding what records and watches.

Twin by principal: ``AgentsTrail``, which names the same services.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.agents.trail import WATCHERS, WATCHING
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="McpTrail",
            effect="Deny",
            actions=changes_of(*WATCHERS, *WATCHING),
            resources=("*",),
            conditions=VIA_MCP,
            reason="what is done through an MCP server stays on record, whoever asked for it",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-trail",
    kind=PolicyKind.SCP,
    stops=("hiding through an MCP server",),
    build=statements,
    scenarios=(
        *through(
            "stop-trail",
            "cloudtrail:StopLogging",
            "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/organization",
            "McpTrail",
            "stops the trail",
        ),
        still("look-up", "cloudtrail:LookupEvents", "*", "looks at what was done"),
        still("findings", "macie2:GetFindings", "*", "reads findings"),
    ),
)
