"""Events that were attributed before all that tells of them was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attributing.knowledge import OPEN, WAITING
from sudo_mcp_guardrails.trail.attribution import Attribution, By

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge
    from sudo_mcp_guardrails.trail.event import Event

MAX_WAITING: Final = 500
"""Events that wait for one thing: what is stored under one key stays within an item of DynamoDB."""


class Waiting:
    """Who waits for what, kept as knowledge.

    Attributes:
        refused: events that do not wait, since too many do for the same thing.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._known = knowledge
        self.refused = 0
        self._fresh: set[str] = set()
        self._last: Attribution | None = None
        self._last_dict: dict[str, str] = {}

    def add(self, key: str, event: Event, found: Attribution) -> None:
        """Let an event wait for what a key tells."""
        waiting = self._known.get(WAITING + key)
        waiting = [] if waiting is None else waiting
        if [event.day, event.event_id] in waiting:
            return  # the same batch again, after a sink that was down
        if len(waiting) >= MAX_WAITING:
            self.refused += 1
            return
        waiting.append([event.day, event.event_id])
        self._known.put(WAITING + key, waiting)
        self._fresh.add(key)
        # Several keys may tell of one event, each at its time: what is known so far is kept once, beside the lists.
        place = _place((event.day, event.event_id))
        held = self._known.get(place) or {"waits": 0}
        if found is not self._last:  # many events of one session come one after the other
            self._last, self._last_dict = found, _to_dict(found)
        self._known.put(place, {"waits": held["waits"] + 1, "found": self._last_dict})

    def since_flush(self) -> set[str]:
        """Return what events began to wait for since the last call."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def told(self, key: str) -> Iterator[tuple[tuple[str, str], Attribution]]:
        """Yield and forget the events that wait for what a key tells, with what is known of them."""
        waiting = self._known.get(WAITING + key)
        if not waiting:
            return
        self._known.put(WAITING + key, None)
        for day, event_id in waiting:
            held = self._known.get(_place((day, event_id)))
            if held is None:
                continue  # forgotten, since too many were open at once
            waits = held["waits"] - 1
            self._known.put(_place((day, event_id)), {**held, "waits": waits} if waits else None)
            yield (day, event_id), _from_dict(held["found"])

    def update(self, identity: tuple[str, str], found: Attribution) -> None:
        """Keep what is known by now of an event that still waits for something else."""
        held = self._known.get(_place(identity))
        if held is not None:
            self._known.put(_place(identity), {**held, "found": _to_dict(found)})


def _place(identity: tuple[str, str]) -> str:
    return OPEN + " ".join(identity)


def _to_dict(found: Attribution) -> dict[str, str]:
    return {
        name: str(value.value if isinstance(value, By) else value)
        for name in Attribution.__slots__
        if (value := getattr(found, name)) is not None
    }


def _from_dict(found: Mapping[str, str]) -> Attribution:
    return Attribution(**{**found, "by": By(found["by"])})  # type: ignore[arg-type] # of str alone, as written
