from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sudo_mcp_guardrails.trail.attribution import Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.heads import HEADS, daily_head
from sudo_mcp_guardrails.trail.segment_files import segment_path
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from sudo_mcp_guardrails.trail.sinks.duckdb_index import INDEX, Index
from sudo_mcp_guardrails.trail.sinks.duckdb_query import query
from sudo_mcp_guardrails.trail.sinks.duckdb_rebuild import rebuild
from sudo_mcp_guardrails.trail.sinks.duckdb_verify import Verified, verify
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, Written
from sudo_mcp_guardrails.trail.store_lock import StoreLockedError
from tests.trail.batches import batch, one_file, with_fields
from tests.trail.conftest import TRAIL_DATA
from tests.trail.made import event, records
from tests.trail.sinks import killed_writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.trail.heads import Head
    from sudo_mcp_guardrails.trail.sinks.duckdb_load import LoadFiles
    from sudo_mcp_guardrails.trail.sinks.sink import Batch

ROOT = Path(__file__).parents[3]
DAY = "2026-11-20"
AGENT = Attribution(By.SESSION_TAGS, agent="release-bot", run="run-1")
OTHER = Attribution(By.MCP_EVENT, agent="cost-bot")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of three segments, with an amended event and a dead letter."""
    directory = tmp_path / "store"
    sink = DuckDbSink(directory)
    sink.write(
        replace(one_file(event("a"), event("b")), dead_letters=[DeadLetter("a.json", 2, "no eventID", b"\xff{")])
    )
    sink.write(one_file(event("c", eventTime="2026-11-21T00:00:00Z"), event("d", eventTime=None), name="b.json"))
    assert sink.amend([(DAY, "a", AGENT)]) == 1
    sink.close()
    return directory


def rows(store: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return list(query(store, sql, values).rows)


def everything(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("trail", "ledger", "dead_letters", "amendments", "attributions")
    return {table: sorted(rows(store, f"FROM {table}"), key=repr) for table in tables}


def change(store: Path, sql: str) -> None:
    with duckdb.connect(str(store / INDEX)) as connection:
        connection.execute(sql)


def test_events_can_be_asked_for_with_whose_work_they_are(store: Path) -> None:
    found = rows(store, "SELECT event_id, day, agent, attributed, origin FROM trail ORDER BY event_id")
    assert found == [
        ("a", DAY, "release-bot", True, "a.json"),
        ("b", DAY, None, False, "a.json"),
        ("c", "2026-11-21", None, False, "b.json"),
        ("d", "undated", None, False, "b.json"),
    ]
    assert rows(store, "SELECT raw->>'$.requestID' FROM trail WHERE event_id = $1", "c") == [("r-c",)]
    assert rows(store, "SELECT reason, raw FROM dead_letters") == [("no eventID", b"\xff{")]


def test_a_rebuilt_index_is_the_same(store: Path) -> None:
    before = everything(store)
    assert rebuild(store) == 4
    assert everything(store) == before
    (store / INDEX).write_bytes(b"this is no DuckDB file" * 1000)
    with pytest.raises(TrailError, match="rebuild it"):
        DuckDbSink(store)
    assert rebuild(store) == 4
    assert everything(store) == before
    change(store, "UPDATE format SET probe = 1")
    with pytest.raises(TrailError, match="another format or version"):
        DuckDbSink(store)
    assert "another format or version" in verify(store).broken[0]
    (store / INDEX).unlink()
    DuckDbSink(store).close()
    assert everything(store) == before
    with pytest.raises(TrailError, match="not there"):
        rebuild(store / "absent")


def test_odd_values_are_kept(tmp_path: Path) -> None:
    odd = one_file(*(event(name) for name in ("a\0b", "é\u2028", "x'y\"; --", "p", "q")))
    odd = with_fields(odd, 3, event_id="half \ud83d", event_time="2026-02-30T10:00:00Z")
    odd = with_fields(odd, 4, raw=b'{"bad":"\xff"}', error="")
    odd = replace(odd, sources=[replace(odd.sources[0], name="half \udcff.json")])
    sink = DuckDbSink(tmp_path)
    assert sink.write(odd).created == 5
    assert sink.write(odd) == Written(created=0, duplicates=5)
    assert sink.missing("2026-02-30", ["half \ud83d", "other"]) == {"other"}
    assert len(sink.heads) == 1
    sink.close()
    assert rows(tmp_path, "SELECT event_time, raw IS NOT NULL FROM trail WHERE day = '2026-02-30'") == [(None, True)]
    assert rows(tmp_path, "SELECT raw, error FROM trail WHERE event_id = 'q'") == [('{"bad":"\ufffd"}', "")]
    assert verify(tmp_path).broken == ()


@pytest.mark.parametrize("segment_events", [1, 3, 100])
def test_a_batch_becomes_segments_and_the_ledger_comes_last(tmp_path: Path, segment_events: int) -> None:
    files = {f"{n}.json": records(*(event(f"{n}-{k}") for k in range(4))) for n in range(2)}
    sink = DuckDbSink(tmp_path, segment_events=segment_events)
    sink.write(batch(files))
    assert [head.events for head in sink.heads] == {1: [1] * 8, 3: [3, 3, 2], 100: [8]}[segment_events]
    assert [head.sources for head in sink.heads] == [0] * (len(sink.heads) - 1) + [2]
    sink.close()


def test_segment_events_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrailError, match="segment_events 0 is out of range"):
        DuckDbSink(tmp_path, segment_events=0)


def test_a_replay_adds_nothing_to_the_log(store: Path) -> None:
    sink = DuckDbSink(store)
    before = sink.heads
    letter = DeadLetter("a.json", 2, "said otherwise", b"\xff{")
    sink.write(replace(one_file(event("a"), event("b")), dead_letters=[letter]))
    assert sink.heads == before
    sink.close()


def test_the_last_amendment_counts(store: Path) -> None:
    sink = DuckDbSink(store)
    assert sink.amend([(DAY, "a", AGENT), (DAY, "a", OTHER), ("2026-11-21", "c", AGENT), (DAY, "zz", AGENT)]) == 2
    sink.close()
    found = "SELECT event_id, agent FROM trail WHERE attributed ORDER BY event_id"
    assert rows(store, found) == [("a", "cost-bot"), ("c", "release-bot")]
    assert verify(store).broken == ()
    rebuild(store)
    assert rows(store, found) == [("a", "cost-bot"), ("c", "release-bot")]


def test_one_writer_at_a_time(store: Path) -> None:
    sink = DuckDbSink(store)
    with pytest.raises(StoreLockedError, match=f"by process {os.getpid()}, allowed is one writer at a time"):
        DuckDbSink(store)
    with pytest.raises(StoreLockedError):
        verify(store)
    sink.close()
    DuckDbSink(store).close()


def test_readers_share_a_store_and_cannot_change_it(store: Path) -> None:
    one, two = (query(store, "SELECT event_id FROM trail ORDER BY event_id") for _ in range(2))
    assert one.columns == ("event_id",)
    assert list(one.rows) == list(two.rows) == [("a",), ("b",), ("c",), ("d",)]
    assert list(query(store, "FROM range(5000)", limit=1500).rows)[-1] == (1499,)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events",
        "SELECT 1; SELECT 2",
        "",
        "SELEKT",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.duckdb'",
        "SET enable_external_access = true",
        "PRAGMA version",
        "INSTALL httpfs",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT nothing FROM trail",
        "EXPLAIN ANALYZE DELETE FROM events",
    ],
)
def test_a_query_that_does_more_than_ask_is_refused(store: Path, sql: str) -> None:
    with pytest.raises(TrailError, match=r"^query"):
        list(query(store, sql).rows)
    assert verify(store).broken == ()


def test_a_query_without_a_store_says_so(tmp_path: Path, store: Path) -> None:
    with pytest.raises(TrailError, match=r"has no index\.duckdb"):
        query(tmp_path, "SELECT 1")
    change(store, "CHECKPOINT")
    (store / INDEX).write_bytes(b"x" * 9000)
    with pytest.raises(TrailError, match="cannot be opened"):
        query(store, "SELECT 1")


def test_a_sound_store_is_found_sound(store: Path) -> None:
    seen: list[tuple[int, int]] = []
    sink = DuckDbSink(store)
    published = [daily_head(sink.heads, "9999-12-31"), daily_head(sink.heads, DAY)]
    sink.close()
    found = verify(store, published=published, progress=lambda *done: seen.append(done))
    assert found == Verified(checked=3, events=4, missing=0, broken=())
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(TrailError, match="not there"):
        verify(store / "absent")


def flip(store: Path) -> None:
    path = segment_path(store, 2)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 4
    path.write_bytes(whole)


def repack(store: Path) -> None:
    path = segment_path(store, 2)
    import gzip

    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"ListBuckets", b"ListObjects")))


def swap(store: Path) -> None:
    one, two, kept = segment_path(store, 1), segment_path(store, 2), store / "kept"
    one.rename(kept)
    two.rename(one)
    kept.rename(two)


def edit_heads(store: Path, *order: int) -> None:
    lines = (store / HEADS).read_bytes().splitlines(keepends=True)
    (store / HEADS).write_bytes(b"".join(lines[number] for number in order))


def add_segment(store: Path) -> None:
    shutil.copy(segment_path(store, 1), segment_path(store, 4))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "segment 2: "),
        (repack, "segment 2: its file has SHA-256"),
        (lambda store: segment_path(store, 2).unlink(), "segment 2: the chain has it, the file is not there"),
        (swap, "segment 1: its file has SHA-256"),
        (add_segment, "segment 4: the chain does not have it"),
        (lambda store: edit_heads(store, 0, 2), "heads.jsonl line 2: is of segment 3; lines were removed"),
        (lambda store: edit_heads(store, 1, 0, 2), "heads.jsonl line 1: does not follow"),
        (
            lambda store: (store / HEADS).write_bytes((store / HEADS).read_bytes() + b"{}\n"),
            "heads.jsonl line 4: no head",
        ),
        (lambda store: (store / HEADS).write_bytes((store / HEADS).read_bytes()[:-9]), "heads.jsonl: ends in a torn"),
        (
            lambda store: (store / HEADS).write_bytes(
                (store / HEADS).read_bytes().replace(b'"events":2', b'"events":3')
            ),
            "segment 1: its header and its head differ",
        ),
        (lambda store: (store / INDEX).unlink(), "index.duckdb: cannot be read"),
        (
            lambda store: change(store, "UPDATE events SET error = 'x' WHERE event_id = 'b'"),
            "index.duckdb events, segment 1: 2026-11-20 b is changed or gone",
        ),
        (
            lambda store: change(store, "UPDATE events SET raw = replace(raw, 'ann', 'bob') WHERE event_id = 'c'"),
            "index.duckdb events, segment 2: 2026-11-21 c is changed or gone",
        ),
        (
            lambda store: change(store, "DELETE FROM events WHERE event_id = 'd'"),
            "index.duckdb events, segment 2: undated d is changed or gone",
        ),
        (
            lambda store: change(store, "INSERT INTO events SELECT * REPLACE ('z' AS event_id) FROM events LIMIT 1"),
            "z is not in the log",
        ),
        (
            lambda store: change(store, "INSERT INTO events SELECT * REPLACE (9 AS segment) FROM events LIMIT 2"),
            "index.duckdb events: 2 rows of segments that the chain does not have",
        ),
        (
            lambda store: change(store, "UPDATE events SET attribution = 1048576 WHERE event_id = 'a'"),
            "index.duckdb events, segment 1: 2026-11-20 a is changed or gone",
        ),
        (
            lambda store: change(store, "UPDATE attributions SET agent = 'x' WHERE agent = 'release-bot'"),
            "index.duckdb attributions, segment 3: ",
        ),
        (lambda store: change(store, "UPDATE dead_letters SET raw = 'x'"), "index.duckdb dead_letters, segment 1: "),
        (
            lambda store: change(store, "UPDATE sources SET events = 9 WHERE name = 'b.json'"),
            "index.duckdb sources, segment 2",
        ),
        (lambda store: change(store, "DELETE FROM segments WHERE segment = 2"), "index.duckdb: holds 2 segments"),
        (lambda store: change(store, "DROP VIEW trail; DROP VIEW ledger; DROP TABLE sources"), "index.duckdb"),
    ],
)
def test_damage_is_found_with_its_place(store: Path, damage: Any, said: str) -> None:
    damage(store)
    found = verify(store).broken
    assert any(said in line for line in found), found


def test_an_index_that_lags_is_said_to_lag_and_no_more(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = DuckDbSink(store)
    assert sink.amend([(DAY, "b", OTHER)]) == 1
    monkeypatch.setattr(Index, "load", lambda *_: None)  # as if killed between the log and the index
    sink.close()
    assert verify(store).broken == (
        "index.duckdb: lacks the last 1 of 4 segments, which the next write or rebuild adds",
    )
    with pytest.raises(TrailError, match="lacks 1 of 4 segments, since its writer was stopped; run the same ingest"):
        query(store, "SELECT 1")
    monkeypatch.undo()
    DuckDbSink(store).close()
    assert verify(store).broken == ()


def test_a_store_being_written_cannot_be_asked(store: Path) -> None:
    sink = DuckDbSink(store)
    with pytest.raises(TrailError, match="is it being written"):
        query(store, "SELECT 1")
    sink.close()


def test_a_cut_tail_is_found_against_a_published_head(store: Path) -> None:
    sink = DuckDbSink(store)
    published = daily_head(sink.heads, "9999-12-31")
    sink.close()
    segment_path(store, 3).unlink()
    edit_heads(store, 0, 1)
    (store / INDEX).unlink()
    DuckDbSink(store).close()
    assert verify(store).broken == ()
    found = verify(store, published=[published])
    assert found.missing == 1
    assert "1 of 3 are cut off" in found.broken[0]


def test_a_store_whose_index_knows_more_than_the_log_is_not_written_to(store: Path) -> None:
    segment_path(store, 3).unlink()
    edit_heads(store, 0, 1)
    with pytest.raises(TrailError, match="hold other segments"):
        DuckDbSink(store)


def test_what_the_log_holds_and_the_index_does_not_is_indexed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = DuckDbSink(store)

    def fail(*_: object) -> None:
        raise SinkUnavailableError("the disk is full")

    monkeypatch.setattr(Index, "load", fail)
    assert sink.write(one_file(event("x"), name="x.json")) == Written(created=1, duplicates=0), "the log has it"
    for _ in range(2):
        with pytest.raises(SinkUnavailableError):
            sink.count()
    monkeypatch.undo()
    assert sink.count() == 5
    assert sink.write(one_file(event("x"), name="x.json")) == Written(created=0, duplicates=1)
    assert sink.ledger()["x.json"].created == 1
    sink.close()
    assert verify(store).broken == ()


def test_what_waits_to_be_indexed_is_known(tmp_path: Path) -> None:
    sink = DuckDbSink(tmp_path)
    loaded = tmp_path / "loading"
    letter = DeadLetter("x.json", 0, "no eventID", b"{}")
    sink.write(replace(one_file(event("x"), name="x.json"), dead_letters=[letter]))
    assert list(loaded.iterdir()), "nobody asked yet, so nothing is indexed"
    assert sink.amend([(DAY, "x", OTHER), (DAY, "nobody", OTHER)]) == 1
    again = sink.write(replace(one_file(event("x"), event("y"), name="x.json"), dead_letters=[letter]))
    assert (again.created, again.duplicates) == (1, 1)
    assert sink.write(one_file(event("x", eventName="Other"), name="z.json")).conflicts == 1
    assert sink.missing(DAY, ["x", "y", "z"]) == {"z"}
    assert (sink.count(), len(sink.dead_letters()), len(sink.ledger())) == (2, 1, 2)
    assert not list(loaded.iterdir())
    sink.close()
    assert rows(tmp_path, "SELECT event_id, agent FROM trail ORDER BY 1") == [("x", OTHER.agent), ("y", None)]
    assert verify(tmp_path).broken == ()


def test_an_index_that_is_opened_anew_now_and_then_knows_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sudo_mcp_guardrails.trail.sinks.duckdb._LOADS", 2)
    opened: list[int] = []
    catch_up = Index.catch_up

    def counted(index: Index, heads: Sequence[Head]) -> None:
        opened.append(len(heads))
        catch_up(index, heads)

    monkeypatch.setattr(Index, "catch_up", counted)
    sink = DuckDbSink(tmp_path / "store", load_events=1)
    for name in "abcde":
        assert sink.write(one_file(event(name), name=f"{name}.json")) == Written(1, 0)
    assert opened == [0, 2, 4]
    assert sink.write(one_file(event("a"), event("e"), event("f"), name="f.json")) == Written(1, 2)
    assert sink.count() == 6
    sink.close()


def test_an_id_with_the_separator_is_known(tmp_path: Path) -> None:
    sink = DuckDbSink(tmp_path / "store", load_events=1)
    odd = f"a\x1f{DAY} b"
    sink.write(one_file(event(odd), event("c")))
    assert sink.write(one_file(event("a"), event("b"), event(odd), event("c"), name="b.json")) == Written(2, 2)
    assert sink.missing(DAY, [odd, "a", "d"]) == {"d"}
    sink.close()


def test_so_many_events_are_indexed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    load = Index.load

    def counted(index: Index, some: Sequence[tuple[Head, LoadFiles]]) -> None:
        loads.append(len(some))
        load(index, some)

    monkeypatch.setattr(Index, "load", counted)
    sink = DuckDbSink(tmp_path, load_events=3)
    for number in range(7):
        sink.write(one_file(event(f"e{number}"), name=f"{number}.json"))
    assert loads == [3, 3]
    sink.close()
    sink.close()
    assert loads == [3, 3, 1]


LIMITED = """
import resource, sys
from pathlib import Path
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from tests.trail.batches import one_file
from tests.trail.made import event
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = DuckDbSink(Path(sys.argv[1]))
some = one_file(*(event(f"n{n}", requestParameters={"k": f"{n * 7919:x}" * 40}) for n in range(400)), name="n.json")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    sink.write(some)
except SinkUnavailableError as error:
    refused = str(error)
