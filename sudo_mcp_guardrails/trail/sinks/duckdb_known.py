"""What a store has already of what comes: of events, of dead letters, and of the ledger's lines."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.segment_lines import kept_text
from sudo_mcp_guardrails.trail.sinks.dead_letters import letter_key
from sudo_mcp_guardrails.trail.sinks.sink import IDENTITY_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.sinks.duckdb_index import Index
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, SourceRecord

_LOOKED_UP: Final = 32_768
_said = attrgetter(*IDENTITY_FIELDS)


def known_events(index: Index, identities: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return which events are there, each with the number of what it says.

    Args:
        index: with all in it that the log holds, or with all but what waits.
        identities: day and id of each, see :func:`identity_of`.
    """
    known: dict[tuple[str, str], int] = {}
    for begin in range(0, len(identities), _LOOKED_UP):
        known |= index.known(identities[begin : begin + _LOOKED_UP])
    return known


def count_conflicts(
    index: Index,
    batch: Batch,
    identities: Sequence[tuple[str, str]],
    first: dict[tuple[str, str], int],
    known: dict[tuple[str, str], int],
) -> int:
    """Return how many duplicates say something else than what is kept.

    Args:
        index: that the known ones are in.
        batch: that was brought.
        identities: of its events, in their order.
        first: where each of them is in the batch for the first time.
        known: what :func:`known_events` returned.
    """
    said: list[str] = []
    kept: list[int] = []
    conflicts = 0
    for position, identity in enumerate(identities):
        if identity in known:
            said.append(_text_of(batch.events[position].event))
            kept.append(known[identity])
        elif first[identity] != position:
            conflicts += _said(batch.events[position].event) != _said(batch.events[first[identity]].event)
    return conflicts + sum(a != b for a, b in zip(index.identity_numbers(said), kept, strict=True))


def new_letters(index: Index, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Return the dead letters that are not there, each once."""
    found = {letter_key(letter): letter for letter in letters}
    if not found:
        return []
    sql = "SELECT key FROM dead_letters WHERE key IN (SELECT unnest($1::VARCHAR[]))"
    there = {key for (key,) in index.rows(sql, [list(found)])}
    return [letter for key, letter in found.items() if key not in there]


def new_records(index: Index, records: Sequence[SourceRecord]) -> list[SourceRecord]:
    """Return the lines that the ledger needs: none for a file that it has already, with the same bytes.

    The line that is there says what was new when the file was first taken in whole, which a replay would hide.
    """
    if not records:
        return []
    columns = "name, size, fingerprint, events, dead_letters"
    sql = f"SELECT {columns} FROM ledger WHERE name IN (SELECT unnest($1::VARCHAR[]))"  # noqa: S608 - names of ours
    there = set(index.rows(sql, [[kept_text(record.name) for record in records]]))
    return [
        record
        for record in records
        if record.created
        or (kept_text(record.name), record.size, record.fingerprint, record.events, record.dead_letters) not in there
    ]


def identity_of(event: Event) -> tuple[str, str]:
    """Return the day and the id of an event, as they are kept."""
    event_id, time = event[:2]
    return time[:10] if time else UNDATED, event_id if event_id.isascii() else kept_text(event_id)


def _text_of(event: Event) -> str:
    """Return what an event says, as the index makes a number of it."""
    return kept_text("\x1f".join(value or "" for value in _said(event)))
