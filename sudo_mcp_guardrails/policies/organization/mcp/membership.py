"""Deny, through an MCP server: changes of the organization, of who belongs to it, and of who may approve.

Twin by principal: ``AgentsMembership``, which names the same services. The organization, its accounts and shares can
still be read; Identity Center and Control Tower cannot, since to name each change of theirs would take a second SCP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.agents.membership import CHANGES
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

READABLE: Final = ("account:*", "organizations:*", "ram:*")
"""Services of which only what changes something is denied."""


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="McpMembership",
            effect="Deny",
            actions=(*changes_of(*READABLE), *(service for service in CHANGES if service not in READABLE)),
            resources=("*",),
            conditions=VIA_MCP,
            reason="the organization, its people and its approvals are not for a script that a model wrote",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-membership",
    kind=PolicyKind.SCP,
    stops=("leaving or changing the organization, and approving, through an MCP server",),
    build=statements,
    scenarios=(
        *through("leave", "organizations:LeaveOrganization", "*", "McpMembership", "leaves the organization"),
        *through("detach", "organizations:DetachPolicy", "*", "McpMembership", "takes an SCP off an account"),
        *through("approve", "states:SendTaskSuccess", "*", "McpMembership", "approves a change"),
        still("describe", "organizations:DescribeOrganization", "*", "reads the organization"),
    ),
)
