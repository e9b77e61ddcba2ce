"""A sink for the tests of what watches over sinks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.sinks.sink import Written

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord


class Shelf:
    """The least that keeps the promises of a sink, and lets a test take something away behind its back."""

    def __init__(self) -> None:
        self.events: set[tuple[str, str]] = set()
        self.files: dict[str, SourceRecord] = {}
        self.asked = 0

    def write(self, batch: Batch) -> Written:
        created = [0] * len(batch.sources)
        for one, origin in zip(batch.events, batch.origins, strict=True):
            known = (one.event.day, one.event.event_id)
            created[origin] += known not in self.events
            self.events.add(known)
        for record, new in zip(batch.sources, created, strict=True):
            self.files[record.name] = replace(record, created=new, duplicates=record.events - new)
        return Written(sum(created), len(batch.events) - sum(created))

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        return sum((day, event_id) in self.events for day, event_id, _ in changes)

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        self.asked += len(event_ids)
        return {event_id for event_id in event_ids if (day, event_id) not in self.events}

    def ledger(self) -> dict[str, SourceRecord]:
        return dict(self.files)

    def count(self) -> int:
        return len(self.events)

    def close(self) -> None:
        pass
