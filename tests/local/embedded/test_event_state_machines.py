"""State machines that a rule starts: as whose role, with which input, and where what cannot start one ends."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.embedded.test_event_rules import arn, queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

TRUST = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}


def machine(account: Account) -> str:
    trust = {**TRUST, "Principal": {"Service": "states.amazonaws.com"}}
    made = account.client("stepfunctions").create_state_machine(
        name="contains", definition=json.dumps(DEFINITION), roleArn=account.role("machine", trust=trust)
    )
    return str(made["stateMachineArn"])


def rule(account: Account, target: str, role: str, template: str = '{"line": <line>}') -> str:
    """A rule that starts the state machine, with a queue of dead letters; returns the queue's URL."""
    dead = queue(account, "dead")
    events = account.client("events")
    events.put_rule(Name="calls", EventPattern=json.dumps({"source": ["made.up"]}))
    one = {
        "Id": "1",
        "Arn": target,
        "RoleArn": role,
        "InputTransformer": {"InputPathsMap": {"line": "$.detail.line"}, "InputTemplate": template},
        "DeadLetterConfig": {"Arn": arn(account, "dead")},
    }
    events.put_targets(Rule="calls", Targets=[one])
    return dead


def tell(account: Account, line: str = 'a "quoted" line') -> None:
    entry = {"Source": "made.up", "DetailType": "Notice", "Detail": json.dumps({"line": line})}
    assert account.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def inputs(account: Account, target: str, wanted: int = 1) -> list[Any]:
    """What executions were started with: as many as are wanted, or what there is after three seconds."""
    states, end = account.client("stepfunctions"), time.monotonic() + 3
    found: list[Any] = []
    while time.monotonic() < end and len(found) < max(wanted, 1):
        executions = states.list_executions(stateMachineArn=target)["executions"]
        described = [states.describe_execution(executionArn=one["executionArn"]) for one in executions]
        found = [json.loads(one["input"]) for one in described]
        time.sleep(0.1)
    return found


def letter(account: Account, url: str) -> dict[str, str]:
    sqs = account.client("sqs")
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])
    [found] = answer["Messages"]
    return {name: one["StringValue"] for name, one in found["MessageAttributes"].items()}


def test_a_role_that_may_starts_it_with_the_transformed_event(account: Account) -> None:
    target = machine(account)
    role = account.role(
        "starter", {"Effect": "Allow", "Action": "states:StartExecution", "Resource": target}, trust=TRUST
    )
    dead = rule(account, target, role)
    tell(account)
    assert inputs(account, target) == [{"line": 'a "quoted" line'}]
    assert not account.client("sqs").receive_message(QueueUrl=dead).get("Messages")


@pytest.mark.parametrize(
    ("may", "trusted", "template", "code"),
    [
        ("arn:aws:states:us-east-1:1:stateMachine:other", "events.amazonaws.com", '{"line": <line>}', "NO_PERMISSIONS"),
        ("*", "lambda.amazonaws.com", '{"line": <line>}', "FAILED_TO_ASSUME_ROLE"),
        ("*", "events.amazonaws.com", '{"line": "<line>"}', "INVALID_JSON"),
    ],
)
def test_what_cannot_start_it_is_kept(account: Account, may: str, trusted: str, template: str, code: str) -> None:
    target = machine(account)
    allowed = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": may}
    role = account.role("starter", allowed, trust={**TRUST, "Principal": {"Service": trusted}})
    dead = rule(account, target, role, template)
    tell(account)
    said = letter(account, dead)
    assert said["ERROR_CODE"] == code
    assert said["TARGET_ARN"] == target
    assert inputs(account, target, 0) == []


def test_without_the_extension_nobody_is_asked(
    aws_without: Callable[..., Any], account_on: Callable[..., Account]
) -> None:
    account = account_on(aws_without("event_state_machines"))
    target = machine(account)
    rule(account, target, account.role("starter", trust={**TRUST, "Principal": {"Service": "lambda.amazonaws.com"}}))
    tell(account)
    assert len(inputs(account, target)) == 1
