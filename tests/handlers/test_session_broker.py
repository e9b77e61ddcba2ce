"""The session broker's decisions, with a fake STS that records what it is asked for."""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers import session_broker as broker
from sudo_mcp_guardrails.policies.trust import SESSION_TAGS
from sudo_mcp_guardrails.state.runs import RunRegistry
from tests.handlers.approval.fakes import FakeDynamo

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "111111111111"
HOST = f"arn:aws:sts::{ACCOUNT}:assumed-role/agent-host/i-1"
SSO = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_AgentUser_0123456789abcdef/ann"
WISH = {"agent": "release-bot", "capability": "read", "ticket": "OPS-1"}
SECRET, TOKEN = "very-secret-key", "very-secret-token"


class FakeSts:
    """Answers as STS does, and remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def assume_role(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        expires = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
        return {
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE",
                "SecretAccessKey": SECRET,
                "SessionToken": TOKEN,
                "Expiration": expires,
            }
        }


@pytest.fixture
def sts() -> FakeSts:
    return FakeSts()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    callers = [
        {"pattern": f"arn:aws:sts::{ACCOUNT}:assumed-role/agent-host/*", "agents": []},
        {"pattern": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_AgentUser_*/*", "agents": ["data-bot"]},
    ]
    for name, value in {
        "PREFIX": "mcp-guardrails",
        "PARTITION": "aws",
        "ACCOUNT": ACCOUNT,
        "SESSION_SECONDS": "900",
        "AGENTS": json.dumps(["data-bot", "release-bot"]),
        "CALLERS": json.dumps(callers),
    }.items():
        monkeypatch.setenv(name, value)


def event(body: object = None, *, caller: str | None = HOST, encoded: bool = False) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(WISH if body is None else body)
    authorizer = {"iam": {"userArn": caller}} if caller else {}
    return {
        "requestContext": {"authorizer": authorizer},
        "body": base64.b64encode(text.encode()).decode() if encoded else text,
        "isBase64Encoded": encoded,
    }


def ask(sts: FakeSts, *args: Any, **kwargs: Any) -> tuple[int, dict[str, Any]]:
    answer = broker.handler(event(*args, **kwargs), None, sts)
    assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}
    body: dict[str, Any] = json.loads(answer["body"])
    return answer["statusCode"], body


@pytest.mark.parametrize("capability", ["read", "plan"])
def test_mints_with_identity_and_tags(sts: FakeSts, capability: str) -> None:
    status, body = ask(sts, {**WISH, "capability": capability})
    [call] = sts.calls
    run, role = call["SourceIdentity"], f"mcp-guardrails-release-bot-{capability}"
    assert re.fullmatch(r"run-[0-9A-HJKMNP-TV-Z]{26}", run)
    assert call == {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/{role}",
        "RoleSessionName": run,
        "SourceIdentity": run,
        "DurationSeconds": 900,
        "Tags": [
            {"Key": "agent", "Value": "release-bot"},
            {"Key": "run", "Value": run},
            {"Key": "ticket", "Value": "OPS-1"},
            {"Key": "capability", "Value": capability},
            {"Key": "plan-digest", "Value": "none"},
            {"Key": "caller", "Value": HOST},
        ],
    }
    assert tuple(tag["Key"] for tag in call["Tags"]) == SESSION_TAGS, "the tags that the trust policies pin"
    assert status == 200
    assert body == {
        "Version": 1,
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": SECRET,
        "SessionToken": TOKEN,
        "Expiration": "2026-11-23T12:00:00+00:00",
        "Run": run,
    }


def test_a_caller_that_no_tag_may_hold_is_spelled_so_that_one_may(
    sts: FakeSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session name may have a comma; and nothing that AWS verified is longer than the value of a tag for long."""
    monkeypatch.setenv("CALLERS", json.dumps([{"pattern": "*", "agents": []}]))
    status, _ = ask(sts, caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/host/ann,bob" + "x" * 300)
    [tag] = [tag for tag in sts.calls[0]["Tags"] if tag["Key"] == "caller"]
    assert status == 200
    assert tag["Value"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/host/ann_bobx")
    assert len(tag["Value"]) == 256


def test_every_run_is_fresh_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({broker.run_id() for _ in range(100)}) == 100
    times = iter((1_700_000_000.0, 1_700_000_000.001))
    monkeypatch.setattr("time.time", lambda: next(times))
    assert broker.run_id() < broker.run_id()


def test_reads_an_encoded_body(sts: FakeSts) -> None:
    assert ask(sts, encoded=True)[0] == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "the body is not JSON"),
        ("{", "the body is not JSON"),
        ("[]", "the body must have agent, capability and ticket, and nothing else"),
        ({"agent": "release-bot"}, "the body must have agent, capability and ticket"),
        ({**WISH, "run": "run-mine"}, "and nothing else"),
        ({**WISH, "agent": "other-bot"}, "agent 'other-bot' is not known, allowed are data-bot, release-bot"),
        ({**WISH, "agent": ["release-bot"]}, "is not known"),
        ({**WISH, "agent": "release-bot/../x"}, "is not known"),
        ({**WISH, "capability": "apply"}, "capability 'apply' is not minted here, allowed are read, plan"),
        ({**WISH, "capability": "execution"}, "is not minted here"),
        ({**WISH, "capability": None}, "is not minted here"),
        ({**WISH, "ticket": ""}, "ticket must have 1 to 64 letters"),
        ({**WISH, "ticket": "a b"}, "ticket must have 1 to 64 letters"),
        ({**WISH, "ticket": "OPS-1\n"}, "ticket must have 1 to 64 letters"),
        ({**WISH, "ticket": "x" * 65}, "ticket must have 1 to 64 letters"),
        ({**WISH, "ticket": 7}, "ticket must have 1 to 64 letters"),
        ({**WISH, "ticket": "*"}, "ticket must have 1 to 64 letters"),
        (" " * 4097, "the body has 4097 characters, allowed are 4096"),
        ("[" * 4096, "the body is not JSON"),
    ],
)
def test_refuses_what_it_does_not_understand(sts: FakeSts, body: object, message: str) -> None:
    status, answer = ask(sts, body)
    assert status == 400
    assert message in answer["error"]
    assert sts.calls == []


