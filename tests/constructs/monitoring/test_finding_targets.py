"""Targets as data: which variables they name, what Jira is not sent, and which alarm tells of what was not taken."""

from __future__ import annotations

import json
import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events

from sudo_mcp_guardrails import AgentMonitoring, FindingTarget
from sudo_mcp_guardrails.constructs.monitoring.targets import template
from tests.constructs.test_log_pipeline import made, new_stack

URL = "https://hooks.example.com/a"


@pytest.fixture(scope="module")
def connection() -> events.IConnection:
    arn = "arn:aws:events:eu-central-1:111111111111:connection/soc/0"
    secret = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:soc"
    return events.Connection.from_event_bus_arn(cdk.Stack(), "Connection", arn, secret)


def test_every_variable_has_a_path_and_no_other_has(connection: events.IConnection) -> None:
    made_targets = [
        FindingTarget.pager_duty(connection),
        FindingTarget.slack(connection, endpoint=URL),
        FindingTarget.teams(connection, endpoint=URL),
        FindingTarget.jira(connection, endpoint=URL, project="SEC"),
        FindingTarget.service_now(connection, endpoint=URL),
    ]
    for one in made_targets:
        assert set(one.paths) == set(re.findall(r"<(\w+)>", one.template)), one.name
        # EventBridge's limits: 100 paths, 256 characters each, 8,192 of a template.
        assert len(one.paths) <= 100
        assert len(one.template) <= 8192
        assert all(path.startswith("$.detail.") and len(path) <= 256 for path in one.paths.values())


def test_jira_without_a_priority(connection: events.IConnection) -> None:
    one = FindingTarget.jira(connection, endpoint=URL, project="SEC", issue_type="Bug", priority=False)
    assert "priority" not in one.template
    assert "jiraPriority" not in one.paths
    assert '"name":"Bug"' in one.template


def test_a_variable_stands_alone_and_a_text_around_it_stays_text() -> None:
    assert template({"a": "<id>", "b": "x <id>"}) == '{"a":<id>,"b":"x <id>"}'


def test_the_alarm_of_dead_letters_says_what_they_are() -> None:
    stack = new_stack()
    AgentMonitoring(stack, "Monitoring")
    alarm = made(stack)["AWS::CloudWatch::Alarm"]["MonitoringAlarmsQueueDeadLetters"]
    assert "a finding was not taken by a target" in alarm["AlarmDescription"]
    assert "ERROR_MESSAGE" in json.dumps(alarm)
