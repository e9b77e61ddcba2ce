"""Budgets: how much an agent, or one session of it, does within a window that ends now.

What a call takes is taken before the call is made and given back where it is not made, so that of two calls at once
no more than the budget's passes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LONGEST: Final = 31 * 86_400
_MOST: Final = 10**9


class Amount(str, Enum):
    """What is counted."""

    CALLS = "calls"
    """Calls of tools."""
    WRITES = "writes"
    """Calls of AWS's API that change something, and calls of other tools that do."""
    CENTS = "cents"
    """Cents of a US dollar, by the prices of the configuration."""
    RESOURCES = "resources"
    """Resources that calls which change something name."""


class Per(str, Enum):
    """Whose a budget is."""

    SESSION = "session"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Budget:
    """Most of something within a window.

    Attributes:
        what: Is counted.
        most: May be within the window.
        seconds: Length of the window, which ends now.
        per: Whose it is.

    Raises:
        DecidingError: A value is out of bounds.
    """

    what: Amount
    most: int
    seconds: int
    per: Per = Per.AGENT

    def __post_init__(self) -> None:
        """Validate."""
        if not 0 <= self.most <= _MOST or not 1 <= self.seconds <= _LONGEST:
            raise DecidingError(
                f"budget of {self.most} {self.what.value} within {self.seconds} seconds is out of bounds, allowed: "
                f"0 to {_MOST} within 1 to {_LONGEST} seconds"
            )


@dataclass(frozen=True, slots=True)
class Over:
    """A budget that a call does not fit in.

    Attributes:
        budget: The one.
        wait: Seconds until it fits, where nothing else is done; None where it never does.
    """

    budget: Budget
    wait: float | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call took, to be given back where it is not made.

    Attributes:
        key: Whose it was.
        token: Of the store.
    """

    key: str
    token: int


class BudgetStore(Protocol):
    """Where it is kept what was taken; several guards of one agent share one. It must be exact under concurrency."""

    def take(self, key: str, budgets: Sequence[Budget], amounts: Mapping[Amount, int]) -> Taken | Over:
        """Take all of it, or nothing."""
        ...

    def give_back(self, taken: Taken) -> None:
        """Undo a take."""
        ...


class Windows:
    """A store in memory: for one process, whatever its threads.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[tuple[str, Budget], deque[tuple[float, int, int]]] = {}
        self._totals: dict[tuple[str, Budget], int] = {}
        self._token = 0

    def take(self, key: str, budgets: Sequence[Budget], amounts: Mapping[Amount, int]) -> Taken | Over:
        """Take all of it, or nothing; see :class:`BudgetStore`."""
        with self._lock:
            now = self._clock()
            for budget in budgets:
                wanted = amounts.get(budget.what, 0)
                total = self._left_in(key, budget, now)
                if wanted and total + wanted > budget.most:
                    return Over(budget, self._wait(key, budget, total + wanted - budget.most, now))
            self._token += 1
            for budget in budgets:
                wanted = amounts.get(budget.what, 0)
                if wanted:
                    # What counts nothing is not kept, so no window is longer than its budget.
                    self._spent[key, budget].append((now, wanted, self._token))
                    self._totals[key, budget] += wanted
            return Taken(key, self._token)

    def give_back(self, taken: Taken) -> None:
        """Undo a take, where it has not run out of its windows by itself."""
        with self._lock:
            for (key, budget), spent in self._spent.items():
                if key == taken.key:
                    for entry in reversed(spent):  # it was taken a moment ago
                        if entry[2] == taken.token:
                            spent.remove(entry)
                            self._totals[key, budget] -= entry[1]
                            break
                        if entry[2] < taken.token:
                            break

    def _left_in(self, key: str, budget: Budget, now: float) -> int:
        place = (key, budget)
        spent = self._spent.setdefault(place, deque())
        total = self._totals.setdefault(place, 0)
        while spent and spent[0][0] <= now - budget.seconds:
            total -= spent.popleft()[1]
        self._totals[place] = total
        return total

    def _wait(self, key: str, budget: Budget, excess: int, now: float) -> float | None:
        for at, amount, _ in self._spent[key, budget]:
            excess -= amount
            if excess <= 0:
                return at + budget.seconds - now
        return None
