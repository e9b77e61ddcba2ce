"""The demo's app: two agents in a member account, under every rule pack.

``make demo`` deploys it to the embedded AWS, where ``ApprovalStandIn`` takes the place of the approval workflow:
it alone may mint apply sessions.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentGuardrails, BrokerCaller, Guardrails

ACCOUNT = "111111111111"
REGION = "us-east-1"

AGENTS = (
    Agent(
        "release-bot",
        owner="platform@example.com",
        services=["dynamodb", "lambda", "s3"],
        environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
    ),
    Agent(
        "data-bot",
        owner="data@example.com",
        services=["secretsmanager", "sns", "sqs", "ssm"],
        environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
    ),
)


def build(app: cdk.App) -> cdk.Stack:
    """Add the guardrails' stack to an app."""
    stack = cdk.Stack(app, "Guardrails", env=cdk.Environment(account=ACCOUNT, region=REGION))
    approval = iam.Role(stack, "ApprovalStandIn", role_name="approval-stand-in", assumed_by=iam.AccountRootPrincipal())
    host = iam.Role(stack, "AgentHost", role_name="agent-host", assumed_by=iam.AccountRootPrincipal())
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
