"""One file of the segment log: where it lies, its header, and how it is read and checked on the way."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.heads import Head, chained
from sudo_mcp_guardrails.trail.segment_lines import BLOCKS, Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEGMENTS: Final = "segments"
FORMAT: Final = 1
_NAME: Final = re.compile(r"(\d{9})\.ndjson\.gz")
_READ: Final = 1 << 16  # a thousand times as much comes of it at worst
_LONGEST_LINE: Final = 1 << 30
GZIP: Final = 31  # zlib's wbits: a gzip header without a time, so that the same lines give the same bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a segment.

    Attributes:
        segment: its number, from 1.
        previous: the head that it follows.
        time: when it was written, UTC.
        lines: how many lines each block has.
    """

    segment: int
    previous: str
    time: str
    lines: dict[str, int]

    def line(self) -> bytes:
        """Return the line, with its newline."""
        values = {"format": FORMAT, "segment": self.segment, "previous": self.previous, "time": self.time, **self.lines}
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"

    def head(self, size: int, digest: str) -> Head:
        """Return the line of the chain for a file of ``size`` bytes and this SHA-256."""
        return Head(
            segment=self.segment,
            events=self.lines["events"],
            amendments=self.lines["amendments"],
            dead_letters=self.lines["dead_letters"],
            sources=self.lines["sources"],
            time=self.time,
            size=size,
            sha256=digest,
            previous=self.previous,
            head=chained(self.previous, digest),
        )


def segment_path(directory: Path, number: int) -> Path:
    """Return where a segment lies."""
    return directory / SEGMENTS / f"{number:09d}.ndjson.gz"


def segment_numbers(directory: Path) -> list[int]:
    """Return the numbers of the segments that lie in a store, in order."""
    try:
        names = [path.name for path in (directory / SEGMENTS).iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def read_segment(path: Path, each: Callable[[Lines], None] | None = None) -> tuple[Header, int, str]:
    """Read a segment to its end.

    Args:
        path: where it lies.
        each: called with each line.

    Returns:
        Its header, the size of its file, and the file's SHA-256.

    Raises:
        TrailError: it cannot be read, is damaged or cut off, or says other than it holds.
    """
    digest, size = sha256(), 0

    def chunks(file: BinaryIO) -> Iterator[bytes]:
        nonlocal size
        while chunk := file.read(_READ):
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    try:
        with path.open("rb") as file:
            lines = _unpacked_lines(chunks(file))
            header = _header(next(lines, b""), path)
            for block in BLOCKS:
                for _ in range(header.lines[block]):
                    line = next(lines, None)
                    if line is None:
                        raise TrailError(f"segment {path} ends before its {block} do")
                    if each is not None:
                        each(Lines(block, line, len(line)))
            if next(lines, None) is not None:
                raise TrailError(f"segment {path} holds more lines than its header counts")
    except OSError as error:
        raise TrailError(f"segment {path} cannot be read ({error.strerror})") from error
    except (ValueError, zlib.error, gzip_module().error) as error:
        raise TrailError(f"segment {path} is damaged ({error})") from error
    return header, size, digest.hexdigest()


def _unpacked_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of one gzip member, each with its newline."""
    unpacker = gzip_module().decompressobj(GZIP)
    rest: list[bytes] = []
    held = 0
    for chunk in chunks:
        if unpacker.eof:
            raise ValueError("bytes follow the end of the gzip stream")
        *whole, last = unpacker.decompress(chunk).split(b"\n")
        if whole:
            yield b"".join((*rest, whole[0], b"\n"))
            yield from (line + b"\n" for line in whole[1:])
            rest, held = [], 0
        rest.append(last)
        held += len(last)
        if held > _LONGEST_LINE:
            raise ValueError(f"a line has more than {_LONGEST_LINE} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the gzip stream is cut off" if not unpacker.eof else "bytes follow the gzip stream")
    if any(rest):
        raise ValueError("the last line is cut off")


def _header(line: bytes, path: Path) -> Header:
    found = json.loads(line)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise TrailError(f"segment {path} is of another format than {FORMAT}")
    lines = {block: found.get(block, -1) for block in BLOCKS}
    header = Header(found.get("segment", 0), found.get("previous", ""), found.get("time", ""), lines)
    if header.line() != line or not all(type(count) is int and count >= 0 for count in lines.values()):
        raise TrailError(f"segment {path} has no header that could have been written")
    return header


def gzip_module() -> Any:  # noqa: ANN401 - two modules with one interface
    """Return isal's zlib, three times as fast, else the standard library's."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 - of the extra
    except ImportError:
        return zlib
    return isal_zlib
