"""What agents do together, by task, and all of them: what an agent's own history is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.baseline.counts import WINDOW, Counts
from sudo_mcp_guardrails.detection.baseline.document import Baseline
from sudo_mcp_guardrails.detection.baseline.hot import Hot

if TYPE_CHECKING:
    from collections.abc import Collection

    from sudo_mcp_guardrails.detection.baseline.store import BaselineStore

EVERYBODY: Final = "all"
"""The name of the pool of all agents."""
MOST: Final = 50
"""How many calls of one agent, day and action count for others."""
MAX_POOLS: Final = 64
"""Pools that are kept unpacked in memory."""
Share = tuple[dict[str, int], int]
"""How often each action was called, and how many calls there were."""


def pool_of(task: str) -> str:
    """Return the name of a task's pool."""
    return f"task {task}"


class Pools:
    """Pools of agents' calls; each has the days and the actions of a baseline, and no more.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: BaselineStore) -> None:
        self._pools: Hot[Baseline] = Hot(store, MAX_POOLS, Baseline.from_bytes, self._changed)
        self._sums: dict[str, tuple[int, Share]] = {}
        self.generation = 0

    def learn(self, before: Baseline, run: Baseline) -> None:
        """Add what a run adds to its agent's days, each action of a day up to :data:`MOST`.

        Args:
            before: the agent's baseline without the run.
            run: what the run did.
        """
        everybody = Counts()
        for task, counts in run.tasks.items():
            pool = Counts()
            for day, actions in counts.actions.items():
                mine = before.find(task).actions.get(day, {})
                for action, count in actions.items():
                    _count(pool, day, action, _more(mine.get(action, 0), count))
            self._add(pool_of(task), pool)
        for day in {day for counts in run.tasks.values() for day in counts.actions}:
            mine = _on(before.tasks.values(), day)
            for action, count in _on(run.tasks.values(), day).items():
                _count(everybody, day, action, _more(mine.get(action, 0), count))
        self._add(EVERYBODY, everybody)
        self.generation += 1

    def total(self, pool: str, day: int) -> Share:
        """Return what a pool holds, as of a day."""
        found = self._sums.get(pool)
        if found is None or found[0] != day:
            held = self._pools.find(f"pool/{pool}")
            found = self._sums[pool] = (day, shared([held.find("")] if held is not None else [], day, None))
            if len(self._sums) > MAX_POOLS:
                del self._sums[next(iter(self._sums))]
        return found[1]

    def flush(self) -> None:
        """Save what has changed."""
        self._pools.flush()

    def _add(self, pool: str, counts: Counts) -> None:
        key = f"pool/{pool}"
        held = self._pools.find(key) or Baseline(pool)
        held.merge(Baseline(pool, {"": counts}, merges=1))
        self._pools.put(key, held)
        self._changed(key)

    def _changed(self, key: str) -> None:
        self._sums.pop(key.partition("/")[2], None)


def shared(of: Collection[Counts], day: int, most: int | None = MOST) -> Share:
    """Return what an agent has in a pool, as of a day.

    Args:
        of: its counts of the pool's tasks.
        day: the last of the window.
        most: how many calls of one action and day count; None for all.
    """
    sums: dict[str, int] = {}
    for on in {on for counts in of for on in counts.actions if on > day - WINDOW}:
        for name, count in _on(of, on).items():
            sums[name] = sums.get(name, 0) + (count if most is None or count < most else most)
    return sums, sum(sums.values())


def without(pool: Share, own: Share, action: str) -> tuple[int, int]:
    """Return how often others than an agent called an action, of how many calls.

    An agent may have forgotten what its pool still holds, and the reverse, on days around the window's end.
    """
    one = max(0, pool[0].get(action, 0) - own[0].get(action, 0))
    return one, max(one, pool[1] - own[1])


def _more(before: int, count: int) -> int:
    return min(MOST, before + count) - min(MOST, before)


def _on(of: Collection[Counts], day: int) -> dict[str, int]:
    """Return what all tasks together have of a day; with one task its own counts, not to be changed."""
    found: dict[str, int] = {}
    for counts in of:
        actions = counts.actions.get(day, {})
        if len(of) == 1:
            return actions
        for name, count in actions.items():
            found[name] = found.get(name, 0) + count
    return found


def _count(pool: Counts, day: int, action: str, count: int) -> None:
    if count:
        pool.actions.setdefault(day, {})[action] = count
        pool.calls[day] = pool.calls.get(day, 0) + count
