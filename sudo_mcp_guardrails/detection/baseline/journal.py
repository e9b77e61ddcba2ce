"""What agents did, written down batch by batch by whoever looks, for the one who learns.

Several processes look at once, and none of them may write a baseline: each writes what its batch showed of a run, as a
document of its own, and never reads or changes one. An event that came to two of them stands in two documents; who
learns counts it once. What was found in the run stands there too, since it decides whether the run is learned.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sudo_mcp_guardrails.detection.baseline.calls import MAX_TEXT, Call, Effect, Kind
from sudo_mcp_guardrails.detection.baseline.codec import as_list, as_object, as_text, whole
from sudo_mcp_guardrails.detection.baseline.document import MAX_TASKS, unpacked
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.detection.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.work import Work

FORMAT: Final = 1
MAX_CALLS: Final = 20_000
"""Calls of one document; a batch has fewer."""
MAX_ALERTS: Final = 1_000
_COLUMNS: Final = 8
_MAX_TERMS: Final = 40


class Noted(NamedTuple):
    """One call that was written down: the event's id, its time in seconds, the task and the call."""

    event: str
    time: int
    task: str
    call: Call


class Raised(NamedTuple):
    """One alert that was written down: the rule, how bad, the layer, and the event's time (0 where it has none)."""

    rule: str
    level: Level
    source: Source
    time: int


@dataclass(slots=True)
class Notes:
    """What one batch, or all batches, showed of a run.

    Attributes:
        agent: its name.
        run: the run's id, else the session's.
        calls: by the events' ids.
        peaks: the highest surprise of each task, in 1,024ths of a bit.
        alerts: what was found, each once.
    """

    agent: str
    run: str
    calls: dict[str, Noted] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    alerts: dict[Raised, None] = field(default_factory=dict)

    def add(self, other: Notes) -> None:
        """Take in what another batch showed."""
        self.calls.update(other.calls)
        for task, peak in other.peaks.items():
            self.peaks[task] = max(self.peaks.get(task, 0), peak)
        self.alerts.update(other.alerts)

    def to_bytes(self) -> bytes:
        """Return the document packed: the same content gives the same bytes."""
        data = {
            "format": FORMAT,
            "agent": self.agent,
            "run": self.run,
            "calls": [_row(one) for one in sorted(self.calls.values(), key=lambda one: (one.time, one.event))],
            "peaks": dict(sorted(self.peaks.items())),
            "alerts": sorted([one.rule, one.level.value, one.source.value, one.time] for one in self.alerts),
        }
        return zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Notes:
        """Return the document that :meth:`to_bytes` wrote.

        Raises:
            DetectionError: for anything else.
        """
        found = as_object(unpacked(data), "notes of a run")
        if found.get("format") != FORMAT:
            raise DetectionError(
                f"notes of format {str(found.get('format'))[:40]!r} are not allowed, allowed: {FORMAT}"
            )
        agent, run = (as_text(found.get(name), f"{name} of the notes") for name in ("agent", "run"))
        where = f"notes of run {run[:80]!r}"
        peaks = as_object(found.get("peaks"), where)
        if len(peaks) > MAX_CALLS:
            raise DetectionError(f"{where} have {len(peaks)} tasks, allowed: {MAX_CALLS}")
        calls = [_noted(row, where) for row in as_list(found.get("calls"), MAX_CALLS, where)]
        alerts = [_raised(row, where) for row in as_list(found.get("alerts"), MAX_ALERTS, where)]
        return cls(
            agent,
            run,
            {one.event: one for one in calls},
            {as_text(task, where): whole(peak, where) for task, peak in peaks.items()},
            dict.fromkeys(alerts),
        )


class Journal:
    """Collects what a batch shows, run by run."""

    def __init__(self) -> None:
        self._notes: dict[tuple[str, str], Notes] = {}

    def clear(self) -> None:
        """Forget what was collected: the batch begins anew."""
        self._notes = {}

    def call(self, work: Work, event_id: str) -> None:
        """Note an event of a run."""
        if work.run:
            self._of(work.agent, work.run).calls[event_id[:MAX_TEXT]] = Noted(
                event_id[:MAX_TEXT], work.time, work.task, work.call
            )

    def peak(self, agent: str, run: str, task: str, peak: int) -> None:
        """Note the surprise that a run reached, in 1,024ths of a bit."""
        peaks = self._of(agent, run).peaks
        if task in peaks or len(peaks) <= MAX_TASKS:
            peaks[task] = max(peaks.get(task, 0), peak)

    def alert(self, found: Alert) -> None:
        """Note what was found in a run of an agent; what is found elsewhere says nothing of what agents learn."""
        event, attribution = found.subject
        run = attribution.run or attribution.session
        if attribution.agent is None or not run:
            return
        alerts = self._of(attribution.agent[:MAX_TEXT], run[:MAX_TEXT]).alerts
        raised = Raised(found.rule[:MAX_TEXT], found.level, found.source, max(0, seconds_of(event.event_time) or 0))
        if len(alerts) < MAX_ALERTS or raised.level in {Level.HIGH, Level.CRITICAL}:
            alerts[raised] = None
            if len(alerts) > MAX_ALERTS:  # what is worst decides, and must not be what is left out
                del alerts[min(alerts, key=lambda one: (list(Level).index(one.level), one.time))]

    def notes(self) -> Iterable[Notes]:
        """Return what was collected."""
        return self._notes.values()

    def _of(self, agent: str, run: str) -> Notes:
        found = self._notes.get((agent, run))
        if found is None:
            found = self._notes[agent, run] = Notes(agent, run)
        return found


def digest_of(data: bytes) -> str:
    """Return what names a document: a batch that is looked at again writes it again, and not another one."""
    return hashlib.sha256(data).hexdigest()[:32]


def _row(one: Noted) -> list[Any]:
    call = one.call
    flags = int(call.failed) + 2 * int(call.refused)
    terms = [[kind.value, text] for kind, text in call.terms]
    return [one.event, one.time, one.task, call.service, call.action, call.effect.value, flags, terms]


def _noted(data: object, where: str) -> Noted:
    event, time, task, service, action, effect, flags, terms = as_list(data, _COLUMNS, where, exactly=True)
    try:
        pairs = (as_list(one, 2, where, exactly=True) for one in as_list(terms, _MAX_TERMS, where))
        known = tuple((Kind(kind), as_text(text, where)) for kind, text in pairs)
        done = Effect(effect)
    except ValueError as error:
        raise DetectionError(f"call {str(data)[:120]} of the {where} is not allowed: {error}") from None
    bits = whole(flags, where)
    call = Call(as_text(service, where), as_text(action, where), done, bool(bits & 1), bool(bits & 2), known)
    return Noted(as_text(event, where), whole(time, where), as_text(task, where), call)


def _raised(data: object, where: str) -> Raised:
    rule, level, source, time = as_list(data, 4, where, exactly=True)
    try:
        return Raised(as_text(rule, where), Level(level), Source(source), whole(time, where))
    except ValueError as error:
        raise DetectionError(f"alert {str(data)[:120]} of the {where} is not allowed: {error}") from None
