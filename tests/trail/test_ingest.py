"""The loop that takes files in: what it counts, how it cuts batches, and what a failure in the middle leaves."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail import ingest as ingesting
from sudo_mcp_guardrails.trail.attributing import Attributor, MemoryKnowledge
from sudo_mcp_guardrails.trail.attribution import By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, UnreadableFileError
from sudo_mcp_guardrails.trail.ingest import IngestReport, ingest
from sudo_mcp_guardrails.trail.reading import content
from sudo_mcp_guardrails.trail.sinks.memory import MemorySink
from sudo_mcp_guardrails.trail.source import SourceFile
from tests.trail.made import RUN, event, minting, records, session, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.sinks.sink import Batch, Written


class Files:
    """A source of files that are made up."""

    def __init__(self, **files: bytes | Exception | None) -> None:
        self.held = files

    def files(self) -> Iterator[SourceFile]:
        for name, data in sorted(self.held.items()):
            yield SourceFile(name, len(data) if isinstance(data, bytes) else 100)

    def read(self, file: SourceFile) -> bytes | None:
        data = self.held[file.name]
        if isinstance(data, Exception):
            raise data
        return data


class Failing(MemorySink):
    """A sink that fails at its n-th write, before or after it has stored."""

    def __init__(self, at: int, *, stored: bool) -> None:
        super().__init__()
        self.at = at
        self.stored = stored

    def write(self, batch: Batch) -> Written:
        self.at -= 1
        if self.at == 0 and not self.stored:
            raise SinkUnavailableError("the sink is down")
        written = super().write(batch)
        if self.at == 0:
            raise SinkUnavailableError("the sink went down")
        return written


def many(count: int, start: int = 0) -> bytes:
    return gzip.compress(records(*(event(f"e{number}") for number in range(start, start + count))))


def test_counts_say_what_came_of_every_record() -> None:
    source = Files(
        a=records(event("1"), event("2", eventTime="2026-11-19T23:59:59Z"), {"eventName": "x"}),
        b=records(event("2", eventTime="2026-11-19T23:59:59Z"), event("3"), event("3")),
        c=b"# no trail",
        d=None,
        e=UnreadableFileError("permission denied: e"),
    )
    sink = MemorySink()
    report = ingest(source, sink, Attributor())
    expected = IngestReport(
        files=2,
        events=5,
        unique=3,
        duplicates=2,
        dead_letters=1,
        gone=["d"],
        unreadable=[("e", "permission denied: e")],
        not_trail=[("c", "not JSON")],
        first_time="2026-11-19T23:59:59Z",
        last_time="2026-11-20T10:00:05Z",
    )
    assert replace(report, seconds=0.0) == expected
    assert sink.count() == 3
    ledger = sink.ledger()
    assert {name: (line.events, line.created, line.duplicates, line.dead_letters) for name, line in ledger.items()} == {
        "a": (2, 2, 0, 1),
        "b": (3, 1, 2, 0),
    }
    assert all(line.fingerprint for line in ledger.values())


def test_taking_the_same_files_in_again_changes_nothing() -> None:
    source, sink = Files(a=many(10), b=many(10, 5)), MemorySink()
    first = ingest(source, sink, Attributor())
    again = ingest(source, sink, Attributor())
    assert (first.unique, first.duplicates) == (15, 5)
    assert (again.unique, again.duplicates) == (0, 20)
    assert sink.count() == 15


@pytest.mark.parametrize("stored", [False, True], ids=["nothing stored", "stored, and then down"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_broke_off_is_completed_by_the_next(
    at: int, *, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 10)
    source = Files(a=many(12), b=many(12, 12), c=many(12, 20))
    sink = Failing(at, stored=stored)
    with pytest.raises(SinkUnavailableError):
        ingest(source, sink, Attributor())
    report = ingest(source, sink, Attributor())
    assert report.events == 36
    assert sink.count() == 32


def test_batches_are_bounded_by_events_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Seeing(MemorySink):
        def write(self, batch: Batch) -> Written:
            seen.append(len(batch.events))
            return super().write(batch)

    source = Files(**{f"f{number}": many(4, 4 * number) for number in range(10)})
    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 10)
    progress: list[int] = []
    ingest(source, Seeing(), Attributor(), progress=lambda report: progress.append(report.events))
    assert seen == [12, 12, 12, 4]
    assert progress == [12, 24, 36, 40]
    seen.clear()
    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 1_000_000)
    monkeypatch.setattr(ingesting, "BATCH_BYTES", 8 * len(json.dumps(event("e0"))))
    ingest(source, Seeing(), Attributor())
    assert max(seen) < 16


def test_a_large_file_is_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its last piece is written, the ledger has a line that differs from the file."""
    lines: list[dict[str, str]] = []

    class Seeing(MemorySink):
        def write(self, batch: Batch) -> Written:
            written = super().write(batch)
            lines.append({name: line.fingerprint for name, line in self.ledger().items()})
            return written

    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 50)
    monkeypatch.setattr(ingesting, "read_pieces", lambda name, data: content.read_pieces(name, data, size=20_000))
    sink = Seeing()
    report = ingest(Files(a=many(400)), sink, Attributor())
    assert (report.files, report.events, report.unique) == (1, 400, 400)
    assert len(lines) > 3
    assert {line["a"] for line in lines[:-1]} == {""}
    assert len(lines[-1]["a"]) == 64
    assert sink.ledger()["a"].events == 400


def test_a_file_that_is_too_large_is_not_taken_for_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "MAX_STORED_BYTES", 50)
    sink = MemorySink()
    report = ingest(Files(a=many(10)), sink, Attributor())
    assert (report.files, report.events, report.dead_letters) == (0, 0, 0)
    assert [(name, "split it" in reason) for name, reason in report.unreadable] == [("a", True)]
    assert sink.ledger() == {}


def attributions(sink: MemorySink) -> dict[str, Any]:
    return {one.event.event_id: one.attribution for one in sink.events()}


def test_what_a_later_file_tells_reaches_the_events_of_an_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 1)
    source = Files(
        a=records(event("down", requestID="r-1", userIdentity=session(invoked_by="aws-mcp.amazonaws.com"))),
        b=records(tool_call("call", "r-1")),
        c=records(minting()),
    )
    sink = MemorySink()
    report = ingest(source, sink, Attributor())
    assert (report.attributed, report.amended) == (3, 3)
    found = attributions(sink)
    assert {one.by for one in found.values()} == {By.SESSION_TAGS}
    assert {one.ticket for one in found.values()} == {"OPS-42"}
    assert (found["down"].tool_call, found["down"].run) == ("call", RUN)


def test_what_was_learned_is_kept_only_when_the_events_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the events of the batch that failed would be taken for known, and never amended."""
    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 1)
    flushed: list[int] = []

    class Counting(MemoryKnowledge):
        def flush(self) -> None:
            flushed.append(1)

    sink = Failing(2, stored=False)
    with pytest.raises(SinkUnavailableError):
        ingest(Files(a=many(1), b=many(1, 1)), sink, Attributor(knowledge=Counting()))
    assert len(flushed) == 1
