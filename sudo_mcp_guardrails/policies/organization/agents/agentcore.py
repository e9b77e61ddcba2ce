"""Deny: AgentCore gateways that let anybody in, or whose policies only log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

GATEWAYS: Final = ("bedrock-agentcore:CreateGateway", "bedrock-agentcore:UpdateGateway")


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsGatewayAuthorizer",
            effect="Deny",
            actions=GATEWAYS,
            resources=("*",),
            conditions=(
                *any_agent(names),
                ("StringNotEquals", "bedrock-agentcore:GatewayAuthorizerType", ("AWS_IAM", "CUSTOM_JWT")),
            ),
            reason="a gateway that asks nobody who they are lets everybody act as it",
        ),
        Statement(
            sid="AgentsGatewayPolicy",
            effect="Deny",
            actions=GATEWAYS,
            resources=("*",),
            conditions=(*any_agent(names), ("StringNotEquals", "bedrock-agentcore:PolicyEngineMode", ("ENFORCE",))),
            reason="a policy that only logs stops nothing, and that is the default",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-agentcore",
    kind=PolicyKind.SCP,
    stops=("a gateway without an authorizer", "a gateway whose policy engine does not enforce"),
    build=statements,
    scenarios=(
        attack(
            "scp-open-gateway",
            "bedrock-agentcore:CreateGateway",
            "*",
            "AgentsGatewayAuthorizer",
            "a template makes a gateway for anybody",
            "execution",
            {"bedrock-agentcore:GatewayAuthorizerType": "NONE", "bedrock-agentcore:PolicyEngineMode": "ENFORCE"},
        ),
        attack(
            "scp-logging-gateway",
            "bedrock-agentcore:CreateGateway",
            "*",
            "AgentsGatewayPolicy",
            "a template makes a gateway whose policies only log",
            "execution",
            {"bedrock-agentcore:GatewayAuthorizerType": "AWS_IAM"},
        ),
    ),
)
