"""What every sink does alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.trail.attribution import Attribution, By
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from sudo_mcp_guardrails.trail.sinks.memory import MemorySink
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, Written
from tests.trail.batches import batch, one_file
from tests.trail.made import event, records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.trail.sinks.sink import Sink

DAY = "2026-11-20"
AGENT = Attribution(By.SESSION_TAGS, agent="release-bot", run="run-1")


@pytest.fixture(params=["memory", "duckdb", "duckdb-small-segments"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sink]:
    made: Sink = (
        MemorySink()
        if request.param == "memory"
        else DuckDbSink(tmp_path / "store", segment_events=2 if "small" in request.param else 16_384)
    )
    yield made
    made.close()


def test_an_event_is_created_once(sink: Sink) -> None:
    some = one_file(event("a"), event("b"), event("c"))
    assert sink.write(some) == Written(created=3, duplicates=0)
    assert sink.write(some) == Written(created=0, duplicates=3)
    assert sink.count() == 3


def test_a_duplicate_within_a_batch_is_one(sink: Sink) -> None:
    assert sink.write(batch({"a.json": records(event("a"), event("a")), "b.json": records(event("a"))})) == Written(
        created=1, duplicates=2
    )
    assert sink.count() == 1
    ledger = sink.ledger()
    assert [(one.created, one.duplicates) for one in (ledger["a.json"], ledger["b.json"])] == [(1, 1), (0, 1)]


def test_the_same_id_on_another_day_is_another_event(sink: Sink) -> None:
    late = event("a", eventTime="2026-11-21T00:00:00Z")
    assert sink.write(one_file(event("a", eventTime="2026-11-20T23:59:59Z"), late)).created == 2
    assert sink.missing("2026-11-21", ["a"]) == set()
    assert sink.missing("2026-11-22", ["a"]) == {"a"}


@pytest.mark.parametrize(
    "fields",
    [
        {"eventTime": "2026-11-20T10:00:06Z"},
        {"eventName": "GetObject"},
        {"eventSource": "sqs.amazonaws.com"},
        {"requestID": "another"},
        {"requestID": None},
        {"recipientAccountId": "444455556666"},
    ],
)
def test_a_duplicate_that_says_something_else_is_a_conflict(sink: Sink, fields: dict[str, str | None]) -> None:
    assert sink.write(one_file(event("a"))).conflicts == 0
    other = one_file(event("a", **fields), name="b.json")
    assert sink.write(other) == Written(created=0, duplicates=1, conflicts=1)
    within = one_file(event("z"), event("z", **fields), name="c.json")
    assert sink.write(within) == Written(created=1, duplicates=1, conflicts=1)


def test_another_form_of_the_same_event_is_no_conflict(sink: Sink) -> None:
    sink.write(one_file(event("a")))
    assert sink.write(one_file(event("a", requestParameters={"x": 1}), name="b.json")).conflicts == 0


def test_an_event_without_a_time_is_kept(sink: Sink) -> None:
    some = one_file(event("a", eventTime="yesterday"), event("b", eventTime=None))
    assert sink.write(some).created == 2
    assert sink.write(some).duplicates == 2
    assert sink.missing(UNDATED, ["a", "b", "c"]) == {"c"}


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2019-02-01T00:00:00Z", "9999-12-31T23:59:59.123456789Z"])
def test_an_event_years_late_or_of_the_future_is_kept_under_its_day(sink: Sink, time: str) -> None:
    sink.write(one_file(event("a", eventTime=time), event("b")))
    assert sink.missing(time[:10], ["a"]) == set()
    assert sink.write(one_file(event("a", eventTime=time))).duplicates == 1


def test_an_attribution_is_replaced_where_the_event_is_there(sink: Sink) -> None:
    sink.write(one_file(event("a"), event("b")))
    assert sink.amend([(DAY, "a", AGENT), (DAY, "a", AGENT), (DAY, "x", AGENT), ("2026-11-21", "a", AGENT)]) == 1
    assert sink.amend([]) == 0
    assert sink.count() == 2


def test_missing_names_what_is_not_there(sink: Sink) -> None:
    sink.write(one_file(event("a"), event("b")))
    assert sink.missing(DAY, ["a", "b", "c", "d"]) == {"c", "d"}
    assert sink.missing(DAY, []) == set()


def test_the_ledger_keeps_what_was_new_when_a_file_came_first(sink: Sink) -> None:
    some = one_file(event("a"), event("b"))
    sink.write(some)
    first = sink.ledger()
    assert first == {"a.json": replace(some.sources[0], created=2, duplicates=0)}
    sink.write(some)
    assert sink.ledger()["a.json"].events == 2


def test_a_file_that_changed_gets_a_new_line_in_the_ledger(sink: Sink) -> None:
    sink.write(one_file(event("a")))
    more = one_file(event("a"), event("b"))
    sink.write(more)
    assert sink.ledger() == {"a.json": replace(more.sources[0], created=1, duplicates=1)}


def test_a_file_without_events_stands_in_the_ledger(sink: Sink) -> None:
    assert sink.write(one_file()) == Written(created=0, duplicates=0)
    assert list(sink.ledger()) == ["a.json"]


def test_dead_letters_are_kept_once(tmp_path: Path) -> None:
    letters = [
        DeadLetter("a.json", 1, "no eventID", b'{"x":1}'),
        DeadLetter("a.json", None, "cut off", b"\x1f\x8b\xff"),
    ]
    some = replace(one_file(event("a")), dead_letters=letters)
    for sink in (MemorySink(), DuckDbSink(tmp_path)):
        sink.write(some)
        sink.write(some)
        assert sink.dead_letters() == letters
        sink.close()


def test_a_closed_sink_says_so(sink: Sink) -> None:
    sink.close()
    sink.close()
    with pytest.raises(TrailError, match="closed"):
        sink.count()


def test_large_events_are_kept(sink: Sink) -> None:
    large = event("a", requestParameters={"document": 'x\n"é\\' * 60_000})
    assert sink.write(one_file(large, event("b"))).created == 2
    assert sink.write(one_file(large)).duplicates == 1
