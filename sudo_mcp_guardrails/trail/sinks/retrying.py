"""Patience: try again with exponential backoff and full jitter, and give up after a bounded time.

Source: AWS Builders' Library, "Timeouts, retries, and backoff with jitter".
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Patience:
    """How long a sink tries.

    Attributes:
        seconds: from the first failure of a piece of work until it is given up. A Lambda function needs less than
            its timeout.
        first: longest wait before the second attempt; it doubles each time.
        longest: of one wait.
        clock: monotonic seconds.
        sleep: waits.
        jitter: a number between 0 and 1 for each wait.
    """

    seconds: float = 120.0
    first: float = 0.5
    longest: float = 15.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        """Refuse waits that would spin or never end.

        Raises:
            TrailError: a number is out of its range.
        """
        if not (0 <= self.seconds <= 86400 and 0 < self.first <= self.longest <= 3600):  # noqa: PLR2004 - a day, an hour
            raise TrailError(
                f"patience of {self.seconds} s with waits of {self.first} to {self.longest} s is not allowed, "
                "allowed are 0 to 86400 s and waits above 0 up to 3600 s"
            )

    def start(self) -> Attempts:
        """Begin a piece of work."""
        return Attempts(self)


class Attempts:
    """The attempts at one piece of work.

    Args:
        patience: how long.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: float | None = None
        self.failures = 0
        """Attempts that failed."""

    def failed(self, reason: str) -> None:
        """Wait for the next attempt.

        Raises:
            SinkUnavailableError: there was time enough.
        """
        patience = self._patience
        now = patience.clock()
        if self._since is None:
            self._since = now
        self.failures += 1
        # The exponent is bounded, so that a long patience does not make a huge number of it.
        most = min(patience.longest, patience.first * 2 ** min(self.failures - 1, 20))
        # A floor of a tenth: a jitter of zero would spin.
        wait = most * (0.1 + 0.9 * patience.jitter())
        if now + wait - self._since > patience.seconds:
            raise SinkUnavailableError(
                f"{reason}; given up after {self.failures} attempts in {now - self._since:.0f} s"
            )
        patience.sleep(wait)
