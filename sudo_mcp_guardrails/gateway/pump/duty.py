"""Fairness: a stream that nobody asked to be this busy gets a small share of the guard's time, and no more.

All clients share one event loop. A server that floods one of them would take it whole; so what it sends unasked is
paid for by a pause in reading from it, which its pipe or its connection then passes on to it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE: Final = 0.02
_BURST: Final = 0.02
_LEAST: Final = 0.005


class Duty:
    """What one stream spends.

    Args:
        share: Of the time, that it may spend in the long run.
        burst: Seconds that it may spend at once.
        clock: Seconds that only grow.
    """

    def __init__(
        self, share: float = SHARE, burst: float = _BURST, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._share = share
        self._burst = burst
        self._clock = clock
        self._credit = burst
        self._seen = clock()

    def spend(self, seconds: float) -> float:
        """Note what a message took; return for how many seconds the stream should pause, 0.0 for none."""
        now = self._clock()
        self._credit = min(self._burst, self._credit + (now - self._seen) * self._share) - seconds
        self._seen = now
        pause = -self._credit / self._share
        return pause if pause >= _LEAST else 0.0
