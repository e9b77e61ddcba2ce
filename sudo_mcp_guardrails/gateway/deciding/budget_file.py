"""A store of budgets in a file, for several guards of one agent on one machine: one for each client that runs."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.deciding.budgets import Over, Taken
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget

_SECONDS: Final = 1.0
"""For another guard's turn, which takes well under a millisecond; then the call is denied."""
_TABLE: Final = """
create table if not exists spent (
    token integer not null, key text not null, what text not null, at real not null, amount integer not null
)
"""


class BudgetFile:
    """A store in a file of SQLite. What was taken outlives a guard that is started anew.

    Clocks of the machine count: one that is set back makes windows longer, never shorter than they are.

    Args:
        path: Where it is, or comes to be; on a disk of this machine.
        clock: Seconds since 1970.

    Raises:
        DecidingError: It cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None, check_same_thread=False)
            self._file.execute("pragma journal_mode = wal")
            # A crash of the machine may forget the last moments; one of the guard forgets nothing.
            self._file.execute("pragma synchronous = off")
            self._file.execute(_TABLE)
            self._file.execute("create index if not exists spent_by_key on spent (key, what, at)")
        except sqlite3.Error as error:
            raise DecidingError(f"file of budgets {str(path)!r} cannot be opened: {error}") from None

    def take(self, key: str, budgets: Sequence[Budget], amounts: Mapping[Amount, int]) -> Taken | Over:
        """Take all of it, or nothing; see :class:`~sudo_mcp_guardrails.gateway.deciding.budgets.BudgetStore`.

        Raises:
            DecidingError: The file cannot be read or written.
        """
        with self._lock:
            try:
                self._file.execute("begin immediate")
                try:
                    found = self._take(key, budgets, amounts)
                except BaseException:
                    self._file.execute("rollback")
                    raise
                self._file.execute("rollback" if isinstance(found, Over) else "commit")
            except sqlite3.Error as error:
                raise DecidingError(f"the file of budgets cannot be used: {error}") from None
            return found

    def give_back(self, taken: Taken) -> None:
        """Undo a take.

        Raises:
            DecidingError: The file cannot be written.
        """
        with self._lock:
            try:
                self._file.execute("delete from spent where key = ? and token = ?", (taken.key, taken.token))
            except sqlite3.Error as error:
                raise DecidingError(f"the file of budgets cannot be used: {error}") from None

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _take(self, key: str, budgets: Sequence[Budget], amounts: Mapping[Amount, int]) -> Taken | Over:
        now = self._clock()
        counted = {budget.what for budget in budgets}
        longest = max((budget.seconds for budget in budgets), default=0)
        self._file.execute("delete from spent where key = ? and at <= ?", (key, now - longest))
        for budget in budgets:
            wanted = amounts.get(budget.what, 0)
            if not wanted:
                continue
            rows = self._file.execute(
                "select at, amount from spent where key = ? and what = ? and at > ? order by at",
                (key, budget.what.value, now - budget.seconds),
            ).fetchall()
            excess = sum(amount for _, amount in rows) + wanted - budget.most
            if excess > 0:
                return Over(budget, _wait(rows, excess, budget, now))
        token = secrets.randbits(62)
        self._file.executemany(
            "insert into spent values (?, ?, ?, ?, ?)",
            [(token, key, what.value, now, amount) for what, amount in amounts.items() if amount and what in counted],
        )
        return Taken(key, token)


def _wait(rows: Sequence[tuple[float, int]], excess: int, budget: Budget, now: float) -> float | None:
    for at, amount in rows:
        excess -= amount
        if excess <= 0:
            return at + budget.seconds - now
    return None
