"""All agents' baselines: looked at while events come, and learned when a run has ended well."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.baseline.bits import surprise
from sudo_mcp_guardrails.detection.baseline.calls import MAX_TEXT
from sudo_mcp_guardrails.detection.baseline.counts import OTHERS
from sudo_mcp_guardrails.detection.baseline.document import MAX_TASKS, Baseline
from sudo_mcp_guardrails.detection.baseline.hot import Hot
from sudo_mcp_guardrails.detection.baseline.pending import Pending
from sudo_mcp_guardrails.detection.baseline.pools import EVERYBODY, Pools, pool_of, shared, without
from sudo_mcp_guardrails.detection.baseline.store import MemoryStore
from sudo_mcp_guardrails.detection.baseline.usual import Rates
from sudo_mcp_guardrails.detection.baseline.view import PEAK, UNIT, View
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.baseline.calls import Call
    from sudo_mcp_guardrails.detection.baseline.store import BaselineStore

HOT: Final = 512
"""Agents, and as many runs, that are kept unpacked in memory."""

MAX_BITS: Final = 2_000
"""Actions of one agent and task whose surprise is remembered."""


class Baselines:
    """What is known of all agents.

    Not for several threads, nor for several processes over one store: the last to write would win. Partition by agent.

    Args:
        store: where documents are kept. Default: in memory, for this process.
        hot: how many agents, and as many runs, are kept unpacked in memory.

    Raises:
        DetectionError: ``hot`` is less than 1.
    """

    def __init__(self, store: BaselineStore | None = None, *, hot: int = HOT) -> None:
        if hot < 1:
            raise DetectionError(f"hot {hot} is not allowed, allowed: 1 or more documents")
        store = MemoryStore() if store is None else store
        self._agents: Hot[Baseline] = Hot(store, hot, Baseline.from_bytes, self._left)
        self._runs: Hot[Pending] = Hot(store, hot, Pending.from_bytes)
        self._pools = Pools(store)
        self._hot = hot
        self._views: dict[str, OrderedDict[tuple[str, int], View]] = {}
        self._rates: dict[str, tuple[int, Rates]] = {}

    def of(self, agent: str) -> Baseline:
        """Return an agent's baseline to look at; an empty one where nothing is known.

        Raises:
            DetectionError: what the store has is damaged, or the store cannot be read.
        """
        return self._agents.find(f"agent/{agent}") or Baseline(agent)

    def view(self, agent: str, task: str, day: int) -> View:
        """Return what is known of an agent's work as one task, as of a day."""
        views = self._views.get(agent)
        if views is None:
            self._agents.find(f"agent/{agent}")
            views = self._views[agent] = OrderedDict()
            if len(self._views) > 2 * self._hot:  # agents of which nothing is known have no place among the hot ones
                del self._views[next(iter(self._views))]
        found = views.get((task, day))
        if found is None:
            found = views[task, day] = View(self.of(agent).find(task), day)
            if len(views) > 4:  # noqa: PLR2004 - a few tasks, on the two days around midnight
                views.popitem(last=False)
        return found

    def rates(self, agent: str, day: int) -> Rates:
        """Return what is usual in an hour of an agent, as of a day."""
        found = self._rates.get(agent)
        if found is None or found[0] != day:
            found = self._rates[agent] = (day, Rates(self.of(agent), day))
            if len(self._rates) > 2 * self._hot:
                del self._rates[next(iter(self._rates))]
        return found[1]

    def bits(self, agent: str, task: str, day: int, action: str) -> int:
        """Return how surprising an action is, in 1,024ths of a bit."""
        view = self.view(agent, task, day)
        if view.generation != self._pools.generation:
            view.bits.clear()
            view.generation = self._pools.generation
        known = view.bits.get(action)
        if known is None:
            own = (view.weights.get(action, 0), view.total)
            peers, everybody = self.others(agent, task, day, action)
            known = view.bits[action] = surprise(own, peers, everybody, unit=UNIT)
            if len(view.bits) > MAX_BITS:
                view.bits.clear()
        return known

    def others(self, agent: str, task: str, day: int, action: str) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return how often others called an action, of how many calls: peers of the task, and all agents.

        Of one agent, day and action 50 calls count at most, so that no agent alone makes something usual for all.
        """
        view = self.view(agent, task, day)
        if view.shares is None:
            mine = self.of(agent)
            view.shares = (shared([mine.find(task)], day), shared(mine.tasks.values(), day))
        peers, everybody = view.shares
        return (
            without(self._pools.total(pool_of(task), day), peers, action),
            without(self._pools.total(EVERYBODY, day), everybody, action),
        )

    def note(self, agent: str, run: str, task: str, call: Call, time: int) -> None:
        """Hold an event of a run until it is known how the run ends."""
        if time < 0:
            return
        pending = self._pending(agent, run)
        if pending.counts.name != agent:
            pending.spoiled = True
        else:
            pending.counts.counts(task).add(call, time)
        self._runs.put(_run(run), pending)

    def note_peak(self, agent: str, run: str, task: str, peak: int) -> None:
        """Hold the highest surprise of a run so far, in 1,024ths of a bit."""
        pending = self._pending(agent, run)
        if task not in pending.peaks and len(pending.peaks) >= MAX_TASKS:
            task = OTHERS
        pending.peaks[task] = max(pending.peaks.get(task, 0), peak // PEAK)
        self._runs.put(_run(run), pending)

    def learn(self, run: str, *, clean: bool) -> bool:
        """Take what a run did into its agent's baseline, if it ended well; forget it otherwise.

        Args:
            run: its id.
            clean: whether somebody else than the agent says that it ended well: a verdict, a check, no incident.

        Returns:
            Whether it was learned. Not where it did not end well, nothing is held of it, its agent is frozen or was so
            since the run began, or events of two agents came under its id.
        """
        pending = self._runs.find(_run(run))
        if pending is None:
            return False
        agent = pending.counts.name
        baseline = self.of(agent)
        if not clean or pending.spoiled or baseline.frozen or pending.counts.epoch != baseline.epoch:
            self._runs.drop(_run(run))
            return False
        learned = pending.finished()
        self._pools.learn(baseline, learned)
        baseline.merge(learned)
        self._agents.put(f"agent/{agent}", baseline)
        self._runs.drop(_run(run))
        self._left(f"agent/{agent}")
        return True

    def freeze(self, agent: str) -> None:
        """Learn nothing of an agent from now on, nor of runs that have begun; for incidents."""
        self._set_frozen(agent, frozen=True)

    def thaw(self, agent: str) -> None:
        """Learn of an agent again, from runs that begin from now on."""
        self._set_frozen(agent, frozen=False)

    def flush(self) -> None:
        """Save what has changed.

        Raises:
            DetectionError: as the store's.
        """
        self._runs.flush()
        self._agents.flush()  # before the pools: what is cut off here is known to fewer agents, and never counts twice
        self._pools.flush()

    def _set_frozen(self, agent: str, *, frozen: bool) -> None:
        baseline = self.of(agent)
        if baseline.frozen is not frozen:
            baseline.frozen = frozen
            baseline.epoch += 1
            self._agents.put(f"agent/{agent}", baseline)

    def _pending(self, agent: str, run: str) -> Pending:
        found = self._runs.find(_run(run))
        if found is None:
            found = Pending(Baseline(agent, epoch=self.of(agent).epoch))
        return found

    def _left(self, key: str) -> None:
        agent = key.partition("/")[2]
        self._views.pop(agent, None)
        self._rates.pop(agent, None)


def _run(run: str) -> str:
    return f"run/{run[:MAX_TEXT]}"
