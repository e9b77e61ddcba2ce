"""The example of the README: one agent, deployed to whichever account and Region the CDK CLI is signed in to."""

from __future__ import annotations

import aws_cdk as cdk

from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentGuardrails, Guardrails

app = cdk.App()
stack = cdk.Stack(app, "Guardrails")
AgentGuardrails(
    stack,
    "Agents",
    agents=[
        Agent(
            "release-bot",
            owner="platform@example.com",
            services=("s3", "lambda", "dynamodb"),
            environments=(
                AgentEnvironment.sandbox("111111111111"),
                AgentEnvironment.production("222222222222"),
            ),
        ),
    ],
)
Guardrails.of(app).enforce()  # cdk-nag's six packs, at every synth
app.synth()
