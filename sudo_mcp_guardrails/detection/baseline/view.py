"""A baseline as it is asked about on one day: what weighs how much, what is usual, what is not known yet."""

from __future__ import annotations

from collections import Counter
from statistics import median_low
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.counts import FORGET, WINDOW

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.baseline.calls import Kind
    from sudo_mcp_guardrails.detection.baseline.counts import Counts
    from sudo_mcp_guardrails.detection.baseline.pools import Share

LEARNING_DAYS: Final = 7
LEARNING_CALLS: Final = 500
"""Learning ends with whichever comes first."""
DAY_CALLS: Final = 200
"""What one day may weigh at least."""
_MEDIANS: Final = 2
"""What it may weigh at most, in days as usual."""
_FEW_DAYS: Final = 5
_TRIMMED_FROM: Final = 3
"""Days from which on an action's largest day does not count."""
UNIT: Final = 1_000
"""Weights are counted in thousandths of a call, so that what is scaled down is not rounded away."""
PEAK: Final = BIT // 8
"""Sessions' peaks are kept in eighths of a bit."""
MIN_SESSIONS: Final = 20
"""Sessions before which nothing is said about a session."""
MANY_SESSIONS: Final = 200
"""Sessions from which on the 99.5 % quantile is more than the largest."""
_MARGIN: Final = BIT // 4
_MARGIN_OF_FEW: Final = BIT


class View:
    """What is known of an agent's work as one task, on one day.

    One day's calls weigh no more than 200, or than two days as usual; and of each action the largest day does not count
    at all: what was done on one day alone, however often, is no habit.

    Args:
        counts: what was learned.
        today: the day, numbered from 1970.
    """

    def __init__(self, counts: Counts, today: int) -> None:
        self._last = counts.last
        self._since = today - FORGET
        days = {day: calls for day, calls in counts.calls.items() if today - WINDOW < day}
        self.calls = sum(days.values())
        weight = most_of_a_day(list(days.values()))
        capped = sum(min(calls, weight) for calls in days.values())
        first = min((day for day in counts.calls if day > self._since), default=today)
        self.learning = not days or (today - first < LEARNING_DAYS and capped < LEARNING_CALLS)
        self.days = len(days)
        self.counts: Counter[str] = Counter()
        self.weights: dict[str, int] = {}
        largest: dict[str, int] = {}
        for day, calls in days.items():
            scale = min(calls, weight) * UNIT
            for name, count in counts.actions.get(day, {}).items():
                self.counts[name] += count
                part = count * scale // calls
                self.weights[name] = self.weights.get(name, 0) + part
                largest[name] = max(largest.get(name, 0), part)
        if len(days) >= _TRIMMED_FROM:
            for name, part in largest.items():
                self.weights[name] -= part
        self.total = sum(self.weights.values())
        self.bits: dict[str, int] = {}  # what has been worked out, as of the pools' generation
        self.generation = -1
        self.shares: tuple[Share, Share] | None = None
        self.quantile, self.threshold, self.sessions = _limits(counts, self._since)

    def knows(self, kind: Kind, text: str) -> bool:
        """Tell whether a term was seen in the last 28 days."""
        return self._last.get(f"{kind.value} {text}", -1) > self._since

    def known(self, kind: Kind) -> int:
        """Return how many terms of a kind were seen in the last 28 days."""
        begins = kind.value + " "
        return sum(1 for term, day in self._last.items() if day > self._since and term.startswith(begins))

    def one_day_alone(self, action: str) -> bool:
        """Tell whether all calls of an action were on one day, which does not count."""
        return self.counts[action] > 0 and not self.weights.get(action)


def most_of_a_day(calls: list[int]) -> int:
    """Return what one day may weigh, by the calls of all days: a flood of less than half of them moves no median."""
    if len(calls) < _FEW_DAYS:
        return DAY_CALLS
    return max(DAY_CALLS, _MEDIANS * median_low(calls))


def _limits(counts: Counts, since: int) -> tuple[int | None, int | None, int]:
    """Return the 99.5 % quantile of sessions' peaks, what is above enough of it, and how many sessions there were."""
    peaks: Counter[int] = Counter()
    for day, found in counts.sessions.items():
        if day > since:
            peaks.update(found)
    sessions = sum(peaks.values())
    if sessions < MIN_SESSIONS:
        return None, None, sessions
    needed = -(-sessions * 995 // 1000)
    below = 0
    edge = 0
    for peak in sorted(peaks):
        below += peaks[peak]
        edge = (peak + 1) * PEAK
        if below >= needed:
            break
    return edge, edge + _MARGIN + (0 if sessions >= MANY_SESSIONS else _MARGIN_OF_FEW), sessions
