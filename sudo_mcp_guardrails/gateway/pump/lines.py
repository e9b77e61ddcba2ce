"""Messages on a pipe: one a line, none longer than allowed, and a writer that waits for its reader."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Lines:
    """Cuts what comes from a pipe into lines.

    Args:
        limit: Bytes of a line. A longer one is skipped to its end, and never held whole.
        on_line: Called with each line that is not empty, without its end.
        on_long: Called once for each line that is too long.
    """

    def __init__(self, limit: int, on_line: Callable[[bytes], None], on_long: Callable[[], None]) -> None:
        self._limit = limit
        self._on_line = on_line
        self._on_long = on_long
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end])
            start = end + 1
            line = b"".join(self._parts).strip(b" \t\r")
            self._parts.clear()
            self._size = 0
            if self._skipping:
                self._skipping = False
            elif line:
                self._on_line(line)
        if start < len(data):
            self._take(data[start:])

    def _take(self, part: bytes) -> None:
        if self._skipping:
            return
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
            self._skipping = True
            self._on_long()
        else:
            self._parts.append(part)


class PipeReader(asyncio.Protocol):
    """What comes from a pipe, to be paused when what it leads to does not keep up.

    Args:
        lines: What cuts it.
        on_end: Called once, when there is no more.
    """

    def __init__(self, lines: Lines, on_end: Callable[[], None]) -> None:
        self._lines = lines
        self._on_end = on_end
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, for its pauses."""
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut it into lines."""
        self._lines.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that there is no more."""
        del exc
        self._on_end()

    def pause(self) -> None:
        """Read no more, until :meth:`resume`."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


class PipeWriter(asyncio.BaseProtocol):
    """What goes to a pipe.

    Args:
        on_full: Called when its reader does not keep up.
        on_drained: Called when it does again.
        on_lost: Called once, when there is no reader.
    """

    def __init__(
        self, on_full: Callable[[], None], on_drained: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self._on_full = on_full
        self._on_drained = on_drained
        self._on_lost = on_lost

    def pause_writing(self) -> None:
        """Say that it is full."""
        self._on_full()

    def resume_writing(self) -> None:
        """Say that it drained."""
        self._on_drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that nobody reads."""
        del exc
        self._on_lost()
