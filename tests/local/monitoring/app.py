"""The monitoring as it is deployed here: two agents, every kind of target, Security Hub, and the kill switch.

Targets take https alone, and the receivers listen on loopback: after synthesis the address of each API destination is
replaced by the recorder's, path and all, and nothing else of the template is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    AgentMonitoring,
    BrokerCaller,
    FindingTarget,
    KillSwitch,
    LockMode,
)
from sudo_mcp_guardrails.constructs.response.props import Responder

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT, REGION, STACK = "320000000002", "us-east-1", "Delivery"
AGENTS = ("cost-bot", "release-bot")
HONEYTOKEN = "payroll-admin"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
WEBHOOK_SECRET = "made-up-for-the-webhooks"
TOKEN = "made-up-api-token"
ENDPOINTS = {
    "PagerDuty": "https://events.pagerduty.com/v2/enqueue",
    "Slack": "https://hooks.slack.com/services/T0/B0/made-up",
    "Teams": "https://prod-00.westeurope.logic.azure.com/workflows/made-up/triggers/manual/paths/invoke",
    "Jira": "https://example.atlassian.net/rest/api/3/issue",
    "ServiceNow": "https://example.service-now.com/api/now/table/incident",
}
PATHS = {name: urlsplit(url).path for name, url in ENDPOINTS.items()}


def synthesized(out: Path, hooks: str) -> dict[str, Any]:
    """Synthesize into a folder, and return the template with the recorder's address in it."""
    app = cdk.App(
        outdir=str(out),
        default_stack_synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        analytics_reporting=False,
    )
    stack = cdk.Stack(app, STACK, env=cdk.Environment(account=ACCOUNT, region=REGION))
    _fill(stack)
    app.synth()
    template: dict[str, Any] = json.loads((out / f"{STACK}.template.json").read_text(encoding="utf-8"))
    moved = 0
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Events::ApiDestination":
            properties = resource["Properties"]
            properties["InvocationEndpoint"] = hooks + urlsplit(properties["InvocationEndpoint"]).path
            moved += 1
    assert moved == len(ENDPOINTS)
    return template


def _fill(stack: cdk.Stack) -> None:
    agents = [
        Agent(
            name,
            owner="platform@example.com",
            services=["s3", "sqs"],
            environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
        )
        for name in AGENTS
    ]
    alarms = _topic(stack, "Alarms", "cloudwatch.amazonaws.com")
    monitoring = AgentMonitoring(
        stack,
        "Watch",
        agents=agents,
        watch={"honeytoken": [f"secretsmanager:{HONEYTOKEN}"]},
        security_hub=True,
        targets=_targets(stack),
        canary_minutes=1,
        alarm_topic=alarms,
    )
    told = sqs.Queue(stack, "TopicHeard", queue_name="topic-heard")
    told.grant_send_messages(iam.ServicePrincipal("sns.amazonaws.com"))
    topic = monitoring.delivery.topic.ref
    sns.CfnSubscription(
        stack, "Heard", protocol="sqs", topic_arn=topic, endpoint=told.queue_arn, raw_message_delivery=True
    )
    soc = iam.Role(stack, "Soc", role_name="soc", assumed_by=iam.AccountRootPrincipal())
    host = iam.Role(stack, "Host", role_name="agenthost", assumed_by=iam.AccountRootPrincipal())
    switch = KillSwitch(
        stack,
        "KillSwitch",
        agents=agents,
        responders=[Responder.iam_role(soc, restores=True)],
        findings_bus=events.EventBus.from_event_bus_name(stack, "Findings", monitoring.delivery.bus.ref),
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    guardrails = AgentGuardrails(stack, "Agents", agents=agents, callers=[BrokerCaller.iam_role(host)])
    guardrails.broker.obey(switch)
    for name, value in {
        "Bus": monitoring.delivery.bus.ref,
        "Dead": monitoring.queue.dead_letter_queue.ref,
        "Queue": monitoring.queue.queue.ref,
        "Canary": monitoring.canary.function.ref,
        "Detect": monitoring.detector.function.ref,
        "CanaryAlarm": monitoring.alarms["Canary"].ref,
        "SilenceAlarm": monitoring.alarms["Silence"].ref,
        "DeadAlarm": monitoring.alarms["QueueDeadLetters"].ref,
        "Broker": guardrails.broker.url.url,
        "Switch": switch.url.attr_function_url,
        "SwitchTable": switch.table_name,
        "Machine": switch.machine.attr_arn,
        "TriggerDead": switch.trigger.undelivered.ref if switch.trigger else "",
    }.items():
        cdk.CfnOutput(stack, name, value=value)


def _targets(stack: cdk.Stack) -> list[FindingTarget]:
    key = cdk.SecretValue.unsafe_plain_text
    page = events.Connection(
        stack,
        "PagerDuty",
        authorization=events.Authorization.api_key("x-routing-key", key(ROUTING_KEY)),
        body_parameters={"routing_key": events.HttpParameter.from_secret(key(ROUTING_KEY))},
    )
    hook = events.Connection(
        stack, "Webhooks", authorization=events.Authorization.api_key("x-webhook", key(WEBHOOK_SECRET))
    )
    basic = events.Connection(stack, "Jira", authorization=events.Authorization.basic("soc@example.com", key(TOKEN)))
    return [
        FindingTarget.pager_duty(page, endpoint=ENDPOINTS["PagerDuty"], least=2),
        FindingTarget.slack(hook, endpoint=ENDPOINTS["Slack"]),
        FindingTarget.teams(hook, endpoint=ENDPOINTS["Teams"]),
        FindingTarget.jira(basic, endpoint=ENDPOINTS["Jira"], project="SEC"),
        FindingTarget.service_now(basic, endpoint=ENDPOINTS["ServiceNow"]),
    ]


def _topic(stack: cdk.Stack, name: str, service: str) -> sns.Topic:
    topic = sns.Topic(stack, name)
    topic.grant_publish(iam.ServicePrincipal(service))
    heard = sqs.Queue(stack, f"{name}Heard", queue_name=f"{name.lower()}-heard")
    topic.add_subscription(subscriptions.SqsSubscription(heard, raw_message_delivery=True))
    return topic
