from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection import correlating
from sudo_mcp_guardrails.detection.correlating import Correlator
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level
from tests.detection.events import called, rule

A, B = rule("a", called("A")), rule("b", called("B"))


def _correlation(counting: Counting, **more: Any) -> Correlation:
    given_: dict[str, Any] = {
        "rules": ("a",),
        "group_by": ("who",),
        "seconds": 60,
        "count": 3,
        "field": "what" if counting is Counting.VALUE_COUNT else "",
        **more,
    }
    return Correlation("id", "c", "title", Level.HIGH, counting=counting, **given_)


def _add(one: Correlator, time: int, *, by: Any = A, who: object = "x", what: object = "y", event: str = "") -> int:
    return len(one.add([by], {"who": who, "what": what}, event or f"e{time}-{what}", time))


def test_events_are_counted_within_the_window_and_by_group() -> None:
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(one, time) for time in (0, 30)] == [0, 0]
    assert _add(one, 40, who="other") == 0
    assert _add(one, 60) == 1
    fresh = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(fresh, time) for time in (0, 30, 61)] == [0, 0, 0]


def test_an_event_that_comes_twice_counts_once() -> None:
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(one, 0, event="same") for _ in range(9)] == [0] * 9


def test_an_alert_comes_once_a_window() -> None:
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(one, time) for time in range(0, 100, 10)] == [0, 0, 1, 0, 0, 0, 0, 0, 1, 0]


def test_different_values_are_counted() -> None:
    one = Correlator([_correlation(Counting.VALUE_COUNT)])
    assert [_add(one, time, what="same") for time in (0, 1, 2, 3)] == [0] * 4
    assert _add(one, 4, what="second") == 0
    assert _add(one, 5, what="third") == 1
    lists = Correlator([_correlation(Counting.VALUE_COUNT)])
    assert _add(lists, 0, what=["p", "q", "r"]) == 1


def test_an_event_without_the_field_counts_for_nothing() -> None:
    one = Correlator([_correlation(Counting.VALUE_COUNT)])
    assert [_add(one, time, what=None) for time in range(9)] == [0] * 9
    ungrouped = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(ungrouped, time, who=None) for time in range(9)] == [0] * 9


def test_rules_that_must_all_fire() -> None:
    both = {"rules": ("a", "b"), "count": 2}
    one = Correlator([_correlation(Counting.TEMPORAL, **both)])
    assert [_add(one, 0, by=B), _add(one, 10, by=B), _add(one, 20, by=A)] == [0, 0, 1]
    ordered = Correlator([_correlation(Counting.TEMPORAL_ORDERED, **both)])
    assert [_add(ordered, 0, by=B), _add(ordered, 10, by=A), _add(ordered, 20, by=B)] == [0, 0, 1]
    late = Correlator([_correlation(Counting.TEMPORAL, **both)])
    assert [_add(late, 0, by=A), _add(late, 61, by=B)] == [0, 0]


def test_an_event_that_comes_late_counts_where_its_time_lies() -> None:
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(one, 100), _add(one, 110), _add(one, 50)] == [0, 0, 1]
    far = Correlator([_correlation(Counting.EVENT_COUNT)])
    assert [_add(far, 100), _add(far, 110), _add(far, 10)] == [0, 0, 0]


def test_groups_are_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(correlating, "MAX_GROUPS", 5)
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    for index in range(50):
        _add(one, index, who=f"w{index}")
    assert one.groups == 5


@given(st.lists(st.integers(0, 200), max_size=40))
def test_counting_needs_no_more_than_the_last_ones(times: list[int]) -> None:
    """Beside counting everything, for events in order: the first alert comes at the same event."""
    ordered = sorted(times)
    one = Correlator([_correlation(Counting.EVENT_COUNT)])
    first = next((i for i, t in enumerate(ordered) if one.add([A], {"who": "x"}, f"e{i}", t)), None)
    expected = next((i for i, t in enumerate(ordered) if i >= 2 and t - ordered[i - 2] <= 60), None)
    assert first == expected
