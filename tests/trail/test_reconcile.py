from __future__ import annotations

import contextlib
import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail import ingest as ingesting
from sudo_mcp_guardrails.trail import reconcile as module
from sudo_mcp_guardrails.trail import reconciled
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.backfill import backfill
from sudo_mcp_guardrails.trail.digests.public_keys import KeyFile
from sudo_mcp_guardrails.trail.digests.verify import DigestCheck
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, UnreadableFileError
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.reading import content as reader
from sudo_mcp_guardrails.trail.reconcile import reconcile
from sudo_mcp_guardrails.trail.reconciled import Gap
from sudo_mcp_guardrails.trail.sinks.memory import MemorySink
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord
from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
from sudo_mcp_guardrails.trail.sources.keys import KeyRange
from sudo_mcp_guardrails.trail.sources.s3 import S3Source
from tests.trail.digests.signing import BUCKET, FIRST, delivery, make_key
from tests.trail.made import event, records
from tests.trail.shelf import Shelf
from tests.trail.sources.fake_s3 import FakeS3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.trail.digests.verify import Verdict
    from sudo_mcp_guardrails.trail.reconciled import Reconciled
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, Sink, Written
    from sudo_mcp_guardrails.trail.source import KeepingSource, SourceFile


def taking(source: KeepingSource, sink: Shelf) -> Callable[[Iterable[SourceFile]], object]:
    return lambda files: ingest(source, sink, Attributor(), files=files)


def tree(root: Path, **files: Any) -> Path:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else gzip.compress(records(*content))
        root.joinpath(f"{name}.json.gz").write_bytes(data)
    return root


def three(tmp_path: Path) -> tuple[DirectorySource, Shelf]:
    """Return three files of two events each, the last of another day, and a sink that has them."""
    source = DirectorySource(
        tree(
            tmp_path,
            a=[event("a1"), event("a2")],
            b=[event("b1"), event("b2", eventTime="2026-11-21T00:00:00Z")],
            c=[event("c1"), event("c2")],
        )
    )
    sink = Shelf()
    ingest(source, sink, Attributor())
    return source, sink


def found(report: Reconciled) -> list[tuple[Gap, str, bool]]:
    return [(item.gap, item.name, item.repaired) for item in report.items]


def counts(report: Reconciled) -> tuple[int, int, int, int]:
    return report.checked, report.missing, report.repaired, report.broken


