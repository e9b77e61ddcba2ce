from __future__ import annotations

import pytest

from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.calls import Kind
from sudo_mcp_guardrails.detection.baseline.counts import Counts
from sudo_mcp_guardrails.detection.baseline.view import DAY_CALLS, UNIT, View, most_of_a_day

TODAY = 100


def _days(*calls: int, action: str = "a") -> Counts:
    days = {TODAY - len(calls) + index: number for index, number in enumerate(calls)}
    return Counts(dict(days), {day: {action: number} for day, number in days.items()})


@pytest.mark.parametrize(
    ("calls", "most"),
    [
        ([], 200),
        ([5_000], 200),
        ([5_000] * 4, 200),
        ([10] * 9, 200),
        ([300] * 9, 600),
        ([300] * 5 + [50_000] * 4, 600),
    ],
)
def test_one_day_weighs_no_more_than_two_as_usual(calls: list[int], most: int) -> None:
    assert most_of_a_day(calls) == most


@pytest.mark.parametrize(
    ("calls", "learning"),
    [
        ((), True),
        ((10,), True),
        ((9_000,), True),  # it weighs as 200
        ((200, 200), True),
        ((200, 200, 99), True),
        ((200, 200, 100), False),
        ((1,) * 6, True),
        ((1,) * 7, False),
    ],
)
def test_learning_takes_seven_days_or_500_calls(calls: tuple[int, ...], learning: bool) -> None:  # noqa: FBT001
    assert View(_days(*calls), TODAY).learning is learning


def test_an_agent_that_rested_for_the_window_learns_again() -> None:
    counts = _days(*(10,) * 9)
    assert not View(counts, TODAY + 12).learning
    assert View(counts, TODAY + 13).learning
    assert View(counts, TODAY + 400).learning


def test_calls_count_for_14_days() -> None:
    counts = _days(*(10,) * 20)
    assert View(counts, TODAY).calls == 130
    assert View(counts, TODAY - 1).calls == 140
    assert View(counts, TODAY + 50).calls == 0


def test_an_actions_largest_day_does_not_count_from_three_days_on() -> None:
    two = View(_days(10, 30), TODAY)
    assert two.weights == {"a": 40 * UNIT}
    three = View(_days(10, 30, 20), TODAY)
    assert (three.weights, three.total, three.counts["a"]) == ({"a": 30 * UNIT}, 30 * UNIT, 60)
    alone = Counts({97: 5, 98: 5, 99: 9}, {97: {"a": 5}, 98: {"a": 5}, 99: {"a": 2, "b": 7}})
    view = View(alone, TODAY)
    assert view.weights == {"a": 7 * UNIT, "b": 0}
    assert view.one_day_alone("b")
    assert not view.one_day_alone("a")
    assert not view.one_day_alone("never")


def test_a_loud_day_is_scaled_down() -> None:
    view = View(_days(10, 4 * DAY_CALLS), TODAY)
    assert view.weights == {"a": (10 + DAY_CALLS) * UNIT}
    assert view.calls == 10 + 4 * DAY_CALLS


def test_terms_are_known_for_28_days() -> None:
    counts = Counts(last={"service s3": 80, "service ec2": 90, "source x": 90})
    assert View(counts, 107).knows(Kind.SERVICE, "s3")
    assert not View(counts, 108).knows(Kind.SERVICE, "s3")
    assert View(counts, 108).known(Kind.SERVICE) == 1
    assert not View(counts, 108).knows(Kind.ACTION, "ec2")


@pytest.mark.parametrize(
    ("peaks", "quantile", "threshold"),
    [
        ({40: 19}, None, None),
        ({40: 20}, 41, 41 + 10),
        ({40: 19, 80: 1}, 81, 81 + 10),
        ({40: 199, 80: 1}, 41, 41 + 2),
        ({40: 198, 80: 2}, 81, 81 + 2),
        ({40: 990, 50: 5, 80: 5}, 51, 51 + 2),
    ],
)
def test_what_sessions_may_reach(peaks: dict[int, int], quantile: int | None, threshold: int | None) -> None:
    view = View(Counts(sessions={90: peaks}), TODAY)
    eighths = (None if quantile is None else quantile * BIT // 8, None if threshold is None else threshold * BIT // 8)
    assert (view.quantile, view.threshold) == eighths
    assert View(Counts(sessions={90: peaks}), 118).quantile is None