else:
    sys.exit("it was written")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
written = sink.write(some)
print(refused, "|", written.created + written.duplicates, sink.count())
sink.close()
"""


@pytest.mark.parametrize("limit", [200, 1_000, 20_000, 100_000])
def test_a_disk_that_takes_no_more_loses_nothing(store: Path, limit: int) -> None:
    # A limit on the size of files stands for the full disk: each one stops at another file.
    command = [sys.executable, "-c", LIMITED, str(store), str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("| 400 404"), done.stdout
    assert verify(store).broken == ()


def killed(store: Path, after: float) -> int:
    """Start a writer, kill it ``after`` seconds after its first batch, and return how many batches it reported."""
    command = [sys.executable, "-m", "tests.trail.sinks.killed_writer", str(store)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait(timeout=30)
    return len(first.split()) + len(rest)


@pytest.mark.integration  # twenty processes, which the lowest versions need not see
def test_a_killed_writer_leaves_each_event_once(tmp_path: Path) -> None:
    rng = random.Random(5)  # noqa: S311 - no secret
    total = killed_writer.first_of(killed_writer.BATCHES)
    interrupted = 0
    for run in range(20):
        store = tmp_path / f"store-{run}"
        acknowledged = killed(store, rng.uniform(0, 0.5))
        interrupted += acknowledged < killed_writer.BATCHES
        sink = DuckDbSink(store)
        held = sink.count()
        files = sink.ledger()
        for number in range(acknowledged):  # what was reported as written is there
            assert f"{number:04}.json" in files
        assert held >= killed_writer.first_of(acknowledged)
        created = 0
        for begin in range(0, killed_writer.BATCHES, 10):  # in other batches than they were written in
            numbers = range(begin, min(begin + 10, killed_writer.BATCHES))
            again = batch({f"{number:04}.json": records(*killed_writer.file_of(number)) for number in numbers})
            created += sink.write(again).created
        assert (held + created, sink.count()) == (total, total)
        assert len(sink.ledger()) == killed_writer.BATCHES
        sink.close()
        assert run % 4 or verify(store).broken == ()
        assert rows(store, "SELECT count(DISTINCT (day, event_id)), count(*) FROM trail") == [(total, total)]
        shutil.rmtree(store)
    assert interrupted > 10  # or the test kills too late to show anything


def published_trails() -> Iterator[Batch]:
    for path in sorted(TRAIL_DATA.rglob("*.json*")):
        yield batch({str(path.relative_to(TRAIL_DATA)): path.read_bytes()})


@pytest.mark.skipif(not TRAIL_DATA.is_dir(), reason="the published trails are not beside this checkout")
def test_every_published_trail_is_kept(tmp_path: Path) -> None:
    sink = DuckDbSink(tmp_path)
    created = duplicates = events = 0
    for some in published_trails():
        written = sink.write(some)
        created, duplicates, events = (
            created + written.created,
            duplicates + written.duplicates,
            events + len(some.events),
        )
    assert created + duplicates == events
    assert created == sink.count() > 400
    for some in published_trails():
        assert sink.write(some).created == 0
    sink.close()
    assert verify(tmp_path).broken == ()
    invalid = "SELECT count(*) FROM trail WHERE NOT json_valid(raw)"
    assert rows(tmp_path, invalid) == [(0,)]


def test_memory_does_not_grow_with_the_store(tmp_path: Path) -> None:
    # Of one process, so that what pytest holds does not count.
    code = (
        "import sys; from pathlib import Path\n"
        "from benchmarks.trail.events import batches\n"
        "from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink\n"
        "sink = DuckDbSink(Path(sys.argv[1]))\n"
        "for batch in batches(40_000, size=8_000): sink.write(batch)\n"
        "try:\n"
        "    status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "    peak = int(status['VmHWM'].split()[0]) * 1024\n"
        "except FileNotFoundError:\n"
        # Where there is no /proc. On Linux this begins with the memory of the process that this one was forked from.
        "    import resource\n"
        "    unit = 1 if sys.platform == 'darwin' else 1024\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit\n"
        "print(sink.count(), peak)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    count, peak = map(int, done.stdout.split())
    assert count == 40_000
    assert 20e6 < peak < 300e6  # less would be no bytes


def test_the_log_says_what_it_holds(store: Path) -> None:
    lines = [json.loads(line) for line in (store / HEADS).read_text().splitlines()]
    assert [
        (one["segment"], one["events"], one["amendments"], one["dead_letters"], one["sources"]) for one in lines
    ] == [
        (1, 2, 0, 1, 1),
        (2, 2, 0, 0, 1),
        (3, 0, 1, 0, 0),
    ]
