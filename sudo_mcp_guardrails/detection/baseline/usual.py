"""How often an agent usually writes, deletes and fails in an hour."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.detection.baseline.counts import HOURS, WINDOW
from sudo_mcp_guardrails.detection.baseline.view import LEARNING_CALLS, LEARNING_DAYS, UNIT, most_of_a_day

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.baseline.document import Baseline

WHAT: Final = ("writes", "deletes", "errors")
_TRIMMED_FROM: Final = 3
_MIN_HOURS: Final = 12


class Usual(NamedTuple):
    """One rate, in thousandths.

    Attributes:
        mean: in an hour with any call.
        deviation: its standard deviation.
        largest: in one hour; whole.
    """

    mean: int
    deviation: int
    largest: int


class Rates:
    """What is usual for an agent, over all its tasks.

    Of each rate the day with most does not count, as for actions.

    Args:
        baseline: what was learned.
        today: the day, numbered from 1970.
    """

    def __init__(self, baseline: Baseline, today: int) -> None:
        hours: dict[int, list[int]] = {}
        calls: dict[int, int] = {}
        for counts in baseline.tasks.values():
            for hour, found in counts.hours.items():
                if hour // HOURS > today - WINDOW:
                    hours[hour] = [a + b for a, b in zip(hours.get(hour, (0, 0, 0)), found, strict=True)]
            for day, number in counts.calls.items():
                calls[day] = calls.get(day, 0) + number
        recent = [number for day, number in calls.items() if day > today - WINDOW]
        weight = most_of_a_day(recent)
        first = min(calls, default=today)
        enough = today - first >= LEARNING_DAYS or sum(min(one, weight) for one in recent) >= LEARNING_CALLS
        self.hours = len(hours)
        self.learning = not enough or len(recent) < _TRIMMED_FROM or len(hours) < _MIN_HOURS
        self.usual = {what: _usual(index, hours) for index, what in enumerate(WHAT)}


def _usual(index: int, hours: dict[int, list[int]]) -> Usual:
    days: dict[int, int] = {}
    for hour, found in hours.items():
        days[hour // HOURS] = days.get(hour // HOURS, 0) + found[index]
    if len(days) >= _TRIMMED_FROM:
        most = max(days, key=lambda day: (days[day], day))
        hours = {hour: found for hour, found in hours.items() if hour // HOURS != most}
    values = [found[index] for found in hours.values()]
    if not values:
        return Usual(0, 0, 0)
    total = sum(values)
    number = len(values)
    variance = max(0, sum(value * value for value in values) * UNIT * UNIT // number - (total * UNIT // number) ** 2)
    return Usual(total * UNIT // number, isqrt(variance), max(values))
