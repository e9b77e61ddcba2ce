"""One answer over HTTP: JSON at once, or a stream of events, and the reader's own pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.pump.events import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sudo_mcp_guardrails.gateway.pump.refusals import RefusedError

_JSON = (b"content-type", b"application/json")
_STREAM = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Reply:
    """What one request of a client is answered with.

    Args:
        send: ASGI's.

    Attributes:
        headers: What stands in its head beside the kind of content.
        streaming: Whether events have begun.
        ended: Whether it is complete.
    """

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self.headers: list[tuple[bytes, bytes]] = []
        self.streaming = False
        self.ended = False

    async def json(self, status: int, body: bytes) -> None:
        """Answer with a JSON document; within a stream, as its last event."""
        if self.streaming:
            await self.event(Event().written(body))
            await self.end()
            return
        length = (b"content-length", str(len(body)).encode())
        await self._start(status, (_JSON, length))
        await self._body(body)

    async def empty(self, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Answer without content; within a stream, by its end."""
        if self.streaming:
            await self.end()
            return
        await self._start(status, (*headers, (b"content-length", b"0")))
        await self._body(b"")

    async def refuse(self, error: RefusedError) -> None:
        """Answer with an error of ours."""
        self.headers += error.headers
        await self.json(error.status, error.answer())

    async def stream(self, status: int = 200) -> None:
        """Begin a stream of events."""
        if not self.streaming:
            self.streaming = True
            await self._start(status, _STREAM)

    async def event(self, written: bytes) -> None:
        """Send an event, or a comment; wait for a reader that does not keep up."""
        await self._send({"type": "http.response.body", "body": written, "more_body": True})

    async def end(self) -> None:
        """End the stream."""
        if not self.ended:
            await self._body(b"")

    async def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self.headers]})

    async def _body(self, body: bytes) -> None:
        self.ended = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
