"""The functions that contain: what they do, what they refuse, and what they write down."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsVerifier
from sudo_mcp_guardrails.constructs.asset import handler_name, staged
from sudo_mcp_guardrails.handlers import contain, contain_intake
from sudo_mcp_guardrails.handlers.contain_tools import Tools, estate_of
from sudo_mcp_guardrails.response.errors import ContainmentError, RestoreError
from sudo_mcp_guardrails.response.ledger import chain_of, check_ledger
from sudo_mcp_guardrails.response.requests import RequestError
from sudo_mcp_guardrails.response.settings import ResponseSettings
from sudo_mcp_guardrails.state.targets import Target
from tests.handlers.approval.fakes import EVIDENCE_KEY, FakeDynamo, FakeKms, FakeS3, FakeStepFunctions, aws_error
from tests.response.conftest import filled
from tests.response.estates import ANN, ESTATE, MANAGEMENT

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.approval.chain.check import Problem
    from tests.response.fake_aws import FakeAws

BOT = Target.agent("release-bot")
NOW = 1_790_000_000
ENVIRON = {
    "PREFIX": "mcp-guardrails",
    "PARTITION": "aws",
    "ACCOUNT": MANAGEMENT,
    "AWS_REGION": "eu-central-1",
    "SWITCH_TABLE": "mcp-guardrails-kill-switch",
    "RECORDS_BUCKET": "mcp-guardrails-containment-1",
    "EVIDENCE_TABLE": "evidence",
    "EVIDENCE_KEY": EVIDENCE_KEY,
    "STATE_MACHINE": f"arn:aws:states:eu-central-1:{MANAGEMENT}:stateMachine:mcp-guardrails-containment",
}
REQUEST = {
    "op": "contain",
    "target": "agent:release-bot",
    "level": "K2",
    "reason": "it reads every secret there is",
    "incident": "INC-42",
    "by": ANN,
    "at": NOW,
    "graceSeconds": 0,
}
UNDO = {name: REQUEST[name] for name in ("target", "reason", "incident", "by", "at")} | {"op": "restore"}


@dataclass
class FakeCloudTrail:
    """Answers with some events, or an error."""

    events: list[dict[str, Any]]
    error: Exception | None = None

    def lookup_events(self, **call: Any) -> dict[str, Any]:
        assert call["MaxResults"] == 50
        if self.error is not None:
            raise self.error
        return {"Events": [{"CloudTrailEvent": json.dumps(event)} for event in self.events]}


def event(agent: str, *, refused: bool = False) -> dict[str, Any]:
    role = f"mcp-guardrails-{agent}-read"
    return {
        "eventTime": "2026-09-21T14:30:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListBuckets",
        "eventID": "e-1",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::111111111111:assumed-role/{role}/run-1",
            "sessionContext": {
                "sessionIssuer": {"arn": f"arn:aws:iam::111111111111:role/mcp-guardrails/agents/{agent}/{role}"}
            },
        },
        **({"errorCode": "AccessDenied"} if refused else {}),
    }


@dataclass
class Place:
    """A function's tools, with what is behind them."""

    tools: Tools
    aws: FakeAws
    dynamodb: FakeDynamo
    kms: FakeKms
    trail: FakeCloudTrail

    def do(self, op: str, **changes: Any) -> dict[str, Any]:
        request = {**(UNDO if op == "restore" else REQUEST), **changes}
        return contain.handler({"op": op, "request": request}, None, self.tools)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.store().records(chain_of(BOT))]

    def problems(self) -> list[Problem]:
        return check_ledger(self.store(), BOT, KmsVerifier(self.kms), EVIDENCE_KEY)

    def store(self) -> EvidenceStore:
        return EvidenceStore(self.dynamodb, None, "evidence", "", None)


@pytest.fixture
def place() -> Place:
    aws = filled()
    dynamodb, kms, trail = FakeDynamo(), FakeKms(), FakeCloudTrail([])
    dynamodb.tables.setdefault("evidence", {})
    settings = ResponseSettings(ESTATE.agents)
    # Restore records and copies of evidence are in one bucket, written by one client.
    tools = Tools(
        settings=ResponseSettings.read(settings.write()),
        clients=aws,
        s3=Split(aws.client("s3", MANAGEMENT, ""), FakeS3()),
        dynamodb=dynamodb,
        kms=kms,
        cloudtrail=trail,
        environ=ENVIRON,
        clock=lambda: NOW,
        pause=lambda _: None,
    )
    return Place(tools, aws, dynamodb, kms, trail)


