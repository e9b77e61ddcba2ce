"""Deny: sessions that the broker did not mint, and sign-in outside the approved OAuth clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

SESSIONS: Final = (
    *("sts:AssumeRo*", "sts:GetDelegatedAccessToken", "sts:GetFederationToken", "sts:GetScopedCredentials"),
    *("sts:GetSessionToken", "sts:GetWebIdentityToken", "sts:SetSourceIdentity", "sts:TagSession"),
)


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    conditions = any_agent(names)
    if settings.oauth_clients:
        conditions = (*conditions, ("StringNotEquals", "signin:OAuthClientId", settings.oauth_clients))
    return (
        Statement(
            sid="AgentsSessions",
            effect="Deny",
            actions=SESSIONS,
            resources=("*",),
            conditions=any_agent(names),
            reason="sessions are minted by the broker, and an agent mints none",
        ),
        Statement(
            sid="AgentsSignIn",
            effect="Deny",
            actions=("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2*"),
            resources=("*",),
            conditions=conditions,
            reason="OAuth goes around the session that the broker minted",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-sessions",
    kind=PolicyKind.SCP,
    stops=("a session that carries no run", "sign-in to the AWS MCP Server around the proxy"),
    build=statements,
    scenarios=(
        attack(
            "scp-assume",
            "sts:AssumeRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin",
            "AgentsSessions",
            "assumes an administrator's role",
        ),
        attack(
            "scp-sign-in",
            "signin:CreateOAuth2Token",
            "arn:${AWS::Partition}:signin:${AWS::Region}:${AWS::AccountId}:service-principal/aws-mcp.amazonaws.com",
            "AgentsSignIn",
            "signs in to the AWS MCP Server by OAuth",
        ),
    ),
)
