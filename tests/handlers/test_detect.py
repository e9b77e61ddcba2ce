"""The function that looks at events: what it tells, once, over several processes, and where what fails goes."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from sudo_mcp_guardrails.detection.baseline.journal import Journal
from sudo_mcp_guardrails.detection.baseline.stored import StoredLayers
from sudo_mcp_guardrails.detection.correlating_store import StoredGroups
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.telling import CANARY_AGENT, DETAIL_TYPE, SOURCE
from sudo_mcp_guardrails.handlers import detect, detect_canary
from sudo_mcp_guardrails.handlers.detect_parts import DetectParts, made_book
from sudo_mcp_guardrails.handlers.detect_state import AgentMemories, DetectionState, StoredFirstSeen
from sudo_mcp_guardrails.handlers.detect_tell import Hub, Teller
from sudo_mcp_guardrails.trail.attributing import Attributor
from tests.handlers.fake_s3 import Bucket
from tests.handlers.fake_state import Bus, HubClient, Queue, Table

CANARY_ROLE = "arn:aws:iam::111122223333:role/mcp-guardrails/Canary"
AGENT_ROLE = "arn:aws:iam::111122223333:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-read"


def call(number: int, name: str = "StopLogging", role: str = AGENT_ROLE, **more: Any) -> dict[str, Any]:
    identity = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::111122223333:assumed-role/{role.rpartition('/')[2]}/s",
        "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE000000001",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role, "userName": role.rpartition("/")[2]}},
    }
    return {
        "eventVersion": "1.11",
        "eventID": f"e-{number}",
        "eventTime": f"2026-11-23T10:{number // 60:02d}:{number % 60:02d}Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
        "awsRegion": "eu-central-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2",
        "requestParameters": {"name": "organization"},
        "userIdentity": identity,
        **more,
    }


def denied(number: int) -> dict[str, Any]:
    return call(number, "DescribeInstances", eventSource="ec2.amazonaws.com", errorCode="AccessDenied")


def message(number: int, event: dict[str, Any]) -> dict[str, Any]:
    service = event["eventSource"].partition(".")[0]
    body = {"source": f"aws.{service}", "detail-type": "AWS API Call via CloudTrail", "detail": event}
    return {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}


class World:
    """What all functions share."""

    def __init__(self) -> None:
        self.table, self.bus, self.queue, self.s3 = Table(), Bus(), Queue(), Bucket()
        self.hub = HubClient()

    def function(self, *, hub: bool = False) -> DetectParts:
        """A container of the function, which knows what the table knows and no more."""
        state = DetectionState(self.table, "state")
        groups, journal = StoredGroups(state), Journal()
        layers = StoredLayers(AgentMemories(state), journal, None)
        facts = Facts(first=StoredFirstSeen(state))
        where = Hub(self.hub, "111122223333", "eu-central-1", "aws") if hub else None
        return DetectParts(
            "Audit/Monitoring",
            self.s3,
            self.queue,
            "dead",
            Attributor(),
            groups,
            layers,
            journal,
            Detector(made_book({}, CANARY_ROLE), facts=facts, layers=[layers], shared=groups),
            Teller(state, self.bus, "findings", where),
        )

    def rules(self) -> list[str]:
        return [finding["rule"] for finding in self.bus.findings]


@pytest.fixture
def world() -> World:
    return World()


def run(parts: DetectParts, *messages: dict[str, Any]) -> list[str]:
    answer = detect.handler({"Records": list(messages)}, None, parts)
    return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


def test_a_call_becomes_a_finding_in_ocsf_with_metrics(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(world.function(), message(1, call(1))) == []
    assert "aws_trail_stopped" in world.rules()
    assert {(e["Source"], e["DetailType"], e["EventBusName"]) for e in world.bus.entries} == {
        (SOURCE, DETAIL_TYPE, "findings")
    }
    [found] = [one for one in world.bus.findings if one["rule"] == "aws_trail_stopped"]
    assert (found["class_uid"], found["unmapped"]["agent"]) == (2004, "release-bot")
    assert found["unmapped"]["notice"]["pager_duty_severity"] in {"critical", "error", "warning"}
    values = json.loads(capsys.readouterr().out)
    assert (values["Events"], values["Findings"], values["Failed"]) == (1, len(world.bus.entries), 0)
    assert values["EventAge"] > 0
    assert values["Delay"] > 0
    assert values["Monitoring"] == "Audit/Monitoring"


def test_an_event_that_comes_again_by_its_file_is_told_once(world: World) -> None:
    assert run(world.function(), message(1, call(1))) == []
    before = len(world.bus.entries)
    world.s3.objects["trail/a.json.gz"] = gzip.compress(json.dumps({"Records": [call(1)]}).encode())
    told = {"s3Bucket": "trail", "s3ObjectKey": ["a.json.gz"]}
    assert run(world.function(), {"messageId": "2", "eventSource": "aws:sqs", "body": json.dumps(told)}) == []
    assert len(world.bus.entries) == before > 0


def test_two_functions_count_together(world: World) -> None:
    for number in range(24):
        run(world.function(), message(number, denied(number)))
    assert "agent_denied_burst" not in world.rules()
    run(world.function(), message(24, denied(24)))
    assert world.rules().count("agent_denied_burst") == 1
    run(world.function(), message(25, denied(25)))
    assert world.rules().count("agent_denied_burst") == 1


def test_what_another_function_counted_meanwhile_is_not_lost(world: World) -> None:
    for number in range(23):
        run(world.function(), message(number, denied(number)))

    ran: list[int] = []

    def meanwhile(key: str) -> None:
        if key.startswith("group#"):
            world.table.before_put = None
            ran.append(23)
            run(world.function(), message(23, denied(23)))

    world.table.before_put = meanwhile
    assert run(world.function(), message(24, denied(24))) == []
    assert ran == [23]
    assert world.rules().count("agent_denied_burst") == 1


def test_a_function_that_is_always_too_late_gives_its_messages_back(world: World) -> None:
    def always(key: str) -> None:
        if key.startswith("group#") and key in world.table.items:
            held = world.table.items[key]
            world.table.items[key] = {**held, "version": {"N": str(int(held["version"]["N"]) + 1)}}

    run(world.function(), message(1, denied(1)))
    world.table.before_put = always
    assert run(world.function(), message(2, denied(2))) == ["2"]


def test_what_the_bus_refuses_comes_again_and_is_told(world: World) -> None:
    world.bus.refuse = 2
    assert run(world.function(), message(1, call(1))) == ["1"]
    assert world.bus.entries == []
    assert run(world.function(), message(1, call(1))) == []
    assert "aws_trail_stopped" in world.rules()


def test_one_bad_message_costs_no_other_and_is_kept_with_the_reason(world: World) -> None:
    bad = {"messageId": "9", "eventSource": "aws:sqs", "body": "{"}
    assert run(world.function(), bad, message(1, call(1))) == []
    [(reason, body)] = world.queue.letters
    assert (reason, body) == ("message '{' is not JSON", "{")
    assert "aws_trail_stopped" in world.rules()
    world.queue.down = True
    assert run(world.function(), bad) == ["9"]


def test_a_record_that_is_no_event_and_a_file_that_cannot_be_read(world: World) -> None:
    world.s3.objects["trail/a.json"] = json.dumps({"Records": [{"eventName": "no id"}, call(1)]}).encode()
    world.s3.down.add("absent.json")
    records = [
        {"messageId": key, "eventSource": "aws:sqs", "body": json.dumps({"s3Bucket": "trail", "s3ObjectKey": [key]})}
        for key in ("a.json", "absent.json")
    ]
    assert run(world.function(), *records) == ["absent.json"]
    assert any("a.json" in reason and "eventID" in reason for reason, _ in world.queue.letters)
    assert "aws_trail_stopped" in world.rules()


def test_security_hub_gets_asff_and_is_asked_again_alone(world: World) -> None:
    world.hub.refuse = 2
    assert run(world.function(hub=True), message(1, call(1))) == ["1"]
    on_bus = len(world.bus.entries)
    assert run(world.function(hub=True), message(1, call(1))) == []
    assert len(world.bus.entries) >= on_bus
    assert len(world.rules()) == len(set(world.rules())), "nobody is told twice"
    assert {one["AwsAccountId"] for one in world.hub.findings} == {"111122223333"}
    assert len(world.hub.findings) == len(world.bus.entries)


def test_the_canary_comes_through_as_information_and_only_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = call(1, "GetCallerIdentity", CANARY_ROLE, eventSource="sts.amazonaws.com")
    agent = f"Boto3/1 {CANARY_AGENT}"
    run(world.function(hub=True), message(1, {**asked, "userAgent": agent}))
    [found] = world.bus.findings
    assert (found["rule"], found["severity_id"]) == ("monitoring_canary", 1)
    assert json.loads(capsys.readouterr().out)["Canary"] == 1
    assert world.hub.findings == []
    for other in (
        {**asked, "eventID": "e-2"},
        {**call(3, "GetCallerIdentity", eventSource="sts.amazonaws.com"), "userAgent": agent},
    ):
        run(world.function(), message(2, other))
    assert "monitoring_canary" not in world.rules()[1:]


def test_the_canary_asks_who_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, Any]:
            return {"ResponseMetadata": {"RequestId": "r-1"}}

    assert detect_canary.handler({}, None, Sts()) == {"request": "r-1"}
    assert json.loads(capsys.readouterr().out) == {"canary": "r-1"}


def test_a_claim_that_was_never_said_to_be_told_is_free_again_after_its_lease() -> None:
    now = [1000.0]
    state = DetectionState(Table(), "state", lease=60, clock=lambda: now[0])
    assert state.claim("bus", "a")
    assert not state.claim("bus", "a")
    now[0] += 61
    assert state.claim("bus", "a")
    state.told("bus", "a")
    now[0] += 3600
    assert not state.claim("bus", "a")


def test_first_is_first_over_all_functions_and_when_it_comes_again() -> None:
    table = Table()
    assert DetectionState(table, "state").first("client#x", "e-1")
    assert not DetectionState(table, "state").first("client#x", "e-2")
    assert DetectionState(table, "state").first("client#x", "e-1")
