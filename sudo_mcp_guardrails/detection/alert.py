"""What a layer found: the rule, the event and a sentence that says why."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.rule import Level, Source
    from sudo_mcp_guardrails.trail.attribution import Attributed

MAX_EVENTS = 100
"""How many events an alert names, the last ones."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        rule: name of the rule, the correlation or the layer.
        rule_id: its UUID, or its name where it has none.
        title: what it watches for.
        level: how bad if it is right.
        source: which layer.
        sentence: why, with counts, in one line.
        subject: the last event, and whose work it is.
        events: the ids of all events behind it, the last one last; at most :data:`MAX_EVENTS`.
        count: how many there are.
        tags: ATT&CK and ATLAS techniques.
        contains: whether it contains the agent at once.
        group: values that a correlation's events have in common; empty for others.
    """

    rule: str
    rule_id: str
    title: str
    level: Level
    source: Source
    sentence: str
    subject: Attributed
    events: tuple[str, ...]
    count: int = 1
    tags: tuple[str, ...] = ()
    contains: bool = False
    group: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same events by the same rule, however often and by whichever way they come."""
        text = "\x1f".join((self.rule_id, self.subject.event.day, self.subject.event.event_id, *self.group))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
