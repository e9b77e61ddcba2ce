"""gzip, piece by piece, in whole or as far as it goes."""

from __future__ import annotations

import contextlib
import zlib
from typing import TYPE_CHECKING, Any, Final

_zlib: Any = zlib
with contextlib.suppress(ImportError):
    from isal import isal_zlib as _zlib  # three times as fast

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP: Final = 4096
CUT_OFF: Final = "the gzip stream is cut off"


class DamagedError(Exception):
    """The rest of a file cannot be unpacked; what came before it has been yielded."""


def unpack(data: bytes, size: int) -> Iterator[bytes]:
    """Yield a file's bytes, unpacked where they are gzip, in pieces of at most ``size``.

    Args:
        data: as stored; several gzip members one after the other are one file.
        size: most bytes of a piece, so that a small file cannot take all memory by growing.

    Raises:
        DamagedError: after all that could be unpacked.
    """
    if not data.startswith(_MAGIC):
        for start in range(0, len(data), size):
            yield data[start : start + size]
        return
    while data:
        member = _zlib.decompressobj(_GZIP)
        given = data
        done = 0
        while not member.eof:
            try:
                piece = member.decompress(given, size)
            except (zlib.error, _zlib.error):
                # The faster library says nothing of what it could read between the last piece and the damage.
                yield from _salvage(data, done, size)
                return
            if not piece and not member.unconsumed_tail and not member.eof:
                raise DamagedError(CUT_OFF)
            given = member.unconsumed_tail
            done += len(piece)
            if piece:
                yield piece
        data = member.unused_data
        if data and not data.startswith(_MAGIC):
            if data.strip(b"\0"):  # zeros are padding
                raise DamagedError("bytes follow the end of the gzip stream")
            return


def _salvage(data: bytes, done: int, size: int) -> Iterator[bytes]:
    """Unpack once more, in small steps, what lies between the first ``done`` bytes and the damage."""
    member = zlib.decompressobj(_GZIP)
    for start in range(0, len(data), _STEP):
        given = data[start : start + _STEP]
        while given:
            try:
                piece = member.decompress(given, size)
            except zlib.error as error:
                raise DamagedError(f"the gzip stream is damaged: {error}") from None
            given = member.unconsumed_tail
            skipped = min(done, len(piece))
            done -= skipped
            if piece[skipped:]:
                yield piece[skipped:]
    raise DamagedError("the gzip stream is damaged")
