"""The benchmark of benign work: what it makes of played sessions is told apart, is repeatable, and hides no attack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.detection.benign import samples
from benchmarks.detection.benign.actors import ACTORS
from benchmarks.detection.benign.agents import ACCOUNT, ACCOUNTS
from benchmarks.detection.benign.looking import look
from benchmarks.detection.benign.playing import Played
from benchmarks.detection.benign.rewriting import spread
from sudo_mcp_guardrails.trail.event import is_event_time


def _place(name: str) -> int:
    return next(place for place, actor in enumerate(ACTORS) if actor.name == name)


def _event(source: str, name: str, role: str, path: str = "/", **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAAAAAAAAAAAAAAAAA:rita@example.com",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/rita@example.com",
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAAAAAAAAAAAAAAAAA",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{role}", "userName": role},
                "attributes": {"creationDate": "2026-11-24T10:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": "2026-11-24T10:00:00Z",
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "benign work/0",
        "requestParameters": {},
        "responseElements": None,
        "requestID": "a",
        "eventID": "b",
        "readOnly": name.startswith("Describe"),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **more,
    }


def _administrators(*events: dict[str, Any]) -> Played:
    return Played(0, _place("administrators"), "rita@example.com", list(events))


ROLE = "AWSReservedSSO_AdministratorAccess_0f1e2d3c4b5a6978"


def test_the_same_seed_lays_out_the_same_events_and_another_one_others() -> None:
    played = [_administrators(_event("ec2", "DescribeInstances", ROLE))]
    assert spread(played, 1, 2) == spread(played, 1, 2)
    assert spread(played, 1, 2) != spread(played, 2, 2)


def test_copies_share_no_id_and_no_account_that_was_played_in_and_come_in_order() -> None:
    played = [_administrators(*(_event("ec2", "DescribeInstances", ROLE) for _ in range(3)))]
    lines = spread(played, 1, 6)
    events = [json.loads(line) for line in lines]
    assert not any(ACCOUNT in line for line in lines)
    assert len({event["eventID"] for event in events}) == len(events)
    keys = {event["userIdentity"]["accessKeyId"] for event in events if event["eventName"] == "DescribeInstances"}
    assert len(keys) == 6
    times = [event["eventTime"] for event in events]
    assert times == sorted(times)
    assert all(map(is_event_time, times))


def test_a_sign_in_comes_before_what_a_person_does_in_the_console() -> None:
    events = [json.loads(line) for line in spread([_administrators(_event("ec2", "DescribeInstances", ROLE))], 1, 1)]
    assert [event["eventName"] for event in events][-1] == "DescribeInstances"
    assert {"ConsoleLogin", "AssumeRoleWithSAML"} <= {event["eventName"] for event in events}


def test_a_tool_call_lists_the_calls_that_it_made() -> None:
    role = "mcp-guardrails-inventory-bot-read"
    events = [_event("dynamodb", "DescribeTable", role, "/mcp-guardrails/agents/inventory-bot/") for _ in range(5)]
    found = [json.loads(line) for line in spread([Played(0, _place("inventory-bot, read"), "session", events)], 1, 1)]
    calls = [one for one in found if one["eventType"] == "AwsMcpEvent"]
    made = {one["requestID"] for one in found if one["eventName"] == "DescribeTable"}
    listed = [each["requestId"] for one in calls for each in one["additionalEventData"]["downstreamRequests"]]
    assert len(made) == 5
    assert sorted(listed) == sorted(made)
    assert {one["userIdentity"]["invokedBy"] for one in found if one["requestID"] in made} == {"aws-mcp.amazonaws.com"}


def test_an_attack_among_the_work_is_found_in_every_copy() -> None:
    stopped = _event("cloudtrail", "StopLogging", ROLE, requestParameters={"name": "organization"}, readOnly=False)
    quiet = _administrators(_event("ec2", "DescribeInstances", ROLE))
    assert not look(spread([quiet], 1, 4)).findings
    found = look(spread([quiet, _administrators(stopped)], 1, 4))
    assert found.findings["aws_trail_stopped"] == 4
    assert found.events > 8


def test_what_the_embedded_aws_lacks_is_no_refusal_and_what_iam_refuses_stays_one() -> None:
    lacking = _event("ssm", "StartSession", ROLE, errorCode="InvalidAction", errorMessage="unknown")
    refused = _event("ssm", "GetParameter", ROLE, errorCode="AccessDenied", errorMessage="no")
    events = [json.loads(line) for line in spread([_administrators(lacking, refused)], 1, 1)]
    codes = {event["eventName"]: event.get("errorCode") for event in events}
    assert codes["StartSession"] is None
    assert codes["GetParameter"] == "AccessDenied"


def test_an_account_that_is_laid_out_twice_is_the_same_account_with_other_sessions() -> None:
    accounts = len(ACCOUNTS)
    played = [_administrators(_event("ec2", "DescribeInstances", ROLE))]
    events = [json.loads(line) for line in spread(played, 1, accounts + 1)]
    mine = [one for one in events if one["recipientAccountId"] == ACCOUNTS[0]]
    assert len({one["userIdentity"].get("accessKeyId") for one in mine if one["eventName"] == "DescribeInstances"}) == 2


def test_layers_learn_on_the_way_and_are_counted_apart_from_rules() -> None:
    role, path = "mcp-guardrails-inventory-bot-read", "/mcp-guardrails/agents/inventory-bot/"
    place = _place("inventory-bot, read")
    played = []
    for number in range(60):
        events = [_event("dynamodb", "DescribeTable", role, path) for _ in range(30)]
        for one in events:
            one["userIdentity"]["accessKeyId"] = f"ASIAAAAAAAAAAAAAA{number:03}"
        played.append(Played(number, place, "session", events))
    found = look(spread(played, 1, 1))
    assert found.learned > 20
    assert not found.findings
    assert set(found.layers) <= {"new-term", "surprise", "rate"}


@pytest.mark.skipif(not samples.DATA.is_dir(), reason="the published trails are not beside the checkout")
def test_of_published_trails_only_what_shows_no_attack_is_taken() -> None:
    found = samples.benign()
    assert {place.partition(" ")[0] for place in found} == {"custodian", "streamalert", "stratus", "trailscraper"}
    assert not any(
        event.get("eventName") in {"StopLogging", "DeleteTrail"} for events in found.values() for event in events
    )
