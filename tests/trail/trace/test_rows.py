"""The same trace from files, from files read in pieces, and from a store."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
from sudo_mcp_guardrails.trail.trace.gather import gather
from sudo_mcp_guardrails.trail.trace.scan import FileRows
from sudo_mcp_guardrails.trail.trace.store import store_rows
from sudo_mcp_guardrails.trail.trace.tree import trace
from tests.trail.made import RUN, event, minting, records, session
from tests.trail.trace.traced import oauth_session, outline, traced

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.trace.nodes import Trace

pytest.importorskip("duckdb", reason="the extra is not installed")
SAMPLE = (
    Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
    / "cloudtrail"
    / "mcp_synthetic.jsonl"
)


def of_files(directory: Path, asked: str) -> Trace:
    return trace(gather(asked, FileRows(DirectorySource(directory), Attributor())))


def of_store(directory: Path, asked: str, work: Path) -> Trace:
    from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink

    sink = DuckDbSink(work / "store")
    ingest(DirectorySource(directory), sink, Attributor())
    sink.close()
    return trace(gather(asked, store_rows(work / "store")))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The session in four files, what tells of an event after it, one file twice, and files of others."""
    directory = tmp_path / "files"
    directory.mkdir()
    events = oauth_session()
    for name, some in {
        "1.json": events[2:4],
        "2.json": events[4:],
        "3.json": events[:2],
        "4.json": events[2:4],
    }.items():
        (directory / name).write_bytes(records(*some))
    (directory / "5.json.gz").write_bytes(gzip.compress(records(event("x"), event("y"))))
    (directory / "6.json").write_bytes(records(minting(), event("run-call", userIdentity=session("ASIAOTHER"))))
    (directory / "README.md").write_text("no trail")
    return directory


@pytest.mark.parametrize("asked", ["put", "r-call", RUN])
def test_files_and_store_show_the_same(files: Path, tmp_path: Path, asked: str) -> None:
    seen = of_files(files, asked)
    assert seen.items() == of_store(files, asked, tmp_path).items()
    if asked != RUN:
        assert outline(seen) == outline(traced("call", *oauth_session()))


def test_files_are_read_again_and_nothing_is_kept_of_them(files: Path) -> None:
    read: list[str] = []
    rows = FileRows(DirectorySource(files), Attributor(), progress=lambda file: read.append(file.name))
    gather("put", rows)
    assert 2 <= read.count("1.json") <= 6


def test_a_file_that_cannot_be_read_does_not_end_the_search(files: Path) -> None:
    rows = FileRows(DirectorySource(files, max_bytes=20_000), Attributor())
    (files / "0.json").write_bytes(b" " * 20_001 + records(event("z")))
    assert len(gather("put", rows).events) == 6
    assert "larger than 20000 bytes" in rows.unreadable["0.json"]


def test_an_event_that_is_no_utf_8_is_found_in_a_store(tmp_path: Path) -> None:
    directory = tmp_path / "files"
    directory.mkdir()
    bad = records(event("bad", userIdentity=session(), userAgent="caf?")).replace(b"caf?", b"caf\xe9")
    (directory / "a.json").write_bytes(bad)
    made = of_store(directory, "bad", tmp_path)
    assert [node.event_id for _, node in made.walk() if node.event_id] == ["bad"]
    assert made.first_time == "2026-11-20T10:00:05Z"


def test_a_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrailError, match="allowed: a directory that ingest made"):
        gather("x", store_rows(tmp_path))


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the published trails are not in ../shared/data/cloudtrail")
@pytest.mark.parametrize(
    "asked",
    [
        "00000000-0000-4000-8000-000000000004",
        "arn:aws:signin:us-east-1:111122223333:session/00000000-1111-4222-8333-444444444444",
    ],
)
def test_the_sample_session(asked: str, tmp_path: Path) -> None:
    person = "arn:aws:sts::111122223333:assumed-role/AgentPlan/agent-ops@example.com"
    expected = [
        f"person: {person}",
        "  grant: granted by OAuth",
        "    step: signin:AuthorizeOAuth2Access",
        "    step: signin:CreateOAuth2Token",
        "    session: arn:aws:signin:us-east-1:111122223333:session/00000000-1111-4222-8333-444444444444",
        "      tool-call: call_aws",
        "        api-call: iam:ListUsers",
        "      tool-call: run_script",
        "        api-call: s3:PutBucketPolicy",
        "        api-call: cloudtrail:StopLogging",
        "      session-end: the session was ended",
        "      tool-call: call_aws",
        "      approval: approval not known",
    ]
    assert outline(of_files(SAMPLE, asked)) == expected
    assert outline(of_store(SAMPLE, asked, tmp_path)) == expected
