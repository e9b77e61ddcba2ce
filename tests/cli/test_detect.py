from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.cli import main
from tests.detection.events import document

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[3] / "shared" / "data" / "cloudtrail"
RULE = """
title: A policy was put
id: 5d7c2f50-0000-4000-8000-000000000009
name: own_rule
status: test
logsource: {product: aws, service: cloudtrail}
level: low
sentence: "{userIdentity.arn} put a policy"
detection:
  sel: {eventName: PutSomethingOfOurs}
  condition: sel
"""
CASES = {
    "rule": "own_rule",
    "positives": [{"why": "as it is", "event": {"eventName": "PutSomethingOfOurs"}}],
    "negatives": [{"why": "another call", "event": {"eventName": "GetObject"}}],
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    (folder / "cases").mkdir(parents=True)
    (folder / "own.yml").write_text(RULE)
    (folder / "cases" / "own_rule.json").write_text(json.dumps(CASES))
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    def call(*arguments: object) -> tuple[int, dict[str, Any]]:
        code = main(["detect", *map(str, arguments), "--json"])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, found

    return call


def _feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    class Input:
        buffer = io.BufferedReader(io.BytesIO(data))

    monkeypatch.setattr(sys, "stdin", Input())


EVENT = document(eventName="PutSomethingOfOurs")
QUIET = document(eventName="GetObject", eventID="00000000-0000-4000-8000-000000000002")


def test_a_directory_is_looked_at(tmp_path: Path, own: Path, run: Callable[..., Any]) -> None:
    folder = tmp_path / "trail"
    folder.mkdir()
    (folder / "a.json.gz").write_bytes(gzip.compress(json.dumps({"Records": [EVENT, QUIET]}).encode(), mtime=0))
    (folder / "b.md").write_text("# not a trail\n")
    code, found = run(folder, "--rules", own)
    assert code == 1
    assert (found["summary"]["events"], found["summary"]["findings"], found["summary"]["not_trail"]) == (2, 1, 1)
    (item,) = found["items"]
    assert (item["rule"], item["source"], item["class_uid"]) == ("own_rule", "rule", 2004)
    assert item["message"] == "arn:aws:sts::111122223333:assumed-role/r/s put a policy"


def test_nothing_found_is_fine(tmp_path: Path, run: Callable[..., Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Records": [QUIET]}))
    code, found = run(tmp_path / "a.json")
    assert (code, found["ok"], found["items"]) == (0, True, [])


@pytest.mark.parametrize(
    "data",
    [
        f"{json.dumps(EVENT)}\n{json.dumps(QUIET)}\n".encode(),
        json.dumps({"Records": [EVENT, QUIET]}).encode(),
        json.dumps({"Records": [EVENT, QUIET]}, indent=2).encode(),
        gzip.compress(json.dumps({"Records": [EVENT, QUIET]}).encode(), mtime=0),
        json.dumps([EVENT, QUIET], indent=1).encode(),
    ],
)
def test_standard_input_is_looked_at_in_every_form(
    data: bytes, own: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _feed(monkeypatch, data)
    code, found = run("-", "--rules", own)
    assert (code, found["summary"]["events"], found["summary"]["findings"]) == (1, 2, 1)


def test_standard_input_that_is_no_trail_is_refused(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _feed(monkeypatch, b"just text")
    code, found = run("-")
    assert code == 2
    assert "no trail" in found["error"]


def test_the_least_level_is_reported(tmp_path: Path, own: Path, run: Callable[..., Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Records": [EVENT]}))
    assert run(tmp_path / "a.json", "--rules", own, "--level", "medium")[0] == 0


def test_a_file_that_cannot_be_read_leaves_it_open(
    tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sudo_mcp_guardrails.trail import ingest

    monkeypatch.setattr(ingest, "MAX_STORED_BYTES", 10)
    (tmp_path / "a.json").write_text(json.dumps({"Records": [QUIET]}))
    code, found = run(tmp_path / "a.json")
    assert (code, found["summary"]["unreadable"]) == (2, 1)


def test_a_store_gives_the_same_as_the_files_it_was_made_of(
    tmp_path: Path, own: Path, run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Records": [EVENT, QUIET]}))
    assert main(["trail", "ingest", str(tmp_path / "a.json"), "--store", str(tmp_path / "store"), "--json"]) == 0
    capsys.readouterr()
    code, found = run(tmp_path / "store", "--rules", own)
    _, expected = run(tmp_path / "a.json", "--rules", own)
    assert code == 1
    assert found["items"] == expected["items"]
    assert found["summary"]["events"] == 2


def test_rules_that_cannot_be_used_are_refused(tmp_path: Path, run: Callable[..., Any]) -> None:
    code, found = run("test", "--rules", tmp_path)
    assert code == 2
    assert "holds no rules" in found["error"]


def test_the_rules_hold_on_their_cases(run: Callable[..., Any]) -> None:
    code, found = run("test")
    assert code == 0, found["items"]
    summary = found["summary"]
    assert summary["failed"] == 0
    assert summary["killed"] == summary["mutants"] > summary["cases"] > summary["rules"] >= 30


def test_own_rules_are_tested_on_the_cases_beside_them(own: Path, run: Callable[..., Any]) -> None:
    assert run("test", "--rules", own)[0] == 0
    wrong = {**CASES, "negatives": [{"why": "the same", "event": {"eventName": "PutSomethingOfOurs"}}]}
    (own / "cases" / "own_rule.json").write_text(json.dumps(wrong))
    code, found = run("test", "--rules", own)
    assert code == 1
    assert ("own_rule", "case") in {(item["rule"], item["kind"]) for item in found["items"]}


def test_a_finding_is_said_once(tmp_path: Path, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = {**EVENT, "eventID": "00000000-0000-4000-8000-000000000003"}
    (tmp_path / "a.json").write_text(json.dumps({"Records": [EVENT, EVENT, again]}))
    assert main(["detect", str(tmp_path / "a.json"), "--rules", str(own)]) == 1
    out = capsys.readouterr().out
    assert out.count("own_rule") == 1
    assert "1 findings" in out


@pytest.mark.skipif(not DATA.exists(), reason="the published trails of shared/data are not here")
def test_published_trails_are_looked_at(run: Callable[..., Any]) -> None:
    code, found = run(DATA)
    assert code == 1
    assert found["summary"]["findings"] == len(found["items"]) > 20


AGENT = "arn:aws:iam::111122223333:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-read"
RUN = "run-{:026}"


def _of_agent(number: int, day: int, name: str, source: str, **more: Any) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": AGENT, "userName": AGENT.rpartition("/")[2]}
    context = {"sessionIssuer": issuer, "sourceIdentity": RUN.format(day)}
    identity = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::111122223333:assumed-role/mcp-guardrails-release-bot-read/s",
        "accountId": "111122223333",
        "accessKeyId": f"ASIAEXAMPLE{day:09}",
        "sessionContext": context,
    }
    return document(
        eventID=f"00000000-0000-4000-8000-{day:04}{number:08}",
        eventTime=f"2026-09-{1 + day:02}T10:{number // 60:02}:{number % 60:02}Z",
        eventName=name,
        eventSource=f"{source}.amazonaws.com",
        readOnly=True,
        userIdentity=identity,
        **more,
    )


def _trail(file: Path, events: list[dict[str, Any]]) -> Path:
    file.write_text(json.dumps({"Records": events}))
    return file


def test_what_was_learned_into_a_directory_finds_what_is_new(tmp_path: Path, run: Callable[..., Any]) -> None:
    base = tmp_path / "baselines"
    usual = [
        _of_agent(number, day, ("GetObject", "ListBuckets")[number % 2], "s3")
        for day in range(10)
        for number in range(30)
    ]
    stopped = _of_agent(31, 10, "StopLogging", "cloudtrail")
    code, found = run(_trail(tmp_path / "a.json", [*usual, stopped]), "--baselines", base, "--learn")
    assert (code, found["summary"]["learned"]) == (1, 10)
    new = _trail(tmp_path / "b.json", [_of_agent(0, 12, "ListTopics", "sns")])
    code, found = run(new, "--baselines", base)
    assert [(one["rule"], one["source"]) for one in found["items"]] == [("new_term", "new-term")]
    assert "0 of 300 calls by this agent in 14 days" in found["items"][0]["message"]
    assert found["summary"]["learned"] == 0
    assert run(new)[0] == 0, "the rules alone find nothing"


def test_clients_that_were_seen_are_kept_beside_the_baselines(tmp_path: Path, run: Callable[..., Any]) -> None:
    base = tmp_path / "baselines"
    run(_trail(tmp_path / "a.json", [QUIET]), "--baselines", base, "--learn")
    assert json.loads((base / "clients.json").read_text()) == []
    (base / "clients.json").write_text("{")
    code, found = run(tmp_path / "a.json", "--baselines", base)
    assert (code, "cannot be read" in found["error"]) == (2, True)
    code, found = run(tmp_path / "a.json", "--learn")
    assert (code, "--learn needs --baselines" in found["error"]) == (2, True)


def test_a_finding_in_a_store_carries_the_trace_of_its_run(
    tmp_path: Path, run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("duckdb")
    events = [_of_agent(number, 1, "GetObject", "s3") for number in range(40)]
    _trail(tmp_path / "a.json", [*events, _of_agent(50, 1, "StopLogging", "cloudtrail", errorCode="AccessDenied")])
    assert main(["trail", "ingest", str(tmp_path / "a.json"), "--store", str(tmp_path / "store"), "--json"]) == 0
    capsys.readouterr()
    _, found = run(tmp_path / "store")
    [item] = [one for one in found["items"] if one["rule"] == "agent_disables_guard_service"]
    trace = item["unmapped"]["trace"]
    assert (trace["calls"], trace["denied"], trace["complete"]) == (41, 1, True)
    assert [step["kind"] for step in trace["steps"]].count("api-call") == 41
    assert trace["see"] == f"mcp-guardrails trail trace {RUN.format(1)}"
    assert "41 API calls, 1 denied, the last cloudtrail:StopLogging" in trace["text"]
