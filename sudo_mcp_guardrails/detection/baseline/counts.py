"""What an agent did for one task, counted by day: adding up in any order gives the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Final, TypeVar

from sudo_mcp_guardrails.detection.baseline.calls import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sudo_mcp_guardrails.detection.baseline.calls import Call

WINDOW: Final = 14
"""Days over which calls are counted."""
FORGET: Final = 28
"""Days after which a term is new again."""
MAX_ACTIONS: Final = 400
"""Different actions of one day that are counted each; the others are counted together."""
MAX_TERMS: Final = 1_500
"""Terms that are known; those seen last stay."""
OTHERS: Final = "*"
"""What is counted together."""
HOURS: Final = 24
_V = TypeVar("_V")


@lru_cache(maxsize=8_192)
def _place(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def surplus(names: Collection[str], limit: int) -> list[str]:
    """Return the names that go where there are more than may stay.

    The same ones, in whatever order names come: those whose digests are largest. Whichever rule looks at counts would
    choose by what has come so far.
    """
    if len(names) <= limit + (OTHERS in names):
        return []
    return sorted((name for name in names if name != OTHERS), key=lambda name: (_place(name), name))[limit:]


@dataclass(slots=True)
class Counts:
    """Counts of one task. Days and hours are numbered from 1970.

    Attributes:
        calls: of each day.
        actions: of each day, how often each action.
        last: the last day of each term, ``kind text``.
        hours: writes, deletes and errors of each hour in which there was a call.
        sessions: of each day, how many runs had which peak of surprise, in eighths of a bit.
    """

    calls: dict[int, int] = field(default_factory=dict)
    actions: dict[int, dict[str, int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    hours: dict[int, list[int]] = field(default_factory=dict)
    sessions: dict[int, dict[int, int]] = field(default_factory=dict)

    def add(self, call: Call, time: int) -> None:
        """Count a call at a time in seconds."""
        day, hour = time // 86_400, time // 3_600
        self.calls[day] = self.calls.get(day, 0) + 1
        actions = self.actions.setdefault(day, {})
        name = intern(call.counted)
        if name not in actions and len(actions) >= MAX_ACTIONS:
            actions[name] = 1
            _fold(actions)
        else:
            actions[name] = actions.get(name, 0) + 1
        if not call.refused:  # what was refused teaches nothing: whoever probes would else be used to it
            for kind, text in call.terms:
                term = intern(f"{kind.value} {text}")
                if self.last.get(term, -1) < day:
                    self.last[term] = day
            if len(self.last) > 2 * MAX_TERMS:
                self._newest_terms()
        counts = self.hours.setdefault(hour, [0, 0, 0])
        counts[0] += call.effect is not Effect.READ
        counts[1] += call.effect is Effect.DELETE
        counts[2] += call.failed

    def merge(self, other: Counts) -> None:
        """Add what another counted; :meth:`trim` then keeps it bounded."""
        for day, calls in other.calls.items():
            self.calls[day] = self.calls.get(day, 0) + calls
        for day, actions in other.actions.items():
            mine = self.actions.setdefault(day, {})
            for name, count in actions.items():
                mine[name] = mine.get(name, 0) + count
            _fold(mine)
        for term, day in other.last.items():
            if self.last.get(term, -1) < day:
                self.last[term] = day
        for hour, found in other.hours.items():
            counts = self.hours.setdefault(hour, [0, 0, 0])
            for index, count in enumerate(found):
                counts[index] += count
        for day, peaks in other.sessions.items():
            held = self.sessions.setdefault(day, {})
            for peak, count in peaks.items():
                held[peak] = held.get(peak, 0) + count

    @property
    def size(self) -> int:
        """How many numbers it holds; one takes some 100 bytes of memory."""
        days = sum(len(actions) for actions in self.actions.values())
        return days + len(self.last) + len(self.hours) + len(self.calls) + sum(map(len, self.sessions.values()))

    def trim(self, latest: int) -> None:
        """Forget what is too old on a day."""
        _drop(self.calls, lambda day: day <= latest - FORGET)
        _drop(self.sessions, lambda day: day <= latest - FORGET)
        _drop(self.actions, lambda day: day <= latest - WINDOW)
        _drop(self.hours, lambda hour: hour // HOURS <= latest - WINDOW)
        for term in [term for term, day in self.last.items() if day <= latest - FORGET]:
            del self.last[term]
        self._newest_terms()

    def _newest_terms(self) -> None:
        if len(self.last) > MAX_TERMS:
            kept = sorted(self.last.items(), key=lambda one: (-one[1], _place(one[0]), one[0]))[:MAX_TERMS]
            self.last = dict(kept)


def _fold(actions: dict[str, int]) -> None:
    for name in surplus(actions, MAX_ACTIONS):
        actions[OTHERS] = actions.get(OTHERS, 0) + actions.pop(name)


def _drop(numbered: dict[int, _V], old: Callable[[int], bool]) -> None:
    for number in [number for number in numbered if old(number)]:
        del numbered[number]
