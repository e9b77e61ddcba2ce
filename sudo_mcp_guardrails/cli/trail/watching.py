"""What a command notes while files are taken in: how far it is, and what became a dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, DeadLetter, Sink, SourceRecord, Written
    from sudo_mcp_guardrails.trail.source import KeepingSource, SourceFile

MAX_LETTERS: Final = 1000
"""Most dead letters that are listed; the sink keeps all, and all are counted."""


class WatchedSource:
    """A source that tells of each file that was read.

    Args:
        source: the source itself.
        done: called with each file after it was read.

    Attributes:
        listed: files that were listed.
    """

    def __init__(self, source: KeepingSource, done: Callable[[SourceFile], None] | None = None) -> None:
        self._source = source
        self._done = done
        self.listed = 0

    def files(self) -> Iterator[SourceFile]:
        """Yield the files."""
        for file in self._source.files():
            self.listed += 1
            yield file

    def read(self, file: SourceFile) -> bytes | None:
        """Return a file's bytes, as the source does."""
        try:
            return self._source.read(file)
        finally:
            if self._done is not None:
                self._done(file)

    def read_with_metadata(self, file: SourceFile) -> tuple[bytes, Mapping[str, str]] | None:
        """Return a file's bytes and metadata, as the source does."""
        return self._source.read_with_metadata(file)

    def covers(self, name: str) -> bool:
        """Return whether a name is one of the source's."""
        return self._source.covers(name)


class WatchedSink:
    """A sink of which the dead letters of this run are listed.

    Args:
        sink: the sink itself.

    Attributes:
        letters: the first dead letters, without what was there.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.letters: list[DeadLetter] = []

    def write(self, batch: Batch) -> Written:
        """Store a batch."""
        written = self._sink.write(batch)
        self.letters += batch.dead_letters[: MAX_LETTERS - len(self.letters)]
        return written

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """Replace attributions."""
        return self._sink.amend(changes)

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """Return which events are not there."""
        return self._sink.missing(day, event_ids)

    def ledger(self) -> dict[str, SourceRecord]:
        """Return the files that were taken in."""
        return self._sink.ledger()

    def count(self) -> int:
        """Return how many events there are."""
        return self._sink.count()

    def close(self) -> None:
        """Let go of the sink."""
        self._sink.close()
