"""The segment log: append-only gzip files of JSON lines, chained by their hashes, which are the truth of a store.

``segments/000000001.ndjson.gz`` begins with a header (number, previous head, time, how many lines of each kind) and
holds the lines of :mod:`~sudo_mcp_guardrails.trail.segment_lines`. A segment is written beside its place, synced and
renamed, then its line is appended to ``heads.jsonl`` and synced: a process that is killed, a disk that is full or a
power cut leaves at most one segment whose head is not written yet. :meth:`SegmentLog.recover` writes it, since the
segment says itself what it follows.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from datetime import datetime, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.heads import GENESIS, HEADS, parse_head
from sudo_mcp_guardrails.trail.segment_files import (
    GZIP,
    SEGMENTS,
    Header,
    gzip_module,
    read_segment,
    segment_numbers,
    segment_path,
)
from sudo_mcp_guardrails.trail.segment_lines import draft_blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.trail.heads import Head
    from sudo_mcp_guardrails.trail.segment_lines import Draft, Lines

_LEVEL: Final = 1


def read_heads(directory: Path) -> tuple[list[Head], list[int], bytes]:
    """Return the chain of a store as it stands, the numbers of lines that are no head, and a torn end.

    A torn end is a last line without its newline: what a process leaves that died while it wrote.
    """
    try:
        content = (directory / HEADS).read_bytes()
    except FileNotFoundError:
        return [], [], b""
    *lines, torn = content.split(b"\n")
    found = [parse_head(line) for line in lines]
    bad = [number for number, head in enumerate(found, start=1) if head is None]
    return [head for head in found if head is not None], bad, torn


class SegmentLog:
    """The log of one store, for its one writer.

    Args:
        directory: the store.

    Raises:
        TrailError: as :meth:`recover`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.heads: list[Head] = []
        self._dirty = False
        try:
            (directory / SEGMENTS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrailError(f"store {directory} cannot be made ({error.strerror})") from error
        self.recover()

    @property
    def last(self) -> str:
        """The head after the last segment."""
        return self.heads[-1].head if self.heads else GENESIS

    def recover(self) -> None:
        """Finish what a writer left half done, and read the chain.

        Raises:
            TrailError: a head or a segment is missing or damaged; nothing was changed, ``verify`` says where.
            SinkUnavailableError: the disk took no more.
        """
        heads, bad, torn = read_heads(self._directory)
        numbers = segment_numbers(self._directory)
        if bad or [head.segment for head in heads] != list(range(1, len(heads) + 1)):
            raise TrailError(f"{self._directory / HEADS} is damaged; verify says where")
        if numbers[: len(heads)] != list(range(1, len(heads) + 1)) or len(numbers) > len(heads) + 1:
            raise TrailError(f"store {self._directory} has other segments than heads; verify says where")
        if heads and self._follows(heads[-1].segment, heads[-1].previous) != heads[-1]:
            raise TrailError(f"segment {heads[-1].segment} of {self._directory} differs from its head; verify it")
        added = None
        if len(numbers) > len(heads):
            added = self._follows(numbers[-1], heads[-1].head if heads else GENESIS)
        if torn and (added is None or not added.line().startswith(torn)):
            raise TrailError(
                f"{self._directory / HEADS} ends in {torn[:80]!r}, which is of no segment; verify the store"
            )
        try:
            for path in (self._directory / SEGMENTS).glob("*.tmp"):
                path.unlink()
            if torn:
                os.truncate(self._directory / HEADS, sum(len(head.line()) for head in heads))
            if added is not None:
                self._append_head(added)
                heads.append(added)
        except OSError as error:
            raise SinkUnavailableError(f"store {self._directory} cannot be written ({error.strerror})") from error
        self.heads = heads
        self._dirty = False

    def append(self, draft: Draft, each: Callable[[Lines], None] | None = None) -> Head:
        """Write a segment durably, and its head.

        Args:
            draft: what goes in.
            each: called with the lines, as they are written.

        Raises:
            SinkUnavailableError: the disk took no more; nothing of the draft is kept.
        """
        if self._dirty:
            self.recover()
        number = len(self.heads) + 1
        path = segment_path(self._directory, number)
        unfinished = path.with_suffix(".tmp")
        self._dirty = True
        try:
            head = self._write(unfinished, number, draft, each)
            unfinished.rename(path)
            _sync_directory(path.parent)
            self._append_head(head)
        except OSError as error:
            self._undo(unfinished, path)
            raise SinkUnavailableError(f"segment {path} cannot be written ({error.strerror})") from error
        except BaseException:
            self._undo(unfinished, path)
            raise
        self.heads.append(head)
        self._dirty = False
        return head

    def _write(self, path: Path, number: int, draft: Draft, each: Callable[[Lines], None] | None) -> Head:
        counts, lines = draft_blocks(draft)
        header = Header(number, self.last, datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), counts)
        packer = gzip_module().compressobj(_LEVEL, zlib.DEFLATED, GZIP)
        digest, size = sha256(), 0
        with path.open("wb") as file:

            def put(data: bytes) -> None:
                nonlocal size
                digest.update(data)
                size += len(data)
                file.write(data)

            put(packer.compress(header.line()))
            for some in lines:
                put(packer.compress(some.data))
                if each is not None:
                    each(some)
            put(packer.flush())
            file.flush()
            os.fsync(file.fileno())
        return header.head(size, digest.hexdigest())

    def _append_head(self, head: Head) -> None:
        with (self._directory / HEADS).open("ab") as file:
            file.write(head.line())
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(self._directory)

    def _undo(self, unfinished: Path, path: Path) -> None:
        """Take back a segment that was not written whole; where the disk refuses even this, recovery completes it."""
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
            heads = self._directory / HEADS
            if heads.exists():
                os.truncate(heads, sum(len(head.line()) for head in self.heads))
            path.unlink(missing_ok=True)

    def _follows(self, number: int, previous: str) -> Head:
        """Return the head of a segment that is there, once it is seen to be whole and to follow ``previous``."""
        path = segment_path(self._directory, number)
        header, size, digest = read_segment(path)
        if (header.segment, header.previous) != (number, previous):
            raise TrailError(f"segment {path} does not follow the one before; verify says where")
        return header.head(size, digest)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
