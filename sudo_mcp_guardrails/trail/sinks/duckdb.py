"""The embedded sink: a directory with a hash-chained log of segments, and a DuckDB file to query it.

The log is the truth (see :mod:`~sudo_mcp_guardrails.trail.segments`); the DuckDB file is an index that ``rebuild``
makes again from it. A write is durable in the log and indexed later, several at once, each all or nothing, so that a
process killed anywhere leaves a store that completes itself when it is opened: what the log holds is indexed, what it
does not hold was not acknowledged and is written again by the same batch. Whatever is asked of the sink takes in first
what waits.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.segment_drafts import drafts
from sudo_mcp_guardrails.trail.segment_lines import SOURCE_FIELDS, Draft, kept_text
from sudo_mcp_guardrails.trail.segments import SegmentLog
from sudo_mcp_guardrails.trail.sinks.duckdb_index import LOAD_EVENTS, Index
from sudo_mcp_guardrails.trail.sinks.duckdb_known import (
    count_conflicts,
    identity_of,
    known_events,
    new_letters,
    new_records,
)
from sudo_mcp_guardrails.trail.sinks.duckdb_load import Waiting
from sudo_mcp_guardrails.trail.sinks.duckdb_schema import SEGMENT_LINES
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, SourceRecord, Written
from sudo_mcp_guardrails.trail.store_lock import StoreLock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.heads import Head
    from sudo_mcp_guardrails.trail.sinks.sink import Batch

_LOADS: Final = 8
"""Loads after which the index is opened anew: while it is open, DuckDB's memory grows by 25 bytes an event."""


