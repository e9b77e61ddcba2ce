"""What a member account sends to the log archive: the rules, the role, the queue, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import AgentEventForwarding, GuardrailNames, Guardrails, PipelineError
from sudo_mcp_guardrails.iam import Layers, evaluate
from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.policies.agent_events import agent_calls, tampering
from sudo_mcp_guardrails.policies.agent_forwarding import accept_members, bus_arn, forwarder_policy
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS

LOGS, MEMBER, STRANGER = "888888888888", "111111111111", "333333333333"
BUS = f"arn:aws:events:eu-central-1:{LOGS}:event-bus/mcp-guardrails-agent-events"
NAMES = GuardrailNames()
Template = dict[str, Any]


def new_stack(region: str = "eu-central-1", context: dict[str, Any] | None = None, account: str = MEMBER) -> cdk.Stack:
    app = cdk.App(context=context, analytics_reporting=False)
    return cdk.Stack(app, "Member", env=cdk.Environment(account=account, region=region))


def made(stack: cdk.Stack) -> dict[str, dict[str, Template]]:
    """Properties by type, and by logical id without hashes."""
    found: dict[str, dict[str, Template]] = {}
    for id_, resource in assertions.Template.from_stack(stack).to_json()["Resources"].items():
        name = re.sub(r"[0-9A-F]{8}$", "", id_).removeprefix("Events")
        found.setdefault(resource["Type"], {})[name] = resource["Properties"]
    return found


@pytest.fixture(scope="module")
def whole() -> dict[str, dict[str, Template]]:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{MEMBER}:alarms")
    AgentEventForwarding(stack, "Events", bus_arn=BUS, alarm_topic=topic)
    assert assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value()) == []
    return made(stack)


def test_the_rules_are_those_of_the_pipeline_and_no_agent_can_change_them(
    whole: dict[str, dict[str, Template]],
) -> None:
    rules = whole["AWS::Events::Rule"]
    assert rules["Calls"]["EventPattern"] == agent_calls(NAMES)
    assert rules["Tampering"]["EventPattern"] == tampering()
    assert rules["Calls"]["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert rules["Tampering"]["State"] == "ENABLED"
    for rule in rules.values():
        assert rule["Name"].startswith(NAMES.prefix), "what the pack 'agents' keeps agents from"
        assert "EventBusName" not in rule
        [target] = rule["Targets"]
        assert target["Arn"] == BUS
        assert "EventsRole" in target["RoleArn"]["Fn::GetAtt"][0]
        assert "EventsUndelivered" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]


def test_eventbridge_alone_assumes_the_role_for_these_rules_and_puts_events_on_that_bus(
    whole: dict[str, dict[str, Template]],
) -> None:
    [role] = whole["AWS::IAM::Role"].values()
    assert role["Path"] == "/mcp-guardrails/forwarding/"
    assert "Policies" not in role
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    arns = json.dumps(trust["Condition"]["ArnEquals"]["aws:SourceArn"])
    names = {rule["Name"] for rule in whole["AWS::Events::Rule"].values()}
    assert {name for name in names if f"rule/{name}" in arns} == names
    [policy] = whole["AWS::IAM::ManagedPolicy"].values()
    [allow] = policy["PolicyDocument"]["Statement"]
    assert (allow["Effect"], allow["Action"], allow["Resource"]) == ("Allow", "events:PutEvents", BUS)


def test_what_cannot_be_sent_is_kept_and_told(whole: dict[str, dict[str, Template]]) -> None:
    [queue] = whole["AWS::SQS::Queue"].values()
    assert (queue["MessageRetentionPeriod"], queue["SqsManagedSseEnabled"]) == (14 * 24 * 3600, True)
    [policy] = whole["AWS::SQS::QueuePolicy"].values()
    keep, tls = policy["PolicyDocument"]["Statement"]
    assert (keep["Action"], keep["Principal"]) == ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
    assert len(keep["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2
    assert tls["Effect"] == "Deny"
    [alarm] = whole["AWS::CloudWatch::Alarm"].values()
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["AlarmActions"] == [f"arn:aws:sns:eu-central-1:{MEMBER}:alarms"]


def test_an_alarm_that_tells_nobody_is_a_warning() -> None:
    stack = new_stack()
    AgentEventForwarding(stack, "Events", bus_arn=BUS)
    [warning] = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    assert "@sudo-mcp-guardrails/agentEventForwarding:noAlarmTopic" in str(warning.entry.data)


FORWARDER = Principal(f"arn:aws:iam::{MEMBER}:role/mcp-guardrails/forwarding/Member-EventsRole", session="s")
GUEST = Principal(f"arn:aws:iam::{STRANGER}:role/mcp-guardrails/forwarding/Member-EventsRole", session="s")
ADMIN = Principal(f"arn:aws:iam::{MEMBER}:role/admin", session="ann")
AGENT = Principal(f"arn:aws:iam::{MEMBER}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-apply", session="run-1")
INSIDE, OUTSIDE = {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}


@pytest.mark.parametrize(
    ("organization", "accounts", "who", "context", "passes"),
    [
        ("o-a1b2c3d4e5", (), FORWARDER, INSIDE, True),
        ("o-a1b2c3d4e5", (), GUEST, OUTSIDE, False),
        ("o-a1b2c3d4e5", (), ADMIN, INSIDE, False),
        ("o-a1b2c3d4e5", (), AGENT, INSIDE, False),
        ("", (MEMBER,), FORWARDER, {}, True),
        ("", (MEMBER,), GUEST, {}, False),
        ("", (MEMBER,), ADMIN, {}, False),
        ("o-a1b2c3d4e5", (STRANGER,), GUEST, OUTSIDE, True),
    ],
)
def test_forwarders_of_members_alone_put_events_on_the_bus(
    organization: str, accounts: tuple[str, ...], who: Principal, context: dict[str, Any], *, passes: bool
) -> None:
    values = {"Partition": "aws", "AccountId": LOGS, "Region": "eu-central-1"}
    policy = PolicyDocument("bus", accept_members(NAMES, organization_id=organization, accounts=accounts))
    for identity in (FULL_ACCESS, forwarder_policy(BUS)):
        request = Request("events:PutEvents", BUS, who, context, region="eu-central-1", resource_account=LOGS)
        decision = evaluate(request, Layers(identity=(identity,), resource=policy.resolve(values)))
        assert decision.allowed is passes


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions_and_the_bus_by_its_name(region: str) -> None:
    stack = new_stack(region)
    arn = cdk.Fn.sub("${A}", {"A": "x"})
    with pytest.raises(PipelineError, match="expected an ARN"):
        AgentEventForwarding(stack, "Sub", bus_arn=arn)
    known = bus_arn(NAMES, account=LOGS, region=region).replace("${AWS::Partition}", cdk.Aws.PARTITION)
    AgentEventForwarding(stack, "Events", bus_arn=known)
    text = json.dumps(assertions.Template.from_stack(stack).to_json())
    assert re.findall(r"arn:aws[a-z-]*:", text) == []
    assert f":events:{region}:{LOGS}:event-bus/mcp-guardrails-agent-events" in text


@pytest.mark.parametrize(
    "bus", ["", "mcp-guardrails-agent-events", BUS.replace("event-bus", "rule"), BUS.replace(LOGS, "1"), None]
)
def test_what_is_no_bus_is_refused(bus: Any) -> None:
    with pytest.raises(PipelineError, match="is not allowed, expected an ARN"):
        AgentEventForwarding(new_stack(), "Events", bus_arn=bus)


def test_the_pipelines_own_account_needs_none_but_in_other_regions() -> None:
    with pytest.raises(PipelineError, match="of this account and Region is not allowed"):
        AgentEventForwarding(new_stack(account=LOGS), "Events", bus_arn=BUS)
    assert AgentEventForwarding(new_stack("us-east-1", account=LOGS), "Events", bus_arn=BUS).rules


@pytest.mark.parametrize("recommended", [True, False])
def test_the_six_packs_and_the_validation_pass(flags: dict[str, Any], *, recommended: bool) -> None:
    stack = new_stack(context=flags if recommended else {})
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{MEMBER}:alarms")
    AgentEventForwarding(stack, "Events", bus_arn=BUS, alarm_topic=topic if recommended else None)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    found = [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [rule for rule in found if "agentEventForwarding" not in rule] == []
