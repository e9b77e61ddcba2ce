"""Findings: alerts of one rule about one run, put together, so that a flood of alerts is one thing to look at."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.alert import MAX_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert

MAX_OPEN: Final = 10_000
"""How many findings are kept to be added to; those that were added to least recently go first, and begin anew."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Alerts of one rule about one actor on one day.

    Attributes:
        id: the same however often and by whichever way its events come.
        actor: the run, else the session, the principal or the account that it is about.
        alert: the last alert.
        events: the ids of the events behind it, at most :data:`~.alert.MAX_EVENTS`, the last ones.
        alerts: how many alerts there are.
        first_time: ``eventTime`` of the earliest; None where no event has one.
        last_time: of the latest.
        trace: what led to the last alert, as :mod:`~.tracing` gives it; None where nobody said.
    """

    id: str
    actor: str
    alert: Alert
    events: tuple[str, ...]
    alerts: int
    first_time: str | None
    last_time: str | None
    trace: Mapping[str, Any] | None = None

    @property
    def is_new(self) -> bool:
        """Whether this is the first that is heard of it."""
        return self.alerts == 1


class Findings:
    """Puts alerts together.

    An alert that comes twice, by the fast path and by the trail's file, counts once.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, Finding] = OrderedDict()

    def add(self, alert: Alert) -> Finding | None:
        """Add an alert; return the finding that it makes or adds to, None where it says nothing new."""
        actor = actor_of(alert)
        id_ = finding_id(alert, actor)
        time = alert.subject.event.event_time
        held = self._open.get(id_)
        if held is None:
            found = Finding(id_, actor, alert, alert.events, 1, time, time)
        else:
            self._open.move_to_end(id_)
            new = [event for event in alert.events if event not in held.events]
            if not new:
                return None
            found = replace(
                held,
                alert=alert,
                events=(*held.events, *new)[-MAX_EVENTS:],
                alerts=held.alerts + 1,
                first_time=min(filter(None, (held.first_time, time)), default=None),
                last_time=max(filter(None, (held.last_time, time)), default=None),
            )
        self._open[id_] = found
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        return found


def actor_of(alert: Alert) -> str:
    """Return whom an alert is about: a run before a session, a session before a principal."""
    event, attribution = alert.subject
    found = attribution.run or attribution.session or event.role_arn or event.principal_arn or event.access_key
    return found or event.account or "unknown"


def finding_id(alert: Alert, actor: str) -> str:
    """Return the id of the finding that an alert about an actor belongs to."""
    text = f"{alert.rule_id}\x1f{actor}\x1f{alert.subject.event.day}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
