"""``mcp-guardrails gateway verify`` and ``replay``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.gateway.call import Session, ToolCall
from sudo_mcp_guardrails.gateway.guard import Guard
from sudo_mcp_guardrails.gateway.pins.labels import Effect, Labels
from sudo_mcp_guardrails.gateway.provenance.keys import FileKey
from sudo_mcp_guardrails.gateway.provenance.log import RecordLog
from sudo_mcp_guardrails.gateway.provenance.observer import ProvenanceObserver
from sudo_mcp_guardrails.gateway.taint.check import TaintCheck


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    """A log with a call that a person was asked about, and the public key."""
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    labels = Labels(Effect.WRITE, ("recipients",), ("*",), "me")
    taint = TaintCheck(lambda _server, _tool: labels, ["send_email"])
    log = RecordLog(tmp_path / "log.jsonl", FileKey(private), {})
    guard = Guard(checks=(taint,), observers=(ProvenanceObserver(log, bytes(32), taint.facts),))
    session = Session("s1", "bot", intent="Send ann@corp.example an email.")
    call = ToolCall("mail", "send_email", {"recipients": ["eve@evil.example"]})
    guard.decided(session, call, guard.before(session, call)[0])
    log.close()
    return str(tmp_path / "log.jsonl"), str(public)


def test_verify(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, key = places
    assert cli.main(["gateway", "verify", log, "--key", key, "--statements", str(tmp_path / "s"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"] == {"records": 2, "broken": 0, "seals": 2, "calls": 1, "statements": 0}
    with Path(log).open("rb+") as file:
        data = file.read().replace(b'"ask"', b'"ok!"')
        file.seek(0)
        file.write(data)
    assert cli.main(["gateway", "verify", log, "--key", key, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["broken"] >= 1
    assert found["items"][0]["line"] == 3


def test_replay(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, key = places
    rules = tmp_path / "rules.json"
    rules.write_text("{}")
    assert cli.main(["gateway", "replay", log, "--key", key, "--rules", str(rules), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"] == {
        "calls": 1,
        "changed": 0,
        "asked_before": 1,
        "asked_now": 1,
    }
    rules.write_text('{"least": null, "bound": false}')
    assert cli.main(["gateway", "replay", log, "--key", key, "--rules", str(rules), "--json"]) == 1
    item = json.loads(capsys.readouterr().out)["items"][0]
    assert (item["before"], item["now"], item["changed"]) == (["taint.untrusted-argument"], None, True)
    rules.write_text("{")
    assert cli.main(["gateway", "replay", log, "--key", key, "--rules", str(rules), "--json"]) == 2
    assert "not JSON" in json.loads(capsys.readouterr().out)["error"]


def test_bad_input(places: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["gateway", "verify", str(tmp_path / "none"), "--key", places[1], "--json"]) == 2
    assert "cannot be read" in json.loads(capsys.readouterr().out)["error"]
    assert cli.main(["gateway", "verify", places[0], "--key", places[0], "--json"]) == 2
    assert "public key" in json.loads(capsys.readouterr().out)["error"]
