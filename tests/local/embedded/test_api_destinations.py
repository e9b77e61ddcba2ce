"""API destinations: by whose right they are called, with which secret, how often, and where what fails ends."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local.embedded.test_event_rules import arn, queue
from tests.local.hooks import FAILED, Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local.embedded.conftest import Account

TRUST = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
SECRET = "made up for the webhook"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    yield made
    made.stop()


def template(role: str, endpoint: str, dead: str) -> dict[str, Any]:
    """A rule that hands part of an event on to a webhook, with a header that is secret."""
    return {
        "Resources": {
            "Connection": {
                "Type": "AWS::Events::Connection",
                "Properties": {
                    "AuthorizationType": "API_KEY",
                    "AuthParameters": {
                        "ApiKeyAuthParameters": {"ApiKeyName": "x-hook", "ApiKeyValue": SECRET},
                        "InvocationHttpParameters": {
                            "HeaderParameters": [{"Key": "x-more", "Value": SECRET, "IsValueSecret": True}]
                        },
                    },
                },
            },
            "Hook": {
                "Type": "AWS::Events::ApiDestination",
                "Properties": {
                    "ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]},
                    "HttpMethod": "POST",
                    "InvocationEndpoint": endpoint,
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": "calls",
                    "EventPattern": {"source": ["made.up"]},
                    "Targets": [
                        {
                            "Id": "1",
                            "Arn": {"Fn::GetAtt": ["Hook", "Arn"]},
                            "RoleArn": role,
                            "InputTransformer": {
                                "InputPathsMap": {"line": "$.detail.line"},
                                "InputTemplate": '{"text": "<line>"}',
                            },
                            "DeadLetterConfig": {"Arn": dead},
                        }
                    ],
                },
            },
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Connection", "Hook")},
    }


def deployed(account: Account, endpoint: str, *, may: str = "*", lets: bool = True) -> tuple[str, dict[str, str]]:
    """Deploy, with a queue of dead letters; returns the queue's URL and the outputs."""
    dead = queue(account, "dead", lets=lets)
    allowed = {"Effect": "Allow", "Action": "events:InvokeApiDestination", "Resource": may}
    role = account.role("caller", allowed, trust=TRUST)
    status = account.deploy(template(role, endpoint, arn(account, "dead")))
    assert status == "CREATE_COMPLETE", account.reasons()
    stack = account.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]
    return dead, {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def tell(account: Account, line: str = "hello") -> None:
    entry = {"Source": "made.up", "DetailType": "Notice", "Detail": json.dumps({"line": line})}
    assert account.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def dead_letters(account: Account, url: str) -> list[dict[str, Any]]:
    """The dead letters: one, or what there is after ten seconds."""
    sqs = account.client("sqs")
    for _ in range(10):
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        if answer.get("Messages"):
            return list(answer["Messages"])
    return []


def test_a_webhook_gets_the_transformed_event_and_the_connections_secret(account: Account, hooks: Hooks) -> None:
    _, made = deployed(account, f"{hooks.url}/slack")
    tell(account)
    headers, body = hooks.wait("/slack")
    assert body == {"text": "hello"}
    assert (headers["x-hook"], headers["x-more"]) == (SECRET, SECRET)
    assert headers["content-type"].startswith("application/json")
    events = account.client("events")
    shown = events.describe_connection(Name=made["Connection"])
    assert SECRET not in json.dumps(shown, default=str)
    assert shown["AuthParameters"]["ApiKeyAuthParameters"] == {"ApiKeyName": "x-hook"}
    account.client("cloudformation").delete_stack(StackName="stack")
    for _ in range(100):
        if not events.list_api_destinations()["ApiDestinations"] and not events.list_connections()["Connections"]:
            return
        time.sleep(0.05)
    raise AssertionError("the stack left something behind")


@pytest.mark.parametrize(
    ("path", "tries", "code"), [("broken", 3, True), ("busy", 3, True), ("gone", 1, False), ("mending", 3, None)]
)
def test_what_fails_is_tried_again_and_then_kept(
    account: Account, hooks: Hooks, path: str, tries: int, *, code: bool | None
) -> None:
    dead, _ = deployed(account, f"{hooks.url}/{path}")
    tell(account)
    if code is None:
        hooks.wait(f"/{path}")
        assert hooks.asked[f"/{path}"] == tries
        assert not account.client("sqs").receive_message(QueueUrl=dead).get("Messages")
        return
    [letter] = dead_letters(account, dead)
    assert json.loads(letter["Body"]) == {"text": "hello"}
    said = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert said["RULE_ARN"] == f"arn:aws:events:us-east-1:{account.id}:rule/calls"
    assert ":api-destination/" in said["TARGET_ARN"]
    assert said["ERROR_MESSAGE"] == f"the endpoint answered {FAILED[path]}"
    assert ("EXHAUSTED_RETRY_CONDITION" in said) is code
    assert hooks.asked[f"/{path}"] == tries


def test_a_role_that_may_not_call_it_calls_nothing(account: Account, hooks: Hooks) -> None:
    other = f"arn:aws:events:us-east-1:{account.id}:api-destination/another/*"
    dead, _ = deployed(account, f"{hooks.url}/slack", may=other)
    tell(account)
    [letter] = dead_letters(account, dead)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert hooks.asked == {}


def test_nothing_leaves_the_machine(account: Account) -> None:
    dead, _ = deployed(account, "https://hooks.example.com/services/T0/B0/x")
    tell(account)
    [letter] = dead_letters(account, dead)
    assert "loopback alone" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def test_a_queue_that_lets_the_rule_in_is_the_only_one_that_gets_it(account: Account, hooks: Hooks) -> None:
    dead, _ = deployed(account, f"{hooks.url}/gone", lets=False)
    tell(account)
    end = time.monotonic() + 10
    while not hooks.asked["/gone"] and time.monotonic() < end:
        time.sleep(0.05)
    assert hooks.asked["/gone"] == 1
    assert not account.client("sqs").receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages")


def test_stock_refuses_the_types(
    aws_without: Callable[..., Any], account_on: Callable[..., Account], hooks: Hooks
) -> None:
    account = account_on(aws_without("api_destination_types"))
    with pytest.raises(ClientError, match=r"Unrecognized resource types: .AWS::Events::ApiDestination"):
        account.deploy(template(account.role("caller", trust=TRUST), f"{hooks.url}/slack", arn(account, "dead")))


def test_without_the_extension_a_destination_is_called_as_nobody_and_what_fails_is_lost(
    aws_without: Callable[..., Any], account_on: Callable[..., Account], hooks: Hooks
) -> None:
    account = account_on(aws_without("api_destinations"))
    other = f"arn:aws:events:us-east-1:{account.id}:api-destination/another/*"
    dead, _ = deployed(account, f"{hooks.url}/broken", may=other)
    tell(account)
    end = time.monotonic() + 10
    while not hooks.asked["/broken"] and time.monotonic() < end:
        time.sleep(0.05)
    assert not account.client("sqs").receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages")
    assert hooks.asked["/broken"] == 1
