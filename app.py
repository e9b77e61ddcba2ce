"""The demo's app: two agents in a member account, under every rule pack.

``make demo`` deploys it to the embedded AWS, where ``ApprovalStandIn`` takes the place of the approval workflow:
it alone may mint apply sessions.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails import AgentGuardrails, BrokerCaller, Guardrails
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, APPROVAL_ROLE, HOST_ROLE, REGION


def build(app: cdk.App) -> cdk.Stack:
    """Add the guardrails' stack to an app."""
    stack = cdk.Stack(app, "Guardrails", env=cdk.Environment(account=ACCOUNT, region=REGION))
    approval = iam.Role(stack, "ApprovalStandIn", role_name=APPROVAL_ROLE, assumed_by=iam.AccountRootPrincipal())
    host = iam.Role(stack, "AgentHost", role_name=HOST_ROLE, assumed_by=iam.AccountRootPrincipal())
    guardrails = AgentGuardrails(
        stack,
        "Agents",
        agents=AGENTS,
        callers=[BrokerCaller.iam_role(host)],
        apply_broker=approval,
    )
    cdk.CfnOutput(stack, "BrokerUrl", value=guardrails.broker.url.url)
    return stack


if __name__ == "__main__":
    application = cdk.App()
    build(application)
    Guardrails.of(application).enforce()
    application.synth()