class DuckDbSink:
    """A store in a directory, which is made where it is absent. One process writes to it at a time.

    Args:
        directory: the store.
        segment_events: most events of a segment; a larger batch becomes several. Default 16,384, what DuckDB
            compresses at once.
        load_events: events that are indexed at once, at least. Default 131,072; 1 indexes each write.
        memory: what DuckDB may use. Default 120 MB: with the interpreter and a batch, less than 300 MB in all.
        threads: that DuckDB may use. Default 1.

    Raises:
        StoreLockedError: another process writes to the store.
        TrailError: the store is damaged; ``verify`` says where, and ``rebuild`` makes the index anew.
        SinkUnavailableError: the disk took no more.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_events: int = 16_384,
        load_events: int = LOAD_EVENTS,
        memory: str = "120MB",
        threads: int = 1,
    ) -> None:
        if not 1 <= segment_events <= SEGMENT_LINES:
            raise TrailError(f"segment_events {segment_events} is out of range, allowed: 1 to {SEGMENT_LINES}")
        self._directory = directory
        self._segment_events = segment_events
        self._options = (memory, threads)
        self._load_events = load_events
        self._index: Index | None = None
        self._waiting = Waiting()
        self._loads = 0
        self._closed = False
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrailError(f"store {directory} cannot be made ({error.strerror})") from error
        self._lock = StoreLock(directory)
        try:
            self._log = SegmentLog(directory)
            self._ready()
        except BaseException:
            self.close()
            raise

    @property
    def heads(self) -> Sequence[Head]:
        """The chain, for publishing its daily head."""
        return tuple(self._log.heads)

    def write(self, batch: Batch) -> Written:
        """Store a batch: see :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`.

        Raises:
            SinkUnavailableError: the disk took no more; what is not stored is stored by the same write again.
            TrailError: the store is damaged or closed.
        """
        identities = [identity_of(one.event) for one in batch.events]
        # From the last to the first, so that each identity keeps its first position.
        first = dict(zip(reversed(identities), range(len(identities) - 1, -1, -1), strict=True))
        names = [kept_text(source.name) for source in batch.sources]
        if self._waiting.holds(first) or self._waiting.concerns(names, letters=bool(batch.dead_letters)):
            self._settled()  # a replay of what was just written: the index must tell
        index = self._ready()
        known = known_events(index, list(first))
        created = held = Counter(batch.origins)
        conflicts = 0
        if known or len(first) < len(identities):
            new = sorted(map(first.__getitem__, first.keys() - known))
            fresh = {position: identities[position] for position in new}
            created = Counter(batch.origins[position] for position in fresh)
            conflicts = count_conflicts(index, batch, identities, first, known)
        else:
            fresh = dict(enumerate(identities))
        records = [
            replace(source, created=created[number], duplicates=held[number] - created[number])
            for number, source in enumerate(batch.sources)
        ]
        letters = new_letters(index, batch.dead_letters)
        for draft in drafts(batch, fresh, letters, new_records(index, records), self._segment_events):
            self._append(draft)
        return Written(created=len(fresh), duplicates=len(identities) - len(fresh), conflicts=conflicts)

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """Replace attributions: see :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`.

        Of several changes to one event the last one counts. What changes is a line of the log, too.

        Raises:
            SinkUnavailableError: the disk took no more; the same changes may be made again.
        """
        index = self._ready()
        last = {(day, kept_text(event_id)): attribution for day, event_id, attribution in changes}
        known = known_events(index, list(last)).keys() | self._waiting.holds(last)
        there = [(*identity, attribution) for identity, attribution in last.items() if identity in known]
        for begin in range(0, len(there), self._segment_events):
            self._append(Draft(amendments=there[begin : begin + self._segment_events]))
        return len(there)

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """Return which events of a day are not there."""
        known = known_events(self._settled(), [(day, kept_text(event_id)) for event_id in event_ids])
        return {event_id for event_id in event_ids if (day, kept_text(event_id)) not in known}

    def ledger(self) -> dict[str, SourceRecord]:
        """Return the files that were taken in, by name. Takes memory for each: some 500 bytes."""
        columns = ", ".join(SOURCE_FIELDS)
        rows = self._settled().rows(f"SELECT {columns} FROM ledger ORDER BY name")  # noqa: S608 - names of ours
        return {row[0]: SourceRecord(*row) for row in rows}

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters, in the order in which they came."""
        rows = self._settled().rows("SELECT source, position, reason, raw FROM dead_letters ORDER BY rowid")
        return [DeadLetter(*row) for row in rows]

    def count(self) -> int:
        """Return how many events there are."""
        return int(self._settled().rows("SELECT count(*) FROM events")[0][0])

    def close(self) -> None:
        """Index what waits, and let go of the store; more than once does nothing.

        Raises:
            SinkUnavailableError: the disk took no more. The log holds all that was written, and what opens the store
                next indexes it.
        """
        self._closed, was_closed = True, self._closed
        try:
            if not was_closed and self._index is not None:
                self._load(self._index)
        finally:
            self._drop_index()
            self._lock.release()

    def _ready(self) -> Index:
        """Return the index, opened: after an error, what the log holds more is indexed first."""
        if self._closed:
            raise TrailError(f"store {self._directory} is closed")
        if self._index is None:
            memory, threads = self._options
            index = Index(self._directory, memory=memory, threads=threads)
            try:
                index.catch_up(self._log.heads)
            except BaseException:
                index.close()
                raise
            self._index = index
        return self._index

    def _settled(self) -> Index:
        """Return the index with all in it that the log holds."""
        index = self._ready()
        self._load(index)
        return self._ready()

    def _append(self, draft: Draft) -> None:
        index = self._ready()
        files = index.load_files(len(self._log.heads) + 1)
        try:
            head = self._log.append(draft, files.add)
            files.flush()
        except BaseException:
            # The segments that wait are in the log, and indexed from there.
            with suppress(OSError):
                files.remove()
            self._drop_index()
            raise
        self._waiting.add(head, files, draft)
        if self._waiting.events >= self._load_events:
            self._load(index)

    def _load(self, index: Index) -> None:
        """Take what waits into the index."""
        if not self._waiting.loads:
            return
        try:
            index.load(self._waiting.loads)
        except BaseException:
            self._drop_index()  # DuckDB may be in any state; it is opened again by what comes next
            raise
        with suppress(OSError):  # the next to open the store removes them
            self._waiting.remove()
        self._waiting = Waiting()
        self._loads += 1
        if self._loads >= _LOADS:
            self._drop_index()

    def _drop_index(self) -> None:
        with suppress(OSError):
            self._waiting.remove()
        self._waiting = Waiting()
        self._loads = 0
        if self._index is not None:
            self._index.close()
            self._index = None
