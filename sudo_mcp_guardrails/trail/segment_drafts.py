"""How the new part of a batch is laid out in segments."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.segment_lines import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, SourceRecord

_SEGMENT_BYTES: Final = 32 << 20


def drafts(
    batch: Batch,
    fresh: Mapping[int, tuple[str, str]],
    letters: Sequence[DeadLetter],
    records: Sequence[SourceRecord],
    most: int,
) -> Iterator[Draft]:
    """Yield the segments of a batch; the ledger stands in the last one, so that it never runs ahead.

    Args:
        batch: what came.
        fresh: which of its events are new, in their order, each with its day and ``eventID``.
        letters: which of its dead letters are.
        records: the lines for the ledger.
        most: events of a segment.
    """
    events = [batch.events[position] for position in fresh]
    names = [source.name for source in batch.sources]
    origins = [names[batch.origins[position]] for position in fresh]
    identities = list(fresh.values())
    begin = 0
    for end in _ends(events, most):
        last = end == len(events)
        yield Draft(
            events[begin:end],
            origins[begin:end],
            dead_letters=letters if last else (),
            sources=records if last else (),
            identities=identities[begin:end],
        )
        begin = end
    if not events and (letters or records):
        yield Draft(dead_letters=letters, sources=records)


def _ends(events: Sequence[Attributed], most: int) -> Iterator[int]:
    """Yield where each segment ends: after so many events, or so many bytes of them."""
    sizes = accumulate(len(one.event.raw) for one in events)
    begin = before = size = 0
    for end, size in enumerate(sizes, start=1):
        if end - begin >= most or size - before >= _SEGMENT_BYTES:
            yield end
            begin, before = end, size
    if begin < len(events):
        yield len(events)
