"""The sink that ends with the process: for tests, and for looking into a few files."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.sinks.dead_letters import letter_key
from sudo_mcp_guardrails.trail.sinks.sink import IDENTITY_FIELDS, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, SourceRecord

_said = attrgetter(*IDENTITY_FIELDS)


class MemorySink:
    """Keeps everything in memory, some 5 kB an event."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], Attributed] = {}
        self._ledger: dict[str, SourceRecord] = {}
        self._letters: dict[str, DeadLetter] = {}
        self._closed = False

    def write(self, batch: Batch) -> Written:
        """Store a batch: see :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`."""
        self._check()
        created, held = [0] * len(batch.sources), [0] * len(batch.sources)
        conflicts = 0
        for one, origin in zip(batch.events, batch.origins, strict=True):
            held[origin] += 1
            identity = (one.event.day, one.event.event_id)
            kept = self._events.get(identity)
            if kept is None:
                self._events[identity] = one
                created[origin] += 1
            else:
                conflicts += _said(kept.event) != _said(one.event)
        for letter in batch.dead_letters:
            self._letters.setdefault(letter_key(letter), letter)
        for source, new, all_of_it in zip(batch.sources, created, held, strict=True):
            self._record(replace(source, created=new, duplicates=all_of_it - new))
        return Written(created=sum(created), duplicates=sum(held) - sum(created), conflicts=conflicts)

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """Replace attributions: see :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`."""
        self._check()
        there = {(day, event_id): one for day, event_id, one in changes if (day, event_id) in self._events}
        for identity, attribution in there.items():
            self._events[identity] = Attributed(self._events[identity].event, attribution)
        return len(there)

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """Return which events of a day are not there."""
        self._check()
        return {event_id for event_id in event_ids if (day, event_id) not in self._events}

    def ledger(self) -> dict[str, SourceRecord]:
        """Return the files that were taken in, by name."""
        self._check()
        return dict(sorted(self._ledger.items()))

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters, in the order in which they came."""
        self._check()
        return list(self._letters.values())

    def events(self) -> Iterator[Attributed]:
        """Yield the events, in the order in which they came."""
        self._check()
        yield from self._events.values()

    def count(self) -> int:
        """Return how many events there are."""
        self._check()
        return len(self._events)

    def close(self) -> None:
        """Refuse everything from now on; what is in memory goes with the object."""
        self._closed = True

    def _record(self, record: SourceRecord) -> None:
        """Keep a line of the ledger, unless it is that of a file that is there with the same bytes and nothing new."""
        there = self._ledger.get(record.name)
        if record.created or there is None or _content(there) != _content(record):
            self._ledger[record.name] = record

    def _check(self) -> None:
        if self._closed:
            raise TrailError("the sink in memory is closed")


def _content(record: SourceRecord) -> tuple[int, str, int, int]:
    return record.size, record.fingerprint, record.events, record.dead_letters
