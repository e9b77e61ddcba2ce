"""Server-sent events: read one by one, and written anew, so that the client's reader has nothing else to read.

Only the default kind of event carries messages. Comments keep connections open, and say nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.gateway.pump.refusals import SERVER_MISBEHAVED, RefusedError

KEEP_ALIVE: Final = b": keep-alive\n\n"
_END: Final = re.compile(rb"\r\n|\n|\r")
_ID: Final = re.compile(rb"[\x20-\x7e]{0,1024}\Z")
_RETRY: Final = re.compile(rb"[0-9]{1,9}\Z")
_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        data: What it carries; empty for one that only sets an id or a delay.
        id: Where a client may resume, or None.
        retry: Milliseconds that a client waits before that, or None.
    """

    data: bytes = b""
    id: bytes | None = None
    retry: bytes | None = None

    def written(self, data: bytes) -> bytes:
        """Return it as bytes, with other data."""
        head = b"" if self.id is None else b"id: " + self.id + b"\n"
        head += b"" if self.retry is None else b"retry: " + self.retry + b"\n"
        # A line's end in JSON is white space between tokens: never part of a string.
        return head + b"event: message\ndata: " + b"\ndata: ".join(_END.split(data)) + b"\n\n"


class Events:
    """Reads a stream of events.

    Args:
        limit: Bytes of one event.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._first = True
        self._data: list[bytes] = []
        self._size = 0
        self._id: bytes | None = None
        self._retry: bytes | None = None
        self._kind = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that ended with this chunk.

        Raises:
            RefusedError: One is larger than allowed.
        """
        text = self._rest + chunk
        if self._first and len(text) >= len(_MARK):
            text, self._first = text.removeprefix(_MARK), False
        # A CR at the end may be half of a line's end.
        whole = len(text) - 1 if text.endswith(b"\r") else len(text)
        lines = _END.split(text[:whole])
        self._rest = lines.pop() + text[whole:]
        if len(self._rest) + self._size > self._limit:
            raise RefusedError(SERVER_MISBEHAVED, f"an event of more than {self._limit} bytes is not allowed")
        found = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                found.append(event)
        return found

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._end()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value) + 1
            if self._size > self._limit:
                raise RefusedError(SERVER_MISBEHAVED, f"an event of more than {self._limit} bytes is not allowed")
            self._data.append(value)
        elif name == b"event":
            self._kind = value
        elif name == b"id" and _ID.match(value):
            self._id = value
        elif name == b"retry" and _RETRY.match(value):
            self._retry = value
        return None

    def _end(self) -> Event | None:
        data, kind, event = b"\n".join(self._data), self._kind, None
        if kind in {b"", b"message"} and (self._data or self._id is not None or self._retry is not None):
            event = Event(data, self._id, self._retry)
        self._data, self._size, self._id, self._retry, self._kind = [], 0, None, None, b""
        return event