@pytest.mark.parametrize("kind", ["memory", "duckdb"])
def test_the_real_sinks_are_reconciled_and_mended(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "in"
    root.mkdir()
    source = DirectorySource(tree(root, a=[event("a1"), event("a2")], b=[event("b1"), event("a1")]))
    if kind == "duckdb":
        pytest.importorskip("duckdb", reason="DuckDB is not installed")
        from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink

        sink: Sink = DuckDbSink(tmp_path / "store")
    else:
        sink = MemorySink()
    with contextlib.closing(sink):

        def take_in(files: Iterable[SourceFile]) -> object:
            return ingest(source, sink, Attributor(), files=files)

        assert counts(reconcile(source, sink, repair=take_in)) == (2, 2, 2, 0)
        assert counts(reconcile(source, sink)) == (2, 0, 0, 0)
        # What is taken in a second time is no new event, and the ledger does not say so.
        take_in(source.files())
        tree(root, c=[event("c1")])
        assert found(reconcile(source, sink)) == [(Gap.NOT_TAKEN_IN, "c.json.gz", False)]
        assert reconcile(source, sink, repair=take_in).ok
        assert sink.count() == 4
        root.joinpath("a.json.gz").unlink()
        assert found(reconcile(source, sink)) == [(Gap.GONE, "a.json.gz", False)]


def test_nothing_is_wrong_where_nothing_is(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    report = reconcile(source, sink)
    assert (counts(report), report.items, report.ok, report.last) == ((3, 0, 0, 0), [], True, "c.json.gz")
    assert sink.asked == 6


def test_a_file_that_was_never_taken_in_is_missing_and_then_taken_in(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    tree(tmp_path, d=[event("d1")])
    before = reconcile(source, sink)
    assert (counts(before), found(before), before.ok) == (
        (4, 1, 0, 0),
        [(Gap.NOT_TAKEN_IN, "d.json.gz", False)],
        False,
    )
    after = reconcile(source, sink, repair=taking(source, sink))
    assert (counts(after), found(after), after.ok) == ((4, 1, 1, 0), [(Gap.NOT_TAKEN_IN, "d.json.gz", True)], True)
    assert counts(reconcile(source, sink)) == (4, 0, 0, 0)
    assert sink.count() == 7


def test_a_file_that_is_no_trail_is_not_missed_and_one_that_is_cut_off_is(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    tmp_path.joinpath("README.md").write_text("no trail")
    tmp_path.joinpath("package.json").write_text('{"name": "x"}')
    tree(tmp_path, cut=gzip.compress(records(event("x1")))[:-20])
    assert found(reconcile(source, sink)) == [(Gap.NOT_TAKEN_IN, "cut.json.gz", False)]
    assert counts(reconcile(source, sink, repair=taking(source, sink))) == (4, 1, 1, 0)


def test_events_that_the_index_lost_are_found_by_looking_deep_and_taken_in_again(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    sink.events -= {("2026-11-21", "b2"), ("2026-11-20", "b1")}
    sink.events.add(("2026-11-21", "b1"))  # the same id on another day is another event
    sink.events.add(("2026-11-22", "z"))  # so that the count alone tells nothing
    assert counts(reconcile(source, sink, deep=False)) == (3, 0, 0, 0)
    report = reconcile(source, sink, repair=taking(source, sink))
    assert (counts(report), found(report)) == ((3, 1, 1, 0), [(Gap.EVENTS_MISSING, "b.json.gz", True)])
    assert report.items[0].reason == "2 of its 2 events are not in the sink: b1, b2"
    assert {("2026-11-21", "b2"), ("2026-11-20", "b1")} <= sink.events


def test_an_index_with_fewer_events_than_were_created_is_broken_though_no_file_is_read(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    sink.events.discard(("2026-11-20", "a1"))
    report = reconcile(source, sink, deep=False)
    assert (counts(report), found(report)) == ((3, 0, 0, 1), [(Gap.COUNT, "index", False)])
    assert report.items[0].reason == "the sink holds 5 events, and its ledger says that 6 were created"
    assert reconcile(source, sink, repair=taking(source, sink)).ok


def test_a_repair_that_did_nothing_is_not_called_one(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    tree(tmp_path, d=[event("d1")])
    sink.events.discard(("2026-11-20", "a1"))
    sink.events.add(("2026-11-22", "z"))
    report = reconcile(source, sink, repair=lambda _: None)
    assert counts(report) == (4, 2, 0, 0)
    assert not report.ok
    assert counts(reconcile(source, sink, repair=lambda _: None, deep=False)) == (4, 1, 0, 0)

    def ledger_only(files: Iterable[SourceFile]) -> None:
        for file in files:
            sink.files[file.name] = SourceRecord(file.name, file.size, "", 1, 0, 1, 0, None, None)

    assert counts(reconcile(source, sink, repair=ledger_only)) == (4, 2, 0, 0)


@pytest.mark.parametrize("deep", [True, False])
def test_a_file_that_is_gone_from_the_source_is_broken(tmp_path: Path, deep: bool) -> None:  # noqa: FBT001
    source, sink = three(tmp_path)
    tmp_path.joinpath("b.json.gz").unlink()
    report = reconcile(source, sink, repair=taking(source, sink), deep=deep)
    assert (counts(report), found(report)) == ((2, 0, 0, 1), [(Gap.GONE, "b.json.gz", False)])


def test_a_file_of_other_bytes_is_broken_and_not_taken_in(tmp_path: Path) -> None:
    source, sink = three(tmp_path)
    other = bytearray(tmp_path.joinpath("b.json.gz").read_bytes())
    tree(tmp_path, b=[event("planted"), event("b2")])
    report = reconcile(source, sink, repair=taking(source, sink))
    assert (counts(report), found(report)) == ((3, 0, 0, 1), [(Gap.CHANGED, "b.json.gz", False)])
    assert ("2026-11-20", "planted") not in sink.events
    tmp_path.joinpath("b.json.gz").write_bytes(other + b"\0")
    assert found(reconcile(source, sink, deep=False)) == [(Gap.CHANGED, "b.json.gz", False)]


def test_a_file_that_cannot_be_read_is_broken_and_the_others_are_looked_at(tmp_path: Path) -> None:
    _, sink = three(tmp_path)

    class Refusing(DirectorySource):
        def read(self, file: SourceFile) -> bytes | None:
            if file.name == "a.json.gz":
                raise UnreadableFileError("no")
            return super().read(file)

    report = reconcile(Refusing(tmp_path), sink)
    assert (counts(report), found(report)) == ((3, 0, 0, 1), [(Gap.UNREADABLE, "a.json.gz", False)])


def test_a_file_that_is_too_large_to_be_read_is_broken_each_time(tmp_path: Path) -> None:
    """It is not in the ledger, and is no dead letter: who asks is told until somebody splits it."""
    _, sink = three(tmp_path)
    size = tree(tmp_path, huge=[event(f"h{n}") for n in range(500)]).joinpath("huge.json.gz").stat().st_size
    small = DirectorySource(tmp_path, max_bytes=size - 1)
    for _ in range(2):
        report = reconcile(small, sink, repair=taking(small, sink))
        assert (counts(report), found(report)) == ((4, 0, 0, 1), [(Gap.UNREADABLE, "huge.json.gz", False)])


class Stopping:
    """A sink that stores a batch and then is not there any more, as often as it is told."""

    def __init__(self, sink: Sink, *, after: int) -> None:
        self.sink = sink
        self.after = after

    def write(self, batch: Batch) -> Written:
        written = self.sink.write(batch)
        self.after -= 1
        if not self.after:
            raise SinkUnavailableError("down")
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sink, name)


@pytest.fixture
def by_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut files of some 10 KB into pieces, each written by itself, as is done with those of 32 MB."""

    def cut(name: str, data: bytes) -> Iterator[reader.FileContent]:
        return reader.read_pieces(name, data, size=5_000)

    monkeypatch.setattr(ingesting, "BATCH_EVENTS", 1)
    monkeypatch.setattr(ingesting, "read_pieces", cut)
    monkeypatch.setattr(module, "read_pieces", cut)


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize("kind", ["memory", "duckdb"])
@pytest.mark.usefixtures("by_pieces")
def test_a_file_that_was_taken_in_by_half_is_missing_and_taken_in_again(
    tmp_path: Path,
    kind: str,
    deep: bool,  # noqa: FBT001
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    source = DirectorySource(tree(root, large=[event(f"e{n}") for n in range(60)], small=[event("s")]))
    sink: Sink = MemorySink()
    if kind == "duckdb":
        pytest.importorskip("duckdb", reason="DuckDB is not installed")
        from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink

        sink = DuckDbSink(tmp_path / "store")
    with contextlib.closing(sink):
        with pytest.raises(SinkUnavailableError):
            ingest(source, Stopping(sink, after=2), Attributor())
        assert {name: line.fingerprint for name, line in sink.ledger().items()} == {"large.json.gz": ""}
        taken = sink.count()
        assert 0 < taken < 60

        def take_in(files: Iterable[SourceFile]) -> object:
            return ingest(source, sink, Attributor(), files=files)

        before = reconcile(source, sink, deep=deep)
        assert counts(before) == (2, 2, 0, 0)
        assert found(before) == [(Gap.NOT_TAKEN_IN, "large.json.gz", False), (Gap.NOT_TAKEN_IN, "small.json.gz", False)]
        assert before.items[0].reason == "only a part of it was taken in"
        # A part in the ledger is not called repaired.
        assert counts(reconcile(source, sink, deep=deep, repair=lambda _: None)) == (2, 2, 0, 0)
        after = reconcile(source, sink, deep=deep, repair=take_in)
        assert (counts(after), after.ok, sink.count()) == ((2, 2, 2, 0), True, 61)
        assert len(sink.ledger()["large.json.gz"].fingerprint) == 64
        assert counts(reconcile(source, sink)) == (2, 0, 0, 0)


@pytest.mark.parametrize("deep", [True, False])
def test_a_file_that_changed_since_a_part_of_it_was_taken_in_is_broken(tmp_path: Path, deep: bool) -> None:  # noqa: FBT001
    source, sink = three(tmp_path)
    line = sink.files["b.json.gz"]
    sink.files["b.json.gz"] = replace(line, fingerprint="", size=line.size + 1)
    report = reconcile(source, sink, deep=deep, repair=taking(source, sink))
    assert (counts(report), found(report)) == ((3, 0, 0, 1), [(Gap.CHANGED, "b.json.gz", False)])


@pytest.mark.usefixtures("by_pieces")
def test_what_is_missing_is_counted_over_all_pieces_of_a_file(tmp_path: Path) -> None:
    source = DirectorySource(tree(tmp_path, a=[event(f"e{n:02}") for n in range(60)]))
    sink = Shelf()
    ingest(source, sink, Attributor())
    sink.events -= {("2026-11-20", f"e{n:02}") for n in (1, 2, 30, 59)}
    sink.asked = 0
    report = reconcile(source, sink)
    assert report.items[0].reason == "4 of its 60 events are not in the sink: e01, e02, e30, …"
    assert sink.asked == 60
    assert reconcile(source, sink, repair=taking(source, sink)).ok


def test_a_file_that_is_deleted_while_it_is_looked_at_is_gone_or_nothing(tmp_path: Path) -> None:
    _, sink = three(tmp_path)
    tree(tmp_path, new=[event("n1")])

    class Late(DirectorySource):
        def read(self, file: SourceFile) -> bytes | None:
            if file.name in {"a.json.gz", "new.json.gz"}:
                return None
            return super().read(file)

    report = reconcile(Late(tmp_path), sink)
    assert (counts(report), found(report)) == ((2, 0, 0, 1), [(Gap.GONE, "a.json.gz", False)])


def test_a_sink_that_fails_stops_the_run_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    source = DirectorySource(tree(tmp_path, **{f"f{n}": [event(f"e{n}")] for n in range(7)}))
    sink = Shelf()
    reports: list[Reconciled] = []
    calls = 0

    def fails(files: Iterable[SourceFile]) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise SinkUnavailableError("down")
        taking(source, sink)(files)

    with pytest.raises(SinkUnavailableError):
        reconcile(source, sink, repair=fails, progress=reports.append)
    assert sink.count() == 4
    assert reports[-1].last == "f3.json.gz"  # the next two waited to be taken in
    rest = DirectorySource(tmp_path, KeyRange(first=reports[-1].last))
    assert counts(reconcile(rest, sink, repair=taking(rest, sink))) == (4, 3, 3, 0)
    assert counts(reconcile(source, sink)) == (7, 0, 0, 0)


def test_only_what_the_range_covers_is_compared(tmp_path: Path) -> None:
    made = delivery(30)
    root = made.save(tmp_path)
    whole, sink = DirectorySource(root), Shelf()
    ingest(whole, sink, Attributor())
    for key in (made.logs[0], made.logs[-1]):
        root.joinpath(key).unlink()
        # Its events are there and it is not in the source: told only where it is in the range.
    late = DirectorySource(root, KeyRange(since=date(2026, 11, 21)))
    assert found(reconcile(late, sink)) == [(Gap.GONE, made.logs[-1], False)]
    assert [name for _, name, _ in found(reconcile(whole, sink))] == [made.logs[0], made.logs[-1]]


def test_the_memory_of_a_report_is_bounded_and_its_counts_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciled, "MAX_ITEMS", 2)
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    monkeypatch.setattr(module, "_SETTLED_AT_ONCE", 2)
    monkeypatch.setattr(module, "_IDS_AT_ONCE", 1)
    source = DirectorySource(tree(tmp_path, **{f"f{n}": [event(f"e{n}"), event(f"d{n}")] for n in range(5)}))
    report = reconcile(source, sink := Shelf(), repair=taking(source, sink))
    assert (counts(report), len(report.items), report.omitted) == ((5, 5, 5, 0), 2, 3)


def checked(root: Path, **more: Any) -> Iterable[Verdict]:
    return DigestCheck(DirectorySource(root), KeyFile([make_key().record()]), **more).run()


def test_digests_and_what_stands_beside_them_are_no_trail_files(tmp_path: Path) -> None:
    made = delivery(3)
    source, sink = DirectorySource(made.save(tmp_path)), Shelf()
    report = reconcile(source, sink, digests=checked(tmp_path), repair=taking(source, sink))
    assert (counts(report), report.digests, report.proved) == ((3, 3, 3, 0), 3, 3)
    assert sink.count() == 6
    assert counts(reconcile(source, sink, digests=checked(tmp_path))) == (3, 0, 0, 0)


def test_a_file_that_a_digest_names_and_nobody_has_is_missing_for_good(tmp_path: Path) -> None:
    made = delivery(3)
    made.drop(made.logs[1])
    source, sink = DirectorySource(made.save(tmp_path)), Shelf()
    report = reconcile(source, sink, digests=checked(tmp_path), repair=taking(source, sink))
    assert counts(report) == (2, 3, 2, 0)
    assert (Gap.NEVER_SEEN, made.logs[1], False) in found(report)
    assert not report.ok


def test_a_file_that_was_taken_in_and_is_gone_is_told_once_though_a_digest_names_it_too(tmp_path: Path) -> None:
    made = delivery(3)
    source, sink = DirectorySource(made.save(tmp_path)), Shelf()
    ingest(source, sink, Attributor())
    tmp_path.joinpath(made.logs[1]).unlink()
    report = reconcile(source, sink, digests=checked(tmp_path))
    assert (counts(report), found(report)) == ((2, 0, 0, 1), [(Gap.GONE, made.logs[1], False)])


def test_a_file_that_is_not_what_cloudtrail_delivered_is_never_taken_in(tmp_path: Path) -> None:
    made = delivery(3)
    content = json.loads(gzip.decompress(made.objects[made.logs[1]]))
    content["Records"].append(event("planted"))
    made.objects[made.logs[1]] = gzip.compress(json.dumps(content).encode())
    source, sink = DirectorySource(made.save(tmp_path)), Shelf()
    report = reconcile(source, sink, digests=checked(tmp_path), repair=taking(source, sink))
    assert counts(report) == (3, 2, 2, 1)
    assert (Gap.CHANGED, made.logs[1], False) in found(report)
    assert not any(event_id == "planted" for _, event_id in sink.events)


def test_a_digest_that_proves_nothing_is_broken_and_a_gap_is_not(tmp_path: Path) -> None:
    made = delivery(3)
    made.digest(FIRST + timedelta(hours=9), first=True)
    made.drop(made.digests[1])
    source, sink = DirectorySource(made.save(tmp_path)), Shelf()
    ingest(source, sink, Attributor())
    report = reconcile(source, sink, digests=checked(tmp_path))
    assert (counts(report), found(report)) == ((3, 0, 0, 1), [(Gap.DIGEST, made.digests[1], False)])
    assert report.items[0].reason.startswith("missing: the digest after it")


def test_backfill_takes_in_a_range_and_reads_what_is_there_only_when_asked(tmp_path: Path) -> None:
    made = delivery(30)
    root, sink = made.save(tmp_path), Shelf()
    early = DirectorySource(root, KeyRange(until=date(2026, 11, 20)))
    assert counts(backfill(early, sink, taking(early, sink))) == (24, 24, 24, 0)
    assert sink.count() == 48
    whole = DirectorySource(root)
    assert counts(backfill(whole, sink, taking(whole, sink))) == (30, 6, 6, 0)
    assert sink.count() == 60
    sink.events.discard(("2026-11-20", "e-0-0"))
    sink.events.add(("2026-11-22", "z"))
    assert counts(backfill(whole, sink, taking(whole, sink))) == (30, 0, 0, 0)
    assert counts(backfill(whole, sink, taking(whole, sink), deep=True)) == (30, 1, 1, 0)


def test_a_bucket_is_reconciled_and_mended_day_by_day() -> None:
    made = delivery(30)
    fake, sink = FakeS3(BUCKET), Shelf()
    for key, data in made.objects.items():
        fake.put(key, data, made.metadata.get(key))
    keys = KeyFile([make_key().record()])
    # The digest of the first day's last hour comes on the next day.
    for day, files, digests in ((date(2026, 11, 20), 24, 23), (date(2026, 11, 21), 6, 7)):
        source = S3Source(fake.client, BUCKET, keys=KeyRange(since=day, until=day))
        report = reconcile(source, sink, digests=DigestCheck(source, keys).run(), repair=taking(source, sink))
        assert (counts(report), report.digests, report.ok) == ((files, files, files, 0), digests, True)
    assert sink.count() == 60
    del fake.versions[made.logs[3]]
    whole = S3Source(fake.client, BUCKET)
    assert found(reconcile(whole, sink)) == [(Gap.GONE, f"s3://{BUCKET}/{made.logs[3]}", False)]


def test_a_file_of_a_bucket_that_only_a_digest_knows_is_missed_without_reading_a_log_file() -> None:
    made = delivery(30)
    fake, sink = FakeS3(BUCKET), Shelf()
    for key, data in made.objects.items():
        fake.put(key, data, made.metadata.get(key))
    keys = KeyFile([make_key().record()])
    whole = S3Source(fake.client, BUCKET)
    ingest(whole, sink, Attributor())
    name = f"s3://{BUCKET}/{made.logs[5]}"
    del fake.versions[made.logs[5]]
    fake.requests.clear()

    def look(source: S3Source) -> Reconciled:
        return reconcile(source, sink, digests=DigestCheck(source, keys, logs=False).run(), deep=False)

    assert found(look(whole)) == [(Gap.GONE, name, False)]
    sink.events -= {("2026-11-20", "e-5-0"), ("2026-11-20", "e-5-1")}
    del sink.files[name]
    report = look(whole)
    assert (counts(report), found(report), report.digests) == ((29, 1, 0, 0), [(Gap.NEVER_SEEN, name, False)], 30)
    assert report.items[0].reason == f"digest 's3://{BUCKET}/{made.digests[5]}' names it"
    # The first digest of a day names files of the day before, which are not in that day's range.
    del sink.files[f"s3://{BUCKET}/{made.logs[23]}"]
    assert look(S3Source(fake.client, BUCKET, keys=KeyRange(since=date(2026, 11, 21)))).items == []
    assert not [request for request in fake.requests if "/CloudTrail/" in request and request.startswith("get")]
    # One that is there and was never taken in is told as that, and not as lost.
    here = f"s3://{BUCKET}/{made.logs[6]}"
    del sink.files[here]
    assert (Gap.NOT_TAKEN_IN, here, False) in found(look(whole))
    assert (Gap.NEVER_SEEN, here, False) not in found(look(whole))
