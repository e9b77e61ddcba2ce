"""What the second net shares: the condition on the MCP key, and how its scenarios are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.reference import ADMIN
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions

VIA_MCP: Final[Conditions] = (("Bool", "aws:ViaAWSMCPService", ("true",)),)
"""The call came through a managed MCP server, whichever.

``Bool`` and not ``BoolIfExists``: on a direct call the key is false or absent, and then the twin decides; with
``IfExists`` an absent key would deny everybody's direct calls.
"""
_THROUGH: Final = {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}


def through(id: str, action: str, resource: str, sid: str, title: str) -> tuple[Scenario, Scenario]:
    """Return what a person may not do through an MCP server, and the same done directly, which this does not bind."""
    return (
        Scenario(
            f"mcp-{id}",
            "apply",
            action,
            resource,
            allowed=False,
            layer="scp",
            sid=sid,
            context=_THROUGH,
            title=f"{title}, through the AWS MCP Server",
            principal=ADMIN,
        ),
        Scenario(
            f"direct-{id}",
            "apply",
            action,
            resource,
            allowed=True,
            layer="scp",
            title=f"{title}, directly",
            principal=ADMIN,
        ),
    )


def still(id: str, action: str, resource: str, title: str, capability: str = "apply") -> Scenario:
    """Return what a person goes on doing through an MCP server."""
    return Scenario(
        f"mcp-{id}",
        capability,
        action,
        resource,
        allowed=True,
        layer="scp",
        context=_THROUGH,
        title=title,
        principal=ADMIN,
    )
