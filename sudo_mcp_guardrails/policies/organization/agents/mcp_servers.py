"""Deny: the own actions of managed MCP servers other than the AWS MCP Server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

SERVERS: Final = (
    *("agentaccess-mcp:*", "application-signals-mcp:*", "ecs-mcp:*", "eks-mcp:*", "sagemaker-unified-studio-mcp:*"),
)
"""The twin of the condition key, by name."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsMcpServers",
            effect="Deny",
            actions=SERVERS,
            resources=("*",),
            conditions=any_agent(names),
            reason="the AWS MCP Server has no actions of its own; what has them is another server",
        ),
        Statement(
            sid="AgentsMcpServiceActions",
            effect="Deny",
            actions=("*",),
            resources=("*",),
            conditions=(*any_agent(names), ("Bool", "aws:IsMcpServiceAction", ("true",))),
            reason="a server that AWS adds tomorrow has actions of a name that nobody knows",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-mcp-servers",
    kind=PolicyKind.SCP,
    stops=("work through a managed MCP server that nobody looked at",),
    build=statements,
    scenarios=(
        attack(
            "scp-eks-mcp", "eks-mcp:CallPrivilegedTool", "*", "AgentsMcpServers", "works through the EKS MCP server"
        ),
        attack(
            "scp-new-mcp",
            "tomorrow-mcp:InvokeMcp",
            "*",
            "AgentsMcpServiceActions",
            "works through an MCP server of tomorrow",
            "apply",
            {"aws:IsMcpServiceAction": "true"},
        ),
    ),
)
