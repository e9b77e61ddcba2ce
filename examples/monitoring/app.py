"""The example of the monitoring: one agent that is watched, with PagerDuty and a honeytoken, in one account.

Context: ``account``, ``region``: default ``111111111111``, ``us-east-1``. PagerDuty's integration key is in Secrets
Manager, as ``pager-duty``.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    AgentMonitoring,
    FindingTarget,
    Guardrails,
)

app = cdk.App()
account = app.node.try_get_context("account") or "111111111111"
region = app.node.try_get_context("region") or "us-east-1"
stack = cdk.Stack(app, "Monitoring", env=cdk.Environment(account=account, region=region))
bot = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["s3", "lambda"],
    environments=[AgentEnvironment.sandbox(account)],
)
AgentGuardrails(stack, "Agents", agents=[bot])
key = cdk.SecretValue.secrets_manager("pager-duty")
connection = events.Connection(
    stack,
    "PagerDuty",
    # PagerDuty reads its key from the body; a connection must have an authorization, which PagerDuty leaves unread.
    authorization=events.Authorization.api_key("x-routing-key", key),
    body_parameters={"routing_key": events.HttpParameter.from_secret(key)},
)
AgentMonitoring(
    stack,
    "Watch",
    agents=[bot],
    watch={"honeytoken": ["secretsmanager:payroll-admin"]},
    targets=[FindingTarget.pager_duty(connection)],
    alarm_topic=sns.Topic.from_topic_arn(stack, "Alarms", f"arn:aws:sns:{region}:{account}:alarms"),
)
Guardrails.of(app).enforce()
app.synth()
