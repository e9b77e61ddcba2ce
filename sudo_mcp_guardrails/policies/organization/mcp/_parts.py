"""What the second net shares: the condition on the MCP key, and how its scenarios are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.reference import ADMIN
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.scenario import Scenario

VIA_MCP: Final[Conditions] = (("Bool", "aws:ViaAWSMCPService", ("true",)),)
"""The call came through a managed MCP server, whichever.

``Bool`` and not ``BoolIfExists``: on a direct call the key is false or absent, and then the twin decides; with
``IfExists`` an absent key would deny everybody's direct calls.
"""
_THROUGH: Final = {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}


def through(id: str, action: str, resource: str, sid: str, title: str) -> tuple[Scenario, Scenario]:
    """Return what a person may not do through an MCP server, and the same done directly, which this does not bind."""
    return (
        decided(
            f"mcp-{id}",
            action,
            resource,
            f"{title}, through the AWS MCP Server",
            layer="scp",
            sid=sid,
            context=_THROUGH,
            principal=ADMIN,
        ),
        decided(f"direct-{id}", action, resource, f"{title}, directly", layer="scp", principal=ADMIN),
    )


def still(id: str, action: str, resource: str, title: str, capability: str = "apply") -> Scenario:
    """Return what a person goes on doing through an MCP server."""
    return decided(
        f"mcp-{id}",
        action,
        resource,
        title,
        layer="scp",
        capability=capability,
        context=_THROUGH,
        principal=ADMIN,
    )
