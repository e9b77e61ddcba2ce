"""Whose work an event is, as the layers of baselines ask, and the alerts that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sudo_mcp_guardrails.detection.alert import Alert
from sudo_mcp_guardrails.detection.baseline.calls import MAX_TEXT, Call
from sudo_mcp_guardrails.detection.baseline.said import Once, Seen
from sudo_mcp_guardrails.detection.sentence import filled

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.rule import Level, Source
    from sudo_mcp_guardrails.trail.attribution import Attributed

Task = Callable[[Mapping[str, Any]], str]
"""Names the task of a session by what is known of the agent; agents with equal tasks are peers."""

__all__ = ["Once", "Task", "Topic", "Work", "Works", "alert", "capability", "number", "tenths"]


def capability(facts: Mapping[str, Any]) -> str:
    """Return the capability of the session, such as ``plan``: the task, where nobody tells more of it."""
    return str(facts.get("capability", "unknown"))


class Work(NamedTuple):
    """What one event is a part of.

    Attributes:
        agent: its name.
        run: the run's id, else the session's; empty where neither is known: nothing is learned then.
        task: what it is done for.
        call: the event.
        time: of the event, in seconds since 1970.
        again: whether the event came before: a batch that is repeated is not counted twice.
    """

    agent: str
    run: str
    task: str
    call: Call
    time: int
    again: bool = False

    @property
    def day(self) -> int:
        """The day, numbered from 1970."""
        return self.time // 86_400


class Works:
    """Tells what events are a part of; all layers share one, since they ask of each event in turn.

    Args:
        task: names the task of a session. Default: its capability.
    """

    def __init__(self, task: Task = capability) -> None:
        self._task = task
        self._last: tuple[Attributed, Work | None] | None = None
        self.seen = Seen()
        """Which events came before."""

    def of(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> Work | None:
        """Return what an event is a part of; None where its agent or its time is not known."""
        if self._last is None or self._last[0] is not attributed:
            self._last = (attributed, self._read(attributed, facts, time))
        return self._last[1]

    def _read(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> Work | None:
        event, attribution = attributed
        if attribution.agent is None or time is None or time < 0:
            return None
        run = attribution.run or attribution.session or ""
        task = self._task(facts)[:MAX_TEXT]
        again = self.seen.again((event.day, event.event_id), time)
        return Work(attribution.agent[:MAX_TEXT], run[:MAX_TEXT], task, Call.of(event), time, again)


def number(value: int) -> str:
    """Return a whole number as people read it: ``4,112``."""
    return f"{value:,}"


def tenths(value: int, unit: int) -> str:
    """Return a number of which ``unit`` is one, with one digit after the point, rounded down."""
    return f"{value // unit:,}.{value * 10 // unit % 10}"


class Topic(NamedTuple):
    """What a layer's alerts have in common: the rule's name, its title and the layer."""

    rule: str
    title: str
    source: Source


def alert(
    subject: Attributed,
    topic: Topic,
    level: Level,
    sentence: str,
    values: Mapping[str, str],
    *,
    group: tuple[str, ...] = (),
    count: int = 1,
) -> Alert:
    """Return an alert.

    The values in its sentence are quoted as those of rules are: cut off, and without control characters.
    """
    return Alert(
        rule=topic.rule,
        rule_id=topic.rule,
        title=topic.title,
        level=level,
        source=topic.source,
        sentence=filled(sentence, values),
        subject=subject,
        events=(subject.event.event_id,),
        count=count,
        group=group,
    )
