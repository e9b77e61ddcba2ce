"""Batches out of files, as the ingester makes them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord
from tests.trail.made import records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

NOBODY = Attribution(By.NOBODY, reason="nothing tells of an agent")


def with_fields(made: Batch, position: int, **fields: Any) -> Batch:
    """Return a batch with one event that has other fields than its bytes."""
    events = list(made.events)
    events[position] = events[position]._replace(event=events[position].event._replace(**fields))
    return replace(made, events=events)


def batch(files: Mapping[str, bytes], attribution: Attribution = NOBODY) -> Batch:
    """Return what is written for whole files, each event attributed the same."""
    events: list[Attributed] = []
    origins: list[int] = []
    sources: list[SourceRecord] = []
    letters = []
    for number, (name, data) in enumerate(files.items()):
        content = read_file(name, data)
        times = sorted(event.event_time for event in content.events if event.event_time)
        events += [Attributed(event, attribution) for event in content.events]
        origins += [number] * len(content.events)
        letters += content.dead_letters
        sources.append(
            SourceRecord(
                name,
                len(data),
                hashlib.sha256(data).hexdigest(),
                len(content.events),
                0,
                0,
                len(content.dead_letters),
                times[0] if times else None,
                times[-1] if times else None,
            )
        )
    return Batch(events, origins, sources, letters)


def one_file(*events: dict[str, Any], name: str = "a.json", attribution: Attribution = NOBODY) -> Batch:
    """Return a batch of one file of events."""
    return batch({name: records(*events)}, attribution)
