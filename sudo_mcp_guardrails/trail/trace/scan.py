"""Rows of a trace from files, without a store: read as often as there are questions, so that memory stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.errors import UnreadableFileError
from sudo_mcp_guardrails.trail.ingest import MAX_STORED_BYTES
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.trail.attributing import Attributor
    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.source import Source, SourceFile
    from sudo_mcp_guardrails.trail.trace.gather import Wanted


class FileRows:
    """Finds events in the files of a source: one pass to learn of sessions and tool calls, and one a question.

    Costs a read of everything for each, some five times for a trace; past a few gigabytes, take the files into a store.

    Args:
        source: where the files are.
        attributor: a fresh one; what it learns in the first pass, it tells in the later ones.
        progress: called with each file.

    Attributes:
        unreadable: files that could not be read, and why.
    """

    def __init__(
        self, source: Source, attributor: Attributor, *, progress: Callable[[SourceFile], None] | None = None
    ) -> None:
        self._source = source
        self._attributor = attributor
        self._progress = progress
        self._learned = False
        self.unreadable: dict[str, str] = {}

    def __call__(self, wanted: Wanted, limit: int) -> Iterator[Attributed]:
        """Yield the events that are wanted; see :data:`~sudo_mcp_guardrails.trail.trace.gather.Rows`."""
        if not self._learned:
            for event in self._events():
                self._attributor.attribute(event)
            self._learned = True
        found = 0
        for event in self._events():
            one = Attributed(event, self._attributor.attribute(event))
            if wanted.matches(one):
                yield one
                found += 1
                if found >= limit:
                    break

    def _events(self) -> Iterator[Event]:
        for file in self._source.files():
            if self._progress is not None:
                self._progress(file)
            if file.size > MAX_STORED_BYTES:
                self.unreadable[file.name] = f"it has {file.size} bytes, read are at most {MAX_STORED_BYTES}"
                continue
            try:
                data = self._source.read(file)
            except UnreadableFileError as error:
                self.unreadable[file.name] = str(error)
                continue
            if data is not None:
                for content in read_pieces(file.name, data):
                    yield from content.events
            self._attributor.amendments()  # what a pass learns of earlier events, the next one knows
