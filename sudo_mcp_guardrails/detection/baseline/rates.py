"""Many more writes, deletes or errors in an hour than an agent usually has: a sum of what is too much (CUSUM).

Source: Page, "Continuous inspection schemes", Biometrika 41, 1954.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.calls import Effect
from sudo_mcp_guardrails.detection.baseline.codec import as_list, as_object, whole
from sudo_mcp_guardrails.detection.baseline.document import day_text
from sudo_mcp_guardrails.detection.baseline.usual import WHAT
from sudo_mcp_guardrails.detection.baseline.view import UNIT
from sudo_mcp_guardrails.detection.baseline.work import Topic, Works, alert, number, tenths
from sudo_mcp_guardrails.detection.rule import Level, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.detection.baseline.usual import Rates as Known
    from sudo_mcp_guardrails.detection.baseline.work import Work
    from sudo_mcp_guardrails.trail.attribution import Attributed

MAX_AGENTS: Final = 20_000
"""Agents whose hours are remembered."""
_DEVIATIONS: Final = 5
_LEAST: Final = {"writes": 60, "deletes": 20, "errors": 40}
"""What is too much in sum at least: an agent that hardly ever writes may once write some."""
_LEVELS: Final = {"writes": Level.MEDIUM, "deletes": Level.HIGH, "errors": Level.MEDIUM}
_LONGEST: Final = 24 * 14


@dataclass(slots=True)
class _Sum:
    """What was too much up to an hour, in thousandths, and what the hour and the one before had so far."""

    hour: int
    before: list[int] = field(default_factory=lambda: [0, 0, 0])
    now: list[int] = field(default_factory=lambda: [0, 0, 0])
    over: list[int] = field(default_factory=lambda: [0, 0, 0])
    told: list[bool] = field(default_factory=lambda: [False, False, False])


class Rates:
    """Alerts on a rate that is too high for an agent, once until it is as usual again.

    Each hour adds what it has over the mean and one standard deviation, and takes what it has less. An alert is made
    where the sum is above five deviations, and above 60 writes, 20 deletes or 40 errors.

    Args:
        baselines: what is known of agents.
        works: tells what events are a part of. Default: its own.
    """

    def __init__(self, baselines: Baselines, works: Works | None = None) -> None:
        self._works = works or Works()
        self._baselines = baselines
        self._sums: OrderedDict[str, _Sum] = OrderedDict()

    def to_data(self) -> dict[str, list[Any]]:
        """Return the sums of each agent, as JSON, for the next process."""
        return {
            agent: [one.hour, one.before, one.now, one.over, [int(told) for told in one.told]]
            for agent, one in self._sums.items()
        }

    def take(self, data: object) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        where = "rates that are remembered"
        for agent, row in as_object(data, where).items():
            hour, *lists = as_list(row, 5, where, exactly=True)
            before, now, over, told = (
                [whole(one, where) for one in as_list(each, 3, where, exactly=True)] for each in lists
            )
            self._sums[agent] = _Sum(whole(hour, where), before, now, over, [bool(one) for one in told])

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return an alert for each rate that became too high with an event."""
        work = self._works.of(attributed, facts, time)
        if work is None or work.again:
            return []
        hour = work.time // 3_600
        call = work.call
        add = (call.effect is not Effect.READ, call.effect is Effect.DELETE, call.failed)
        sums = self._sums.get(work.agent)
        if sums is None:
            sums = self._sums[work.agent] = _Sum(hour)
            if len(self._sums) > MAX_AGENTS:
                self._sums.popitem(last=False)
        self._sums.move_to_end(work.agent)
        known = self._baselines.rates(work.agent, work.day)
        _advance(sums, hour, known)
        if hour < sums.hour - 1:  # CloudTrail delivers within minutes; what is older has been closed
            return []
        counts = sums.now if hour == sums.hour else sums.before
        for index, one in enumerate(add):
            counts[index] += one
        if known.learning or not any(add):
            return []
        return [
            found
            for index in range(len(WHAT))
            if add[index] and (found := self._checked(attributed, work, sums, index, known)) is not None
        ]

    def _checked(self, attributed: Attributed, work: Work, sums: _Sum, index: int, known: Known) -> Alert | None:
        what = WHAT[index]
        usual = known.usual[what]
        usually = _reference(known, index)
        allowed = max(_DEVIATIONS * max(usual.deviation, UNIT), _LEAST[what] * UNIT)
        over = max(0, sums.over[index] + sums.before[index] * UNIT - usually)
        over = max(0, over + sums.now[index] * UNIT - usually)
        if over <= allowed or sums.told[index]:
            return None
        sums.told[index] = True
        return alert(
            attributed,
            Topic(f"rate_of_{what}", f"An agent has many more {what} than usual", Source.RATE),
            _LEVELS[what],
            "{agent} had {now} {what} in the hour from {from}, {before} in the one before; usual are {mean} an hour, "
            "at most {largest}, in {hours} hours of 14 days; what is too much adds up to {over}, allowed are {allowed}",
            {
                "agent": work.agent,
                "what": what,
                "now": number(sums.now[index]),
                "before": number(sums.before[index]),
                "from": f"{day_text(sums.hour // 24)}T{sums.hour % 24:02}:00Z",
                "mean": tenths(usual.mean, UNIT),
                "largest": number(usual.largest),
                "hours": number(known.hours),
                "over": number(over // UNIT),
                "allowed": number(allowed // UNIT),
            },
            group=(work.agent, what),
            count=sums.now[index],
        )


def _reference(known: Known, index: int) -> int:
    usual = known.usual[WHAT[index]]
    return usual.mean + max(usual.deviation, UNIT)


def _advance(sums: _Sum, hour: int, known: Known) -> None:
    """Close the hours that lie before the one before an hour."""
    for _ in range(min(max(0, hour - sums.hour), _LONGEST)):
        for index in range(len(WHAT)):
            sums.over[index] = max(0, sums.over[index] + sums.before[index] * UNIT - _reference(known, index))
            if not sums.over[index] and sums.now[index] * UNIT <= _reference(known, index):
                sums.told[index] = False
        sums.before, sums.now = sums.now, [0, 0, 0]
        if not any((*sums.before, *sums.over, *sums.told)):
            break
    sums.hour = max(sums.hour, hour)
