"""A kill switch for one agent: the SOC's role contains and restores, and the session broker reads the switch."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentGuardrails, Guardrails, KillSwitch, Responder

ACCOUNT = "111111111111"

app = cdk.App()
stack = cdk.Stack(app, "Guardrails", env=cdk.Environment(account=ACCOUNT, region="eu-central-1"))
agents = [
    Agent(
        "release-bot",
        owner="platform@example.com",
        services=("s3", "lambda", "dynamodb"),
        environments=(AgentEnvironment.sandbox(ACCOUNT),),
    ),
]
soc = iam.Role.from_role_name(stack, "Soc", "security-operations")
# The SOC contains, and restores one agent. What took many down takes two of these people, each with a second factor.
leads = [iam.User.from_user_name(stack, name.title(), name) for name in ("ann", "ben")]
responders = [Responder.iam_role(soc, restores=True), *(Responder.iam_user(lead, restores=True) for lead in leads)]
switch = KillSwitch(stack, "KillSwitch", agents=agents, responders=responders)
guardrails = AgentGuardrails(stack, "Agents", agents=agents)
guardrails.broker.obey(switch)
Guardrails.of(app).enforce()
app.synth()
