"""``mcp-guardrails trail ingest``: what is kept, what is said, and with which exit code."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.cli.trail import stores
from sudo_mcp_guardrails.trail import ingest as loop
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from tests.cli.trail.conftest import put
from tests.trail.made import ACCOUNT, CLIENT, event, minting, records, session
from tests.trail.trace.traced import oauth_session

if TYPE_CHECKING:
    from tests.cli.trail.conftest import Run

TRAILS = (
    Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
    / "cloudtrail"
)
CONTRACT = {"files", "events", "unique", "duplicates", "dead_letters", "rejected", "attributed", "seconds"}


def kinds(said: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["file"]) for item in said["items"]]


@pytest.mark.parametrize("sink", ["duckdb", "memory"])
def test_the_contract(files: Path, tmp_path: Path, run: Run, sink: str) -> None:
    said = run("ingest", files, "--sink", sink, "--store", tmp_path / "store")
    summary = said["summary"]
    assert set(summary) >= CONTRACT
    assert {name: summary[name] for name in CONTRACT - {"seconds"}} == {
        "files": 4,
        "events": 8,
        "unique": 7,
        "duplicates": 1,
        "dead_letters": 0,
        "rejected": 0,
        "attributed": 4,
    }
    assert summary["seconds"] >= 0
    assert (said["ok"], said["items"]) == (True, [])
    assert (summary["first_time"], summary["last_time"]) == ("2026-11-20T10:00:05Z", "2026-11-20T10:00:05Z")


def test_the_same_again_is_all_duplicates(files: Path, store: Path, run: Run) -> None:
    summary = run("ingest", files, "--store", store)["summary"]
    assert (summary["unique"], summary["duplicates"], summary["conflicts"]) == (0, 8, 0)


def test_bad_files_are_named_and_all_else_is_kept(files: Path, tmp_path: Path, run: Run) -> None:
    (files / "README.md").write_text("no trail", encoding="utf-8")
    (files / "cut.json.gz").write_bytes(gzip.compress(records(event("whole"), event("cut" * 50)))[:-30])
    (files / "text.json").write_text("no json", encoding="utf-8")
    (files / "noid.json").write_bytes(records(event("kept"), {"eventName": "X", "eventTime": "2026-11-20T10:00:05Z"}))
    (files / "link.json").symlink_to("/etc/hostname")
    said = run("ingest", files, "--store", tmp_path / "store")
    assert sorted(kinds(said)) == [
        ("dead-letter", "cut.json.gz"),
        ("dead-letter", "noid.json"),
        ("dead-letter", "text.json"),
        ("not-trail", "README.md"),
        ("passed-over", "link.json"),
    ]
    (noid,) = [item for item in said["items"] if item["file"] == "noid.json"]
    assert (noid["position"], noid["reason"]) == (1, "no eventID")
    assert said["summary"]["dead_letters"] == 3
    assert said["summary"]["rejected"] == 0
    rows = run("query", "SELECT event_id FROM trail", "--store", tmp_path / "store")["items"]
    assert "kept" in {row["event_id"] for row in rows}


def test_people_are_told_of_dead_letters(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "text\x1b[2J.json").write_text("no json", encoding="utf-8")
    assert cli.main(["trail", "ingest", str(files), "--store", str(tmp_path / "store")]) == 0
    printed = capsys.readouterr().out
    assert "dead-letter text\\u001b[2J.json: not JSON" in printed
    assert "rejected 0, dead letters 1" in printed


def test_a_file_that_cannot_be_read_or_is_gone_is_said(
    files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sudo_mcp_guardrails.trail.errors import UnreadableFileError
    from sudo_mcp_guardrails.trail.sources.directory import DirectorySource

    read = DirectorySource.read

    def odd(self: DirectorySource, file: Any) -> bytes | None:
        if "20261120T" in file.name:
            raise UnreadableFileError(f"file {file.name!r} cannot be read: a bad disk")
        return None if "20261121T" in file.name else read(self, file)

    monkeypatch.setattr(DirectorySource, "read", odd)
    said = run("ingest", files, "--store", tmp_path / "store", code=1)
    assert (said["summary"]["unreadable"], said["summary"]["gone"], said["summary"]["files"]) == (1, 1, 2)
    assert [kind for kind, _ in kinds(said)] == ["gone", "unreadable"]
    monkeypatch.setattr(DirectorySource, "read", read)
    assert run("ingest", files, "--store", tmp_path / "store")["summary"]["unique"] == 4


def test_an_interruption_leaves_a_store_that_goes_on(
    files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "BATCH_EVENTS", 1)
    write = DuckDbSink.write
    batches = 0

    def stop(self: DuckDbSink, batch: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise KeyboardInterrupt
        return write(self, batch)

    monkeypatch.setattr(DuckDbSink, "write", stop)
    assert run("ingest", files, "--store", tmp_path / "store", code=130)["error"] == "stopped"
    monkeypatch.setattr(DuckDbSink, "write", write)
    summary = run("ingest", files, "--store", tmp_path / "store")["summary"]
    assert 0 < summary["unique"] < 7
    assert run("reconcile", files, "--store", tmp_path / "store")["summary"]["missing"] == 0
    assert run("verify", "--store", tmp_path / "store")["summary"]["broken"] == 0


def test_a_sink_that_takes_no_more_is_bad_luck_and_no_finding(
    files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: DuckDbSink, _batch: object) -> None:
        raise SinkUnavailableError("segment x cannot be written (No space left on device)")

    monkeypatch.setattr(DuckDbSink, "write", full)
    assert "No space left" in run("ingest", files, "--store", tmp_path / "store", code=2)["error"]


def test_clients_and_names_lead_to_agents(tmp_path: Path, run: Run) -> None:
    directory = tmp_path / "files"
    put(directory, "20261120T1000Z", *oauth_session())
    run("ingest", directory, "--store", tmp_path / "store", "--client", f"{CLIENT}=helper")
    rows = run("query", "SELECT DISTINCT agent FROM trail", "--store", tmp_path / "store")["items"]
    assert rows == [{"agent": "helper"}]


def test_brokers_are_those_whose_tags_are_believed(tmp_path: Path, run: Run) -> None:
    """Somebody else assumes the agent's role under the run's name, and its file is read first."""
    broker = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails-broker"
    evil = minting("planted", key="ASIAPLANTED", ticket="EVIL-1")
    evil["userIdentity"] = session("ASIADEV", role=f"arn:aws:iam::{ACCOUNT}:role/Developer", run=None)
    put(tmp_path / "files", "20261120T1000Z", evil)
    put(tmp_path / "files", "20261120T1005Z", minting(), event("own", userIdentity=session("ASIAREPORTS")))
    tickets = "SELECT event_id, ticket FROM trail ORDER BY event_id"

    def found(name: str) -> dict[str, str | None]:
        rows = run("query", tickets, "--store", tmp_path / name)["items"]
        return {row["event_id"]: row["ticket"] for row in rows}

    run("ingest", tmp_path / "files", "--store", tmp_path / "all")
    assert found("all") == {"mint": "OPS-42", "own": "EVIL-1", "planted": "EVIL-1"}
    given = ("--broker", f"{broker}-of-apply", "--broker", broker)
    run("ingest", tmp_path / "files", "--store", tmp_path / "ingested", *given)
    run("reconcile", tmp_path / "files", "--store", tmp_path / "reconciled", "--repair", *given)
    run("backfill", tmp_path / "files", "--store", tmp_path / "filled", "--since", "2026-11-20", *given)
    for name in ("ingested", "reconciled", "filled"):
        assert found(name) == {"mint": "OPS-42", "own": "OPS-42", "planted": None}
    traced = run("trace", "own", "--from", tmp_path / "files", *given)
    assert "EVIL" not in json.dumps(traced)
    assert "EVIL" in json.dumps(run("trace", "own", "--from", tmp_path / "files"))


def test_what_was_learned_outlives_the_run(tmp_path: Path, run: Run) -> None:
    """The grant comes in one run, the call in the next; both know the person."""
    events = oauth_session()
    put(tmp_path / "a", "20261120T1000Z", *events[:2])
    put(tmp_path / "b", "20261120T1005Z", *events[2:])
    for name in ("a", "b"):
        run("ingest", tmp_path / name, "--store", tmp_path / "store")
    rows = run("query", "SELECT DISTINCT person FROM trail", "--store", tmp_path / "store")["items"]
    assert [row["person"].rpartition("/")[2] for row in rows] == ["ann@example.com"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["/nowhere", "--store", "STORE"], "source '/nowhere' is not there, expected a directory or a file"),
        (["s3://Not_A_Bucket/x", "--store", "STORE"], "names no bucket, expected 's3://BUCKET/PREFIX'"),
        (["FILES"], "--sink duckdb needs --store, expected the directory of the store"),
        (["FILES", "--sink", "opensearch"], "--sink opensearch needs --url, or OPENSEARCH_URL"),
        (["FILES", "--sink", "opensearch", "--url", "ftp://x"], "allowed is http(s)://HOST[:PORT][/PATH]"),
        (["FILES", "--sink", "opensearch", "--url", "http://x", "--prefix", "No"], "index prefix 'No'"),
        (["FILES", "--sink", "kafka"], "'kafka' is not one of"),
        (["FILES", "--store", "STORE", "--client", "arn:x"], "--client 'arn:x' is not allowed, expected ARN=AGENT"),
        (["FILES", "--store", "STORE", "--client", "arn:x=a", "--client", "arn:x=b"], "names 'arn:x' twice"),
        (["FILES", "--store", "STORE", "--prefix-names", "X!"], "name prefix 'X!'"),
        (["FILES", "--store", "STORE", "--broker", "x"], "broker 'x' is not allowed, expected a role's ARN"),
    ],
)
def test_bad_options(
    arguments: list[str], error: str, *, files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENSEARCH_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    given = [{"FILES": str(files), "STORE": str(tmp_path / "store")}.get(each, each) for each in arguments]
    assert error in run("ingest", *given, code=2)["error"]


def test_a_password_in_the_address_is_not_shown(files: Path, tmp_path: Path, run: Run) -> None:
    said = run("ingest", files, "--sink", "opensearch", "--url", "http://me:secret@host/?q", code=2)
    assert "secret" not in json.dumps(said)
    assert not (tmp_path / stores.LETTERS_HERE).exists()


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("duckdb", ["--store", "STORE"]), ("opensearchpy", ["--sink", "opensearch", "--url", "http://127.0.0.1:9"])],
)
def test_a_missing_extra_says_how_to_get_it(
    module: str, arguments: list[str], *, files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> object:
        return None if name == module else object()

    monkeypatch.setattr(stores, "find_spec", find)
    given = [str(tmp_path / "store") if each == "STORE" else each for each in arguments]
    error = run("ingest", files, *given, code=2)["error"]
    assert error == f"{module} is not installed; it comes with: pip install 'sudo-mcp-guardrails[trail]'"


def test_a_store_that_another_process_writes_is_named(files: Path, store: Path, run: Run) -> None:
    sink = DuckDbSink(store)
    try:
        assert "one writer at a time" in run("ingest", files, "--store", store, code=2)["error"]
    finally:
        sink.close()


@pytest.mark.skipif(not TRAILS.is_dir(), reason="the published trails are not in ../shared/data/cloudtrail")
def test_the_published_trails_are_all_kept(tmp_path: Path, run: Run) -> None:
    said = run("ingest", TRAILS, "--sink", "duckdb", "--store", tmp_path / "store")
    summary = said["summary"]
    assert summary["rejected"] == summary["gone"] == summary["unreadable"] == 0
    assert summary["unique"] + summary["duplicates"] == summary["events"] > 400
    assert summary["attributed"] >= 9
    reasons = {item["reason"] for item in said["items"] if item["kind"] == "dead-letter"}
    assert reasons <= {"no eventID"} or all("cut off" in reason or "eventID" in reason for reason in reasons)
    assert run("reconcile", TRAILS, "--store", tmp_path / "store")["summary"]["missing"] == 0
    assert run("verify", "--store", tmp_path / "store")["summary"]["broken"] == 0


def test_on_a_terminal_a_bar_is_shown_and_json_stays_whole(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    store = str(tmp_path / "store")
    for command, what in (("ingest", "taking in"), ("reconcile", "comparing")):
        capsys.readouterr()
        assert cli.main(["trail", command, str(files), "--store", store, "--json"]) == 0
        printed = capsys.readouterr()
        assert json.loads(printed.out)["ok"]
        assert what in printed.err
    assert cli.main(["trail", "verify", "--store", store, "--json"]) == 0
    assert "verifying the store" in capsys.readouterr().err