@pytest.mark.parametrize("body", ["not base64!", base64.b64encode(b"\xff\xfe\xfa").decode()])
def test_refuses_a_body_that_is_not_what_it_says(sts: FakeSts, body: str) -> None:
    request = event()
    request.update(body=body, isBase64Encoded=True)
    assert broker.handler(request, None, sts)["statusCode"] == 400
    assert sts.calls == []


@pytest.mark.parametrize(
    "caller",
    [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/agent-host-2/i-1",
        "arn:aws:sts::999999999999:assumed-role/agent-host/i-1",
        f"arn:aws:iam::{ACCOUNT}:user/agent-host",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann",
        SSO,  # may have sessions of data-bot alone
    ],
)
def test_refuses_foreign_callers(sts: FakeSts, caller: str) -> None:
    status, answer = ask(sts, caller=caller)
    assert (status, answer) == (403, {"error": f"{caller} may not have read sessions of agent 'release-bot'"})
    assert sts.calls == []


def test_a_caller_of_one_capability_gets_no_other(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    callers = [
        {"pattern": HOST, "agents": ["release-bot"], "capabilities": ["plan"]},
        {"pattern": HOST, "agents": ["data-bot"], "capabilities": []},
    ]
    monkeypatch.setenv("CALLERS", json.dumps(callers))
    assert ask(sts, {**WISH, "capability": "plan"})[0] == 200
    for wish in ({**WISH, "capability": "read"}, {**WISH, "agent": "data-bot", "capability": "read"}):
        assert ask(sts, wish)[0] == 403
    assert len(sts.calls) == 1


def test_a_permission_set_gets_its_agent(sts: FakeSts) -> None:
    assert ask(sts, {**WISH, "agent": "data-bot"}, caller=SSO)[0] == 200


@pytest.mark.parametrize(
    "context", [None, {}, {"authorizer": None}, {"authorizer": {"iam": {}}}, {"authorizer": {"iam": None}}]
)
def test_refuses_the_unauthenticated(sts: FakeSts, context: object) -> None:
    for request in ({**event(), "requestContext": context}, {"body": json.dumps(WISH)}):
        answer = broker.handler(request, None, sts)
        assert answer["statusCode"] == 403
        assert "the caller is not authenticated by IAM" in answer["body"]
    assert sts.calls == []


def test_brackets_in_a_pattern_are_literal(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLERS", json.dumps([{"pattern": "role/[ab]/*", "agents": []}]))
    assert ask(sts, caller="role/a/x")[0] == 403
    assert ask(sts, caller="role/[ab]/x")[0] == 200


def test_the_log_has_who_and_what_and_nothing_secret(sts: FakeSts, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        _, body = ask(sts)
        ask(sts, {**WISH, "capability": "apply"})
    minted, refused = (json.loads(record.getMessage()) for record in caplog.records)
    assert minted == {"broker": "minted", "caller": HOST, **WISH, "run": body["Run"]}
    assert (refused["broker"], refused["caller"]) == ("refused", HOST)
    assert not re.search(rf"{SECRET}|{TOKEN}|ASIAEXAMPLE", caplog.text)


def test_runs_alone_with_the_standard_library(tmp_path: Path) -> None:
    """The asset is this one file: nothing of the package and nothing installed is there when it runs."""
    shutil.copy(broker.__file__, tmp_path / "session_broker.py")
    code = (
        f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(tmp_path)!r}];"
        "import session_broker as b; print(b.handler({}, None)['statusCode'], 'boto3' in sys.modules,"
        " any(m.startswith('sudo_mcp') for m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["403", "False", "False"]


def test_a_run_is_written_down_before_its_session_is_minted(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS_TABLE", "runs")
    dynamodb = FakeDynamo()
    answer = broker.handler(event(), None, sts, dynamodb)
    run = json.loads(answer["body"])["Run"]
    found = RunRegistry(dynamodb, "runs").find(run)
    assert found is not None
    assert (found.agent, found.capability, found.caller, found.ticket) == ("release-bot", "read", HOST, "OPS-1")
    assert found.ends - found.created == 900 + 60
    assert sts.calls[0]["SourceIdentity"] == run


def test_a_run_that_cannot_be_written_down_gets_no_session(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS_TABLE", "runs")
    dynamodb = FakeDynamo()
    monkeypatch.setattr(broker, "run_id", lambda: "run-01HZZZZZZZZZZZZZZZZZZZZZZZ")
    broker.handler(event(), None, sts, dynamodb)
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        broker.handler(event(), None, sts, dynamodb)
    assert len(sts.calls) == 1


def test_without_a_table_nothing_is_written_down(sts: FakeSts) -> None:
    dynamodb = FakeDynamo()
    assert broker.handler(event(), None, sts, dynamodb)["statusCode"] == 200
    assert dynamodb.tables["runs"] == {}
