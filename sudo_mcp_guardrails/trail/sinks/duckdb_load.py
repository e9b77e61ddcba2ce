"""Segments that are written, on their way into the index: several at once, since each load costs by itself.

DuckDB writes a full block of rows once. What is left over goes to its own log first, and is compressed anew by each
load until it fills a block; and each load writes down again where all blocks lie. So a load of one segment takes
twice as long, for each event, as one of several.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.segment_lines import BLOCKS, kept_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from sudo_mcp_guardrails.trail.heads import Head
    from sudo_mcp_guardrails.trail.segment_lines import Draft, Lines


class LoadFiles:
    """The lines of one segment, by block, in files that DuckDB reads; written as the segment is.

    Args:
        directory: where they lie while they are needed.
        segment: its number.
    """

    def __init__(self, directory: Path, segment: int) -> None:
        self._directory = directory
        self._segment = segment
        self._stack = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self.longest = 0

    def add(self, lines: Lines) -> None:
        """Add lines."""
        if lines.block not in self._files:
            self._directory.mkdir(exist_ok=True)
            self._files[lines.block] = self._stack.enter_context(self.path(lines.block).open("wb"))
        self._files[lines.block].write(lines.data)
        self.longest = max(self.longest, lines.longest)

    def path(self, block: str) -> Path:
        """Return where the lines of a block lie."""
        return self._directory / f"{self._segment:09d}-{block}.ndjson"

    @property
    def blocks(self) -> Collection[str]:
        """The blocks that have lines."""
        return self._files.keys()

    def flush(self) -> None:
        """Make the lines readable."""
        self._stack.close()

    def remove(self) -> None:
        """Remove the files."""
        self._stack.close()
        for block in BLOCKS:
            self.path(block).unlink(missing_ok=True)


class Waiting:
    """Segments that the log holds and the index does not yet, and what is in them.

    Attributes:
        loads: the head and the lines of each, in order.
        events: how many events they hold, new and amended.
    """

    def __init__(self) -> None:
        self.loads: list[tuple[Head, LoadFiles]] = []
        self.events = 0
        self._identities: set[int] = set()  # their hashes: the texts would take ten times the memory
        self._sources: set[str] = set()
        self._letters = False

    def add(self, head: Head, files: LoadFiles, draft: Draft) -> None:
        """Add a segment."""
        self.loads.append((head, files))
        self.events += len(draft.events) + len(draft.amendments)
        self._identities.update(map(hash, draft.identities))
        self._sources.update(kept_text(record.name) for record in draft.sources)
        self._letters = self._letters or bool(draft.dead_letters)

    def holds(self, identities: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of some events, by day and ``eventID``, are among them; of 10^14, one more than there are."""
        return {identity for identity in identities if hash(identity) in self._identities}

    def concerns(self, sources: Iterable[str], *, letters: bool) -> bool:
        """Tell whether what the index says of some files, or of dead letters, may be out of date."""
        return (letters and self._letters) or not self._sources.isdisjoint(sources)

    def remove(self) -> None:
        """Remove their files."""
        for _, files in self.loads:
            files.remove()
