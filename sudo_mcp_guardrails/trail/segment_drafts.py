"""How the new part of a batch is laid out in segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.segment_lines import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, SourceRecord

_SEGMENT_BYTES: Final = 32 << 20


def drafts(
    batch: Batch, fresh: Sequence[int], letters: Sequence[DeadLetter], records: Sequence[SourceRecord], most: int
) -> Iterator[Draft]:
    """Yield the segments of a batch; the ledger stands in the last one, so that it never runs ahead.

    Args:
        batch: what came.
        fresh: which of its events are new.
        letters: which of its dead letters are.
        records: the lines for the ledger.
        most: events of a segment.
    """
    events: list[Attributed] = []
    origins: list[str] = []
    size = 0
    for position in fresh:
        if len(events) >= most or size >= _SEGMENT_BYTES:
            yield Draft(events, origins)
            events, origins, size = [], [], 0
        one = batch.events[position]
        events.append(one)
        origins.append(batch.sources[batch.origins[position]].name)
        size += len(one.event.raw)
    if events or letters or records:
        yield Draft(events, origins, dead_letters=letters, sources=records)
