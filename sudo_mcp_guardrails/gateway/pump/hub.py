"""One child process that serves several requests over HTTP: who asked what, under numbers of our own.

Clients number their requests as they like, and two may choose alike; so each request goes to the child under a number
of the hub's, as does its progress token, and what comes back gets its own again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump.child import Child
from sudo_mcp_guardrails.gateway.pump.duty import Duty
from sudo_mcp_guardrails.gateway.pump.envelope import SUBSCRIPTION_KEY
from sudo_mcp_guardrails.gateway.pump.lines import Lines
from sudo_mcp_guardrails.gateway.pump.messages import Kind, read
from sudo_mcp_guardrails.gateway.pump.refusals import SERVER_GONE, RefusedError, json_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.gateway.pump.limits import Limits
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.way import Way

_log = logging.getLogger(__name__)

# About what it takes to read, check and send a message, and each of its bytes: what fairness counts.
_MESSAGE_COST: Final = 80e-6
_BYTE_COST: Final = 30e-9


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that the child has not answered.

    Attributes:
        number: Under which the child knows it.
        id: Under which its client does.
        token: Its progress token; None where it has none.
        came: What the child said about it; None at the child's end. The last of it is the answer.
    """

    number: int
    id: str | int
    token: Any
    came: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)


class Hub:
    """A child, and who waits for it.

    Args:
        limits: Bounds.
        way: How the child is started.
    """

    def __init__(self, limits: Limits, way: Way) -> None:
        self._limits = limits
        self._way = way
        self._child: Child | None = None
        self._waiting: dict[int, Waiting] = {}
        self._count = 0
        self._queued = 0
        self._duty = Duty()
        self.listener: asyncio.Queue[bytes | None] | None = None
        self.over = False

    async def start(self, command: Sequence[str]) -> None:
        """Start the child.

        Raises:
            GatewayError: It does not start.
        """
        lines = Lines(self._limits.answer_bytes, self._said, lambda: _log.warning("too long a message was dropped"))
        self._child = await self._way.start(command, lambda: Child(lines, self._ended))

    async def stop(self) -> None:
        """End the child and all that it started."""
        self.over = True
        if self._child is not None:
            await self._child.stop()
        await self._way.close()

    def ask(self, raw: bytes) -> Waiting:
        """Send a request; what is said about it comes to the queue of what this returns.

        Raises:
            RefusedError: The child is gone.
        """
        body = read(raw, self._limits.depth).body
        if self.over or self._child is None:
            raise RefusedError(SERVER_GONE, "the server ended", body["id"])
        self._count += 1
        params = body.get("params", {})
        token = params.get("_meta", {}).get("progressToken")
        waiting = self._waiting[self._count] = Waiting(self._count, body["id"], token)
        if token is not None:
            params = {**params, "_meta": {**params["_meta"], "progressToken": self._count}}
            body = {**body, "params": params}
        self._child.send(json_bytes({**body, "id": self._count}))
        return waiting

    def tell(self, raw: bytes) -> None:
        """Send what has no answer; a cancellation under the number of what it cancels."""
        body = read(raw, self._limits.depth).body
        if body.get("method") == "notifications/cancelled":
            id = body["params"].get("requestId")
            for each in self._waiting.values():
                if each.id == id and type(each.id) is type(id):
                    body = {**body, "params": {**body["params"], "requestId": each.number}}
        if self._child is not None:
            self._child.send(json_bytes(body))

    def leave(self, waiting: Waiting) -> None:
        """Wait no more; where there was no answer yet, the child is told that nobody wants it."""
        if self._waiting.pop(waiting.number, None) is not None and self._child is not None and not self.over:
            cancel = {"requestId": waiting.number, "reason": "the client left, or its time is over"}
            self._child.send(json_bytes({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}))
        while not waiting.came.empty():
            self.took(waiting.came.get_nowait())

    def took(self, message: bytes | None) -> None:
        """Note that a reader took a message: the child is read on when few wait."""
        self._queued -= len(message or b"")
        if self._child is not None and self._queued <= self._limits.buffered_bytes:
            self._child.resume()

    def _said(self, line: bytes) -> None:
        try:
            message = read(line, self._limits.depth)
        except RefusedError as error:
            number = error.id
            waiting = self._waiting.pop(number, None) if isinstance(number, int) else None
            if waiting is not None:
                self._give(waiting.came, RefusedError(SERVER_GONE, error.message, waiting.id).answer())
            return
        if message.kind is Kind.ANSWER:
            waiting = self._waiting.pop(message.id, None) if isinstance(message.id, int) else None
            if waiting is not None:
                self._give(waiting.came, json_bytes({**message.body, "id": waiting.id}))
            return
        self._unasked(message)
        pause = self._duty.spend(_MESSAGE_COST + len(line) * _BYTE_COST)
        if pause and self._child is not None:
            self._child.pause()
            asyncio.get_running_loop().call_later(pause, self.took, None)

    def _unasked(self, message: Message) -> None:
        params = message.params
        if message.method == "notifications/progress":
            waiting = self._of(params.get("progressToken"))
            if waiting is not None and waiting.token is not None:
                changed = {**params, "progressToken": waiting.token}
                self._give(waiting.came, json_bytes({**message.body, "params": changed}))
            return
        found = params.get("_meta")
        subscription = found.get(SUBSCRIPTION_KEY) if isinstance(found, dict) else None
        if isinstance(found, dict) and subscription is not None:
            waiting = self._of(subscription)
            if waiting is not None:
                changed = {**params, "_meta": {**found, SUBSCRIPTION_KEY: waiting.id}}
                self._give(waiting.came, json_bytes({**message.body, "params": changed}))
            return
        # On one pipe nothing else says whom it is for: whoever asked last, else whoever listens, else nobody.
        last = next(reversed(self._waiting.values()), None)
        target = last.came if last is not None else self.listener
        if target is not None:
            self._give(target, message.raw)

    def _of(self, number: object) -> Waiting | None:
        known = isinstance(number, (int, str)) and str(number).isdigit()
        return self._waiting.get(int(number)) if known else None  # type: ignore[call-overload]  # what `known` says

    def _give(self, queue: asyncio.Queue[bytes | None], message: bytes) -> None:
        queue.put_nowait(message)
        self._queued += len(message)
        if self._queued > self._limits.buffered_bytes and self._child is not None:
            self._child.pause()

    def _ended(self, code: int | None) -> None:
        self.over = True
        _log.warning("the server ended with code %s", code)
        for waiting in self._waiting.values():
            waiting.came.put_nowait(None)
        if self.listener is not None:
            self.listener.put_nowait(None)
        self._waiting.clear()
