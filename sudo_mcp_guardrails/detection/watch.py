"""Everything in one: events as the trail's reader hands them on, and the findings in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.finding import Findings
from sudo_mcp_guardrails.detection.rule import Level
from sudo_mcp_guardrails.trail.attribution import Attributed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.detector import Detector
    from sudo_mcp_guardrails.detection.finding import Finding
    from sudo_mcp_guardrails.trail.attributing import Attributor
    from sudo_mcp_guardrails.trail.event import Event

LEVELS: Final = tuple(Level)
"""The levels, the least first."""


class Watch:
    """Attributes events, looks at them, and puts the alerts together.

    Args:
        detector: looks.
        attributor: tells whose work an event is.
        least: alerts below this level are left out. Default: none that a detector makes are.
        told: is told of every alert, also of those that are left out. Default: nobody is.

    Attributes:
        events: how many were looked at.
        agents: how many of them are agents' work.
        alerts: how many alerts said something new.
    """

    def __init__(
        self,
        detector: Detector,
        attributor: Attributor,
        *,
        least: Level = Level.INFORMATIONAL,
        told: Callable[[Alert], None] | None = None,
    ) -> None:
        self._look = detector.look
        self._attribute = attributor.attribute
        self._findings = Findings()
        self._told = told
        self._least = LEVELS.index(least)
        self.events = self.agents = self.alerts = 0

    def through(self, events: Iterable[Event]) -> Iterator[Finding]:
        """Yield the findings that events make or add to, as they come; the same one again each time it grows."""
        attribute = self._attribute
        return self.over(Attributed(event, attribute(event)) for event in events)

    def over(self, attributed: Iterable[Attributed]) -> Iterator[Finding]:
        """Yield the same of events whose work is known already, as a store has them."""
        for one in attributed:
            self.events += 1
            self.agents += one.attribution.attributed
            for alert in self._look(one):
                if self._told is not None:
                    self._told(alert)
                if LEVELS.index(alert.level) < self._least:
                    continue
                finding = self._findings.add(alert)
                if finding is not None:
                    self.alerts += 1
                    yield finding
