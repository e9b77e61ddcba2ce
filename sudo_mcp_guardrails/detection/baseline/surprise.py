"""Sessions whose calls are unlikely for the agent, by what it and others did before."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.codec import as_list, as_text, whole
from sudo_mcp_guardrails.detection.baseline.work import Topic, Works, alert, number, tenths
from sudo_mcp_guardrails.detection.rule import Level, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.detection.baseline.view import View
    from sudo_mcp_guardrails.detection.baseline.work import Work
    from sudo_mcp_guardrails.trail.attribution import Attributed

LAST_CALLS: Final = 32
"""Calls of a session that the mean is taken over: a long session does not drown what it ends with."""
FIRST_CALLS: Final = 5
"""Calls before which a session's mean says nothing."""
MOST_BITS: Final = 20 * BIT
"""What one call adds at most: what was never heard of counts as one in a million. No single call is to make a
session surprising; a single new action is for the layer before.
"""
MAX_SESSIONS: Final = 20_000
"""Sessions that are remembered; those that were heard of least recently go first."""
HANDED: Final = 32
"""Sessions of an agent that are handed on to the next process, the last ones."""

_TOPIC: Final = Topic("surprising_session", "A session's calls are unlikely for its agent", Source.SURPRISE)


@dataclass(slots=True)
class _Session:
    calls: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=LAST_CALLS))
    total: int = 0
    told: bool = False

    def add(self, bits: int, action: str) -> int | None:
        """Add a call; return the mean where there are enough of them."""
        if len(self.calls) == LAST_CALLS:
            self.total -= min(MOST_BITS, self.calls[0][0])
        self.calls.append((bits, action))
        self.total += min(MOST_BITS, bits)
        return self.total // len(self.calls) if len(self.calls) >= FIRST_CALLS else None


class Surprise:
    """Alerts on a session whose mean surprise is above what the agent's own sessions reach, once a session.

    Above the 99.5 % quantile of the peaks of its sessions that ended well, by a quarter of a bit; by a bit more while
    there are fewer than 200 of them. Nothing is said before there are 20.

    Args:
        baselines: what is known of agents.
        works: tells what events are a part of. Default: its own, tasks are capabilities.
    """

    def __init__(self, baselines: Baselines, works: Works | None = None) -> None:
        self._baselines = baselines
        self._works = works or Works()
        self._sessions: OrderedDict[tuple[str, str, str], _Session] = OrderedDict()

    def to_data(self) -> list[list[Any]]:
        """Return what is remembered of the last 32 sessions, as JSON, for the next process."""
        last = list(self._sessions.items())[-HANDED:]
        return [[*key, [list(call) for call in one.calls], one.told] for key, one in last]

    def take(self, data: object) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        where = "sessions that are remembered"
        for row in as_list(data, HANDED, where):
            agent, run, task, calls, told = as_list(row, 5, where, exactly=True)
            found = self._sessions[as_text(agent, where), as_text(run, where), as_text(task, where)] = _Session()
            for call in as_list(calls, LAST_CALLS, where):
                bits, action = as_list(call, 2, where, exactly=True)
                found.add(whole(bits, where), as_text(action, where))
            found.told = told is True

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return an alert where a session became too surprising with an event."""
        work = self._works.of(attributed, facts, time)
        if work is None or work.again or not work.run:
            return []
        view = self._baselines.view(work.agent, work.task, work.day)
        session = self._session((work.agent, work.run, work.task))
        bits = self._baselines.bits(work.agent, work.task, work.day, work.call.counted)
        mean = session.add(bits, work.call.counted)
        if mean is None or view.learning:
            return []
        if view.threshold is None or view.quantile is None or mean <= view.threshold:
            self._baselines.note_peak(work.agent, work.run, work.task, mean)
            return []
        # If it ends well all the same, it is learned as no more than usual: alerts do not raise what is allowed.
        self._baselines.note_peak(work.agent, work.run, work.task, max(0, view.quantile - 1))
        if session.told:
            return []
        session.told = True
        return [self._alert(attributed, work, view, session, mean)]

    def _session(self, key: tuple[str, str, str]) -> _Session:
        found = self._sessions.get(key)
        if found is None:
            found = self._sessions[key] = _Session()
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(key)
        return found

    def _alert(self, attributed: Attributed, work: Work, view: View, session: _Session, mean: int) -> Alert:
        most, action = max(session.calls)
        peers, everybody = self._baselines.others(work.agent, work.task, work.day, action)
        times = sum(1 for _, one in session.calls if one == action)
        return alert(
            attributed,
            _TOPIC,
            Level.MEDIUM,
            "{agent} (task {task}): a mean of {mean} bits over the session's last {n} calls, of its {sessions} own "
            "sessions 99.5 % stay below {quantile}; the least likely, {bits} bits, {times} times: {action}: {own} of "
            "{calls} by this agent{alone}, {peer} of {peers} by peers, {one} of {all} by other agents",
            {
                "agent": work.agent,
                "task": work.task,
                "mean": tenths(mean, BIT),
                "n": number(len(session.calls)),
                "sessions": number(view.sessions),
                "quantile": tenths(view.quantile or 0, BIT),
                "bits": tenths(most, BIT),
                "times": number(times),
                "action": action.replace("!", " (refused)"),
                "own": number(view.counts[action]),
                "calls": number(view.calls),
                "alone": ", all on one day, which does not count" if view.one_day_alone(action) else "",
                "peer": number(peers[0]),
                "peers": number(peers[1]),
                "one": number(everybody[0]),
                "all": number(everybody[1]),
            },
            group=(work.agent, work.run, work.task),
            count=len(session.calls),
        )
