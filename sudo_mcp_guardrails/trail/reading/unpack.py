"""gzip, in whole or as far as it goes."""

from __future__ import annotations

import contextlib
import zlib
from typing import Any, Final

_zlib: Any = zlib
with contextlib.suppress(ImportError):
    from isal import isal_zlib as _zlib  # three times as fast

MAX_FILE_BYTES: Final = 128 * 1024 * 1024
"""Most that one file may hold, uncompressed. CloudTrail's own hold a few; the bound keeps memory flat, and a small
file from growing without end when it is unpacked."""

_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS


def unpack(data: bytes, limit: int = MAX_FILE_BYTES) -> tuple[bytes, str | None]:
    """Return a file's bytes, unpacked where they are gzip, and what is wrong with them in one line, or None.

    Args:
        data: as stored; several gzip members one after the other are one file.
        limit: most bytes to return.

    Returns:
        All that could be unpacked, also where the end is missing or damaged.
    """
    if not data.startswith(_MAGIC):
        return (data, None) if len(data) <= limit else (data[:limit], _too_large(limit))
    parts: list[bytes] = []
    room = limit
    while data:
        member = _zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(data, room + 1)
        except (zlib.error, _zlib.error):
            # The faster library says nothing of what it could read before the damage.
            part, problem = _salvage(data, room + 1)
            parts.append(part)
            return b"".join(parts)[:limit], problem
        parts.append(part)
        room -= len(part)
        if room < 0:
            return b"".join(parts)[:limit], _too_large(limit)
        if not member.eof:
            return b"".join(parts), "the gzip stream is cut off"
        data = member.unused_data
        if data and not data.startswith(_MAGIC):
            return b"".join(parts), None if not data.strip(b"\0") else "bytes follow the end of the gzip stream"
    return b"".join(parts), None


def _salvage(data: bytes, room: int) -> tuple[bytes, str]:
    """Unpack in small steps until the damage."""
    member = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    step = 4096
    for start in range(0, len(data), step):
        try:
            part = member.decompress(data[start : start + step], max(room, 1))
        except zlib.error as error:
            return b"".join(parts), f"the gzip stream is damaged: {error}"
        parts.append(part)
        room -= len(part)
        if room <= 0 or member.eof:
            break
    return b"".join(parts), "the gzip stream is damaged"


def _too_large(limit: int) -> str:
    return f"the file holds more than {limit} bytes, which is the most that is read of one"
