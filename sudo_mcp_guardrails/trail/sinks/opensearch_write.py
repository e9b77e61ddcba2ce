"""One write of a batch into OpenSearch: create, then settle what was there already, then what was refused."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.document import document, stub
from sudo_mcp_guardrails.trail.index.names import document_id, index_name
from sudo_mcp_guardrails.trail.index.pairs import bounded
from sudo_mcp_guardrails.trail.sinks.bulk import Operation
from sudo_mcp_guardrails.trail.sinks.lookup import lookup
from sudo_mcp_guardrails.trail.sinks.sink import IDENTITY_FIELDS, DeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.sinks.bulk import Bulk
    from sudo_mcp_guardrails.trail.sinks.dead_letters import DeadLetterStore
    from sudo_mcp_guardrails.trail.sinks.sink import Batch

_CREATED: Final = 201
_CONFLICT: Final = 409
_LOOKED_UP: Final = 1000

_encode: Callable[[object], bytes] | None = None
with suppress(ImportError):
    import msgspec

    _encode = msgspec.json.Encoder().encode


@dataclass
class BatchWrite:
    """One write.

    Attributes:
        batch: what is written.
        bulk: sends it.
        dead_letters: takes what is refused.
        prefix: of the indexes.
        compare: whether duplicates are compared with what is there, and stubs replaced.
        id: of this write, unlike any other's.
        now: for ``ingested_at``.
        created: new events, by the number of their source.
        duplicates: those that were there.
        conflicts: of these, those that differ.
        rejected: events that were refused, and got a stub.
    """

    batch: Batch
    bulk: Bulk
    dead_letters: DeadLetterStore
    prefix: str
    compare: bool
    id: str
    now: int
    created: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)
    conflicts: int = 0
    rejected: int = 0

    def run(self) -> None:
        """Write the events; the counts say what came of them.

        Raises:
            SinkUnavailableError: not all could be written; the batch may be written again.
            TrailError: the caller lacks a permission, or an index is not what it must be.
        """
        first = self._first_of_each()
        there: list[tuple[int, bool]] = []
        refused: list[tuple[int, str]] = []
        operations = (Operation("create", *key, self._document(position)) for key, position in first.items())
        for position, (_, outcome) in zip(first.values(), self.bulk.send(operations), strict=True):
            if outcome.status == _CREATED:
                self.created[self.batch.origins[position]] += 1
            elif outcome.refused:
                refused.append((position, outcome.reason or f"status {outcome.status}"))
            else:
                there.append((position, outcome.unsure))
        for start in range(0, len(there), _LOOKED_UP):
            refused += self._settle_duplicates(there[start : start + _LOOKED_UP])
        if refused:
            self._settle_refused(refused)

    def _first_of_each(self) -> dict[tuple[str, str], int]:
        """Return the position of the first event of each id; the others are counted as duplicates."""
        first: dict[tuple[str, str], int] = {}
        for position, attributed in enumerate(self.batch.events):
            seen = first.setdefault(self._key(attributed.event), position)
            if seen != position:
                self.duplicates[self.batch.origins[position]] += 1
                self.conflicts += _identity(attributed.event) != _identity(self.batch.events[seen].event)
        return first

    def _settle_duplicates(self, there: list[tuple[int, bool]]) -> list[tuple[int, str]]:
        """Tell duplicates from own events whose answer was lost, count conflicts, replace stubs.

        Returns:
            What was refused in a stub's place, and why.
        """
        batch = self.batch
        found: dict[tuple[str, str], dict[str, Any]] = {}
        if self.compare or any(unsure for _, unsure in there):
            keys = [self._key(batch.events[position].event) for position, _ in there]
            found = dict(lookup(self.bulk.transport, self.bulk.patience, keys, (*IDENTITY_FIELDS, "stub", "write_id")))
        stubs: list[tuple[int, Operation]] = []
        for position, unsure in there:
            event = batch.events[position].event
            key = self._key(event)
            old = found.get(key, {})
            kept = old.get("_source", {})
            if unsure and kept.get("write_id") == self.id:
                self.created[batch.origins[position]] += 1
            elif kept.get("stub"):
                at = (int(old["_seq_no"]), int(old["_primary_term"]))
                stubs.append((position, Operation("index", *key, self._document(position), at)))
            else:
                self.duplicates[batch.origins[position]] += 1
                if kept and self.compare:
                    self.conflicts += _identity(event) != {name: kept[name] for name in IDENTITY_FIELDS if name in kept}
        refused: list[tuple[int, str]] = []
        for (position, _), (_, outcome) in zip(stubs, self.bulk.send(op for _, op in stubs), strict=True):
            if outcome.refused:
                refused.append((position, outcome.reason or f"status {outcome.status}"))
            elif outcome.status == _CONFLICT and not outcome.unsure:  # somebody else has just replaced it
                self.duplicates[batch.origins[position]] += 1
            else:
                self.created[batch.origins[position]] += 1
        return refused

    def _settle_refused(self, refused: list[tuple[int, str]]) -> None:
        """Keep what was refused as dead letters, and only then put stubs in its place."""
        letters: list[DeadLetter] = []
        operations: list[Operation] = []
        for position, reason in refused:
            event = self.batch.events[position].event
            name = self.batch.sources[self.batch.origins[position]].name
            letters.append(DeadLetter(name, None, f"refused by OpenSearch: {reason}", event.raw))
            made = stub(event, reason=reason, source_object=name, ingested_at=self.now, write_id=self.id)
            operations.append(Operation("create", *self._key(event), encoded(made)))
        self.dead_letters.put(letters)
        for (position, _), (operation, outcome) in zip(refused, self.bulk.send(operations), strict=True):
            if outcome.refused:
                raise TrailError(
                    f"index {operation.index!r} refuses even a stub ({outcome.reason}); it was not made from the "
                    f"template {self.prefix}-events"
                )
            # A stub that is there was counted when it was made.
            if outcome.status == _CREATED or outcome.unsure:
                self.rejected += 1
            else:
                self.duplicates[self.batch.origins[position]] += 1

    def _key(self, event: Event) -> tuple[str, str]:
        return index_name(event.day, self.prefix), document_id(event.event_id)

    def _document(self, position: int) -> bytes:
        origin = self.batch.sources[self.batch.origins[position]].name
        made = document(self.batch.events[position], source_object=origin, ingested_at=self.now, write_id=self.id)
        return encoded(made)


def encoded(value: object) -> bytes:
    """Return JSON; msgspec, where it is installed, is six times as fast and gives the same."""
    if _encode is not None:
        return _encode(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _identity(event: Event) -> dict[str, str]:
    """Return what a duplicate must agree in, as the document has it."""
    values = (event.event_time, event.name, event.source, event.request_id, event.account)
    return {name: bounded(value) for name, value in zip(IDENTITY_FIELDS, values, strict=True) if value is not None}
