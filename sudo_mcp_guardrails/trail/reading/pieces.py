"""Cut a large file between its records, so that one file never takes more memory than a piece of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.reading.split import is_whole_list, list_start, split
from sudo_mcp_guardrails.trail.reading.unpack import DamagedError, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES: Final = 32 * 1024 * 1024
"""Most of a file that is read at once. CloudTrail's own files hold a few megabytes."""
MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
"""Longest record that is looked for the end of. CloudTrail's events have at most 256 KB."""

_BOM: Final = b"\xef\xbb\xbf"
_BETWEEN: Final = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_BLOCK_BYTES: Final = 1024 * 1024
_TRIES: Final = 64


@dataclass(slots=True)
class Piece:
    """A part of a file with whole records in it, as a list, as lines, or as the file itself.

    Attributes:
        text: without leading space.
        problem: what is wrong with what follows, in one line; in the last piece alone.
        last: whether it is the last.
    """

    text: bytes
    problem: str | None = None
    last: bool = False


def pieces(data: bytes, size: int = PIECE_BYTES) -> Iterator[Piece]:
    """Yield the pieces of a file; at least one."""
    held = b""
    in_list: bool | None = None  # not known before there is more than one piece
    for block, problem in _blocks(data, size):
        if block is None:
            yield Piece(_listed(held) if in_list else held, problem, last=True)
            return
        held += block
        if in_list is None:
            held = held.removeprefix(_BOM).lstrip()
        if len(held) < size:
            continue
        if in_list is None:
            if not held.startswith((b"{", b"[")):
                yield Piece(held, last=True)  # no trail, and the rest would be none either
                return
            start = list_start(held)
            in_list = start is not None
            held = held[start:]
        text, held = _cut_list(held) if in_list else _cut_lines(held)
        if text:
            yield Piece(text)
        if len(held) > MAX_RECORD_BYTES:
            yield Piece(_listed(held) if in_list else held, f"no record ends within {len(held)} bytes", last=True)
            return


def _blocks(data: bytes, size: int) -> Iterator[tuple[bytes | None, str | None]]:
    """Yield what is unpacked, and at the end None and what is wrong with the rest."""
    # The libraries unpack small blocks twice as fast as they let one large one grow.
    parts: list[bytes] = []
    held = 0
    try:
        for block in unpack(data, min(size, _BLOCK_BYTES)):
            parts.append(block)
            held += len(block)
            if held >= size:
                yield b"".join(parts), None
                parts, held = [], 0
    except DamagedError as error:
        if parts:
            yield b"".join(parts), None
        yield None, str(error)
    else:
        if parts:
            yield b"".join(parts), None
        yield None, None


def _listed(held: bytes) -> bytes:
    """Return the end of a list as a list."""
    return b"[" + held


def _cut_lines(held: bytes) -> tuple[bytes, bytes]:
    """Cut after the last whole line."""
    end = held.rfind(b"\n") + 1
    return held[:end].lstrip(), held[end:].lstrip()


def _cut_list(held: bytes) -> tuple[bytes, bytes]:
    """Cut between two items of a list; the items in front come as a list."""
    # What looks like a boundary may lie inside an item: then the part in front of it is no list.
    ends = [found.start() + 1 for found in _BETWEEN.finditer(held, max(0, len(held) - len(held) // 8))]
    for end in reversed(ends[-_TRIES:]):
        text = b"[" + held[:end] + b"]"
        if is_whole_list(text):
            return text, held[end:].lstrip(b" \t\r\n,")
    patient = split(b"[" + held)
    if not patient.records:
        return b"", held
    return b"[" + b",".join(patient.records) + b"]", patient.rest