class Split:
    """S3, with copies of evidence kept apart from restore records."""

    def __init__(self, records: Any, copies: FakeS3) -> None:
        self._records, self.copies = records, copies

    def put_object(self, **call: Any) -> Any:
        return (self.copies if call["Key"].startswith("records/") else self._records).put_object(**call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


def test_contains_verifies_restores_and_every_step_is_a_signed_record(place: Place) -> None:
    before = place.aws.snapshot()
    report = place.do("contain")
    assert report["complete"], report["failed"]
    assert report["evidence"] == ""
    assert place.aws.snapshot() != before
    place.trail.events = [event("release-bot", refused=True), event("cost-bot")]
    found = place.do("verify")
    assert (found["contained"], found["attempts"], found["calls"]) == (True, 1, [])
    restored = place.do("restore", digest=report["digest"])
    assert restored["complete"], restored["failed"]
    assert place.aws.snapshot() == before
    assert place.kinds() == [
        "containment-asked",
        "contained",
        "containment-verified",
        "restoration-asked",
        "restored",
    ]
    assert place.problems() == []


def test_a_changed_record_of_the_chain_shows(place: Place) -> None:
    place.do("contain")
    items = place.dynamodb.tables["evidence"]
    for item in items.values():
        item["record"]["S"] = item["record"]["S"].replace("INC-42", "INC-43")
    assert place.problems()


def test_containing_twice_changes_nothing(place: Place) -> None:
    place.do("contain")
    after = place.aws.snapshot()
    assert place.do("contain")["already"]
    assert place.aws.snapshot() == after


def test_a_call_after_the_switch_is_found(place: Place) -> None:
    place.do("contain")
    place.trail.events = [event("release-bot")]
    found = place.do("verify")
    assert not found["contained"]
    assert found["calls"][0]["action"] == "s3.amazonaws.com:ListBuckets"


def test_what_cannot_be_looked_at_is_no_proof(place: Place) -> None:
    place.do("contain")
    place.trail.error = aws_error("ThrottlingException")
    found = place.do("verify")
    assert not found["contained"]
    assert "ThrottlingException" in found["problems"][0]


def test_who_was_restored_within_the_grace_is_no_failure_and_no_proof(place: Place) -> None:
    with pytest.raises(ContainmentError, match="has no record"):
        place.do("verify")
    place.do("contain")
    place.do("restore")
    found = place.do("verify")
    assert (found["contained"], found["problems"]) == (False, ["restored meanwhile"])


def test_what_somebody_took_off_is_found(place: Place) -> None:
    place.do("contain")
    role = place.aws.roles["111111111111", "mcp-guardrails-release-bot-apply"]
    role["boundary"] = ""
    found = place.do("verify")
    assert not found["contained"]
    assert found["open"] == ["boundary/111111111111/-/mcp-guardrails-release-bot-apply: is not as containment left it"]


def test_missing_evidence_holds_no_containment_up_and_every_restoration(place: Place) -> None:
    broken = replace(place.tools, dynamodb=None)
    place.tools = broken
    report = place.do("contain")
    assert report["complete"]
    assert "AttributeError" in report["evidence"]
    contained = place.aws.snapshot()
    with pytest.raises(AttributeError):
        place.do("restore")
    assert place.aws.snapshot() == contained


def test_a_drill_stops_nothing_in_flight_and_ends_no_real_containment(place: Place) -> None:
    builds = dict(place.aws.builds)
    place.do("contain", rehearsal=True, incident="DRILL-1")
    assert place.aws.builds == builds
    with pytest.raises(ContainmentError, match="is contained in 'DRILL-1', no drill now"):
        place.do("contain", rehearsal=True, incident="DRILL-2")


def test_restoring_without_a_record_is_refused_and_recorded(place: Place) -> None:
    with pytest.raises(RestoreError, match="has no restore record"):
        place.do("restore")
    assert place.kinds() == ["restoration-asked", "restoration-refused"]


def test_an_agent_neither_contains_nor_restores(place: Place) -> None:
    agent = "arn:aws:sts::111111111111:assumed-role/mcp-guardrails-cost-bot-read/run-1"
    for op in ("contain", "restore"):
        with pytest.raises(ContainmentError, match="is agent 'cost-bot'"):
            place.do(op, by=agent)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"op": "stop"}, "operation 'stop' is none"),
        ({"level": "K9"}, "level 'K9' is not known"),
        ({"level": ""}, "level of a request to contain is wrong"),
        ({"target": "release-bot"}, "target 'release-bot' is none"),
        ({"reason": " "}, "reason has 1 characters"),
        ({"reason": "x" * 901}, "reason has 901 characters"),
        ({"incident": "a b"}, "incident 'a b' is no id"),
        ({"graceSeconds": 3601}, "grace of 3601 s"),
        ({"graceSeconds": True}, "graceSeconds of a request is a bool"),
        ({"rehearsal": "no"}, "rehearsal 'no' is not allowed"),
        ({"digest": "ab" * 32}, "digest, drifted steps and what was agreed are of a restoration"),
        ({"drifted": "all"}, "drifted steps are no list"),
        ({"more": 1}, "request with .*more"),
    ],
)
def test_requests_that_are_none(place: Place, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        contain.handler({"op": "contain", "request": {**REQUEST, **changes}}, None, place.tools)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> FakeStepFunctions:
    callers = [
        {"pattern": "arn:aws:sts::333333333333:assumed-role/AWSReservedSSO_SecurityAdmin_*/*", "restores": True},
        {"pattern": "arn:aws:sts::333333333333:assumed-role/oncall/*", "restores": False},
        {"pattern": "arn:aws:sts::111111111111:assumed-role/*", "restores": True},
    ]
    for name, value in {**ENVIRON, "CALLERS": json.dumps(callers)}.items():
        monkeypatch.setenv(name, value)
    return FakeStepFunctions()


ONCALL = "arn:aws:sts::333333333333:assumed-role/oncall/bob"
WISH = {name: value for name, value in REQUEST.items() if name not in {"by", "at"}}


def ask(
    stepfunctions: Any, body: object, *, caller: str | None = ANN, path: str = "/", method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    event_ = {
        "requestContext": {
            "authorizer": {"iam": {"userArn": caller}} if caller else {},
            "http": {"method": method},
        },
        "rawPath": path,
        "body": text,
    }
    answer = contain_intake.handler(event_, None, stepfunctions, ResponseSettings(ESTATE.agents))
    return answer["statusCode"], json.loads(answer["body"])


def test_the_intake_starts_what_a_responder_asks_for_in_his_own_name(asked: FakeStepFunctions) -> None:
    started: list[dict[str, Any]] = []

    def start(**call: Any) -> dict[str, Any]:
        started.append(call)
        return {}

    asked.start_execution = start  # type: ignore[method-assign]
    status, answer = ask(asked, WISH)
    assert status == 202, answer
    [call] = started
    assert call["name"] == answer["execution"]
    given = json.loads(call["input"])
    assert (given["by"], given["target"], given["level"]) == (ANN, "agent:release-bot", "K2")
    assert given["at"] > NOW


def test_the_plan_is_shown_and_nothing_starts(asked: FakeStepFunctions) -> None:
    status, answer = ask(None, WISH, path="/plan")
    assert status == 200
    assert answer["plan"]["steps"][0]["kind"] == "switch"
    assert asked is not None


@pytest.mark.parametrize(
    ("body", "options", "status", "message"),
    [
        (WISH, {"caller": None}, 403, "not authenticated"),
        (WISH, {"caller": "arn:aws:sts::333333333333:assumed-role/somebody/x"}, 403, "may not contain"),
        ({**UNDO} | {}, {}, 400, "the body has by or at"),
        (
            {k: v for k, v in UNDO.items() if k not in {"by", "at"}},
            {"caller": ONCALL},
            403,
            "may not restore agents",
        ),
        (
            WISH,
            {"caller": "arn:aws:sts::111111111111:assumed-role/mcp-guardrails-cost-bot-read/run-1"},
            400,
            "is agent 'cost-bot'",
        ),
        ({**WISH, "target": "agent:relase-bot"}, {}, 400, "is no registered agent's"),
        ({**WISH, "level": "K3"}, {}, 400, "level K3 is not for target"),
        ("[" * 60_000, {}, 400, "the body is not JSON"),
        ("x" * 70_000, {}, 413, "allowed are 65536"),
        (WISH, {"path": "/else"}, 404, "allowed are POST /"),
        ("", {"path": "/executions/a*", "method": "GET"}, 404, "allowed are POST /"),
    ],
)
def test_what_the_intake_refuses(
    asked: FakeStepFunctions, body: object, options: dict[str, Any], status: int, message: str
) -> None:
    found, answer = ask(asked, body, **options)
    assert found == status, answer
    assert message in answer["error"]


def test_scps_and_accounts_come_from_the_environment() -> None:
    organization = {"scps": {"*": "p-allagents"}, "targets": ["r-abcd"], "account": MANAGEMENT}
    estate = estate_of(ResponseSettings(ESTATE.agents), {**ENVIRON, "ORGANIZATION": json.dumps(organization)})
    assert estate.is_bound("111111111111")
    assert not estate.is_bound(MANAGEMENT)


@pytest.mark.parametrize("handler", ["contain", "contain_intake", "session_broker"])
def test_each_asset_starts_with_the_standard_library_alone(handler: str, tmp_path: Path) -> None:
    module = handler_name(handler).removesuffix(".handler")
    with staged(handler) as directory:
        code = (
            f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{directory!r}];"
            f"import {module} as found; import sudo_mcp_guardrails.state.kill_switch;"
            "print(callable(found.handler), 'boto3' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
    assert done.stdout.split() == ["True", "False"], done.stderr
