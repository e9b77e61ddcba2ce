"""The role of an AgentCore gateway, as data."""

from __future__ import annotations

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION


def gateway_policy(engine: str, name: str, interceptor: str | None) -> PolicyDocument:
    """Return what a gateway may do: ask its policy engine, and call its interceptor.

    Args:
        engine: ARN of the policy engine.
        name: Of the gateway, whose id begins with it.
        interceptor: ARN of the interceptor's function; None where there is none.
    """
    gateway = f"arn:{PARTITION}:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{name}-*"
    statements = [
        Statement(
            "McpGatewayAuthorize",
            "Allow",
            (
                "bedrock-agentcore:AuthorizeAction",
                "bedrock-agentcore:GetPolicyEngine",
                "bedrock-agentcore:PartiallyAuthorizeActions",
            ),
            resources=(engine, gateway),
            reason="asks its policy engine about each call; the id behind its name is made with it",
        )
    ]
    if interceptor is not None:
        statements.append(
            Statement(
                "McpGatewayIntercept",
                "Allow",
                ("lambda:InvokeFunction",),
                resources=(interceptor,),
                reason="hands each request and answer to its interceptor",
            )
        )
    return PolicyDocument("MCP gateway", tuple(statements))


def gateway_trust(name: str) -> PolicyDocument:
    """Return who assumes the role: AgentCore, for this account's gateway of this name."""
    return PolicyDocument(
        "trust of an MCP gateway",
        (
            Statement(
                "McpGatewayTrust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "bedrock-agentcore.amazonaws.com"),),
                conditions=(
                    ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
                    (
                        "ArnLike",
                        "aws:SourceArn",
                        (f"arn:{PARTITION}:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{name}-*",),
                    ),
                ),
                reason="AgentCore alone, for gateways of this name in this account and Region",
            ),
        ),
    )
