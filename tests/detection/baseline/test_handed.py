"""What layers remember goes from one process to the next, and what is damaged is said to be so."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.calls import Call, Effect, Kind
from sudo_mcp_guardrails.detection.baseline.journal import Journal, Noted, Notes, Raised
from sudo_mcp_guardrails.detection.baseline.learner import is_clean
from sudo_mcp_guardrails.detection.baseline.said import HANDED, SEEN, SEEN_SECONDS, Once, Seen
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.paths import MAX_RUNS, MAX_STEPS, Paths
from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.detection.times import seconds_of
from tests.detection.baseline.made import made

CALL = Call("s3", "s3:GetObject", Effect.READ, failed=True, refused=False, terms=((Kind.SERVICE, "s3"),))


def handed(one: Any, new: Any) -> Any:
    new.take(one.to_data(), "here")
    return new


def test_what_was_said_is_known_to_the_next_process_within_bounds() -> None:
    once = Once()
    for number in range(HANDED + 5):
        assert once(("bot", Kind.ACTION, number))
    later = handed(once, Once())
    assert not later(("bot", Kind.ACTION, HANDED + 4))
    assert later(("bot", Kind.ACTION, 0)), "the oldest are forgotten"
    assert not handed(later, Once())(("bot", Kind.ACTION, 0))


def test_events_are_known_again_for_two_hours_and_older_ones_count_as_seen() -> None:
    seen = Seen()
    assert not seen.again(("d", "old"), 1_000_000 - SEEN_SECONDS - 1)
    assert not seen.again(("d", "e"), 1_000_000)
    later = handed(seen, Seen())
    assert later.again(("d", "e"), 1_000_000)
    assert later.again(("d", "old"), 1_000_000 - SEEN_SECONDS - 1)
    assert later.again(("d", "never"), 1_000_000 - SEEN_SECONDS), "nobody can tell"
    assert not later.again(("d", "never"), 1_000_000 - SEEN_SECONDS + 1)


def test_more_events_than_are_handed_on_move_the_time_before_which_all_are_seen() -> None:
    seen = Seen()
    for number in range(SEEN + 100):
        seen.again(number, 1_000_000 + number)
    data = seen.to_data()
    assert len(data["events"]) <= SEEN
    later = handed(seen, Seen())
    assert all(later.again(number, 1_000_000 + number) for number in range(SEEN + 100))
    assert not later.again("new", 1_000_000 + SEEN + 100)


@pytest.mark.parametrize("data", [None, [1], [["a"]], {"horizon": -1, "events": []}, {"horizon": 0, "events": [["a"]]}])
def test_a_damaged_memory_is_refused(data: Any) -> None:
    with pytest.raises(DetectionError):
        Seen().take(data, "here")
    with pytest.raises(DetectionError):
        Paths().take(data if data != [] else None)


def test_paths_count_and_remember_the_last_calls_of_the_last_runs() -> None:
    from sudo_mcp_guardrails.detection.baseline.work import Works

    works, paths = Works(), Paths()
    for run in range(MAX_RUNS + 2):
        for number in range(MAX_STEPS + 3):
            event = made("s3:GetObject", run=f"run-{run}", time=f"10:00:{number:02}", errorCode="AccessDenied")
            work = works.of(event, {}, seconds_of(event.event.event_time))
            assert work is not None
            paths.add(event, work)
    later = Paths()
    later.take(paths.to_data())
    assert later.of("run-0") is None
    found = later.of(f"run-{MAX_RUNS + 1}")
    assert found is not None
    assert (found.calls, found.denied, len(found.steps)) == (MAX_STEPS + 3, MAX_STEPS + 3, MAX_STEPS)
    assert found == paths.of(f"run-{MAX_RUNS + 1}")


def test_notes_are_read_back_and_put_together_in_any_order() -> None:
    one = Notes("bot", "run-1", {"a": Noted("a", 5, "read", CALL)}, {"read": 3 * BIT})
    raised = Raised("r", Level.HIGH, Source.RULE, 7)
    other = Notes("bot", "run-1", {"a": Noted("a", 5, "read", CALL), "b": Noted("b", 4, "read", CALL)}, {"read": BIT})
    other.alerts[raised] = None
    for first, second in ((one, other), (other, one)):
        both = Notes("bot", "run-1")
        both.add(Notes.from_bytes(first.to_bytes()))
        both.add(Notes.from_bytes(second.to_bytes()))
        assert (set(both.calls), both.peaks, set(both.alerts)) == ({"a", "b"}, {"read": 3 * BIT}, {raised})
        assert both.calls["a"].call == CALL


@pytest.mark.parametrize("data", [b"", b"what", Notes("bot", "run-1").to_bytes()[:-3]])
def test_damaged_notes_are_refused(data: bytes) -> None:
    with pytest.raises(DetectionError):
        Notes.from_bytes(data)


def test_a_flood_of_alerts_does_not_hide_the_one_that_decides() -> None:
    from sudo_mcp_guardrails.detection.baseline.work import Topic, alert

    journal, subject = Journal(), made("s3:GetObject")
    for number in range(1_005):
        journal.alert(alert(subject, Topic(f"r{number}", "t", Source.NEW_TERM), Level.LOW, "s", {}))
    journal.alert(alert(subject, Topic("worst", "t", Source.RULE), Level.CRITICAL, "s", {}))
    [notes] = journal.notes()
    assert len(Notes.from_bytes(notes.to_bytes()).alerts) == 1_000
    assert not is_clean(notes.alerts)
    journal.clear()
    assert not list(journal.notes())


@pytest.mark.parametrize(
    ("level", "source", "clean"),
    [
        (Level.LOW, Source.RULE, True),
        (Level.MEDIUM, Source.RULE, False),
        (Level.MEDIUM, Source.CORRELATION, False),
        (Level.MEDIUM, Source.SURPRISE, True),
        (Level.HIGH, Source.DEVIATION, False),
        (Level.CRITICAL, Source.INVARIANT, False),
    ],
)
def test_what_leaves_a_run_clean(level: Level, source: Source, *, clean: bool) -> None:
    assert is_clean([Raised("r", level, source, 0)]) is clean
