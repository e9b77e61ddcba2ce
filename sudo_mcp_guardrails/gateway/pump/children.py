"""The exchange with servers that are child processes: one for each session, behind the HTTP front."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.events import KEEP_ALIVE, Event
from sudo_mcp_guardrails.gateway.pump.heavy import released
from sudo_mcp_guardrails.gateway.pump.hub import Hub
from sudo_mcp_guardrails.gateway.pump.refusals import BUSY, INVALID_REQUEST, SERVER_GONE, RefusedError
from sudo_mcp_guardrails.gateway.pump.way import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.gateway.pump.exchange import Visit
    from sudo_mcp_guardrails.gateway.pump.limits import Limits
    from sudo_mcp_guardrails.gateway.pump.pending import Pending
    from sudo_mcp_guardrails.gateway.pump.sessions import Opened, Sessions

_KEEP_ALIVE: Final = 15.0


class ChildExchange:
    """Passes requests on to child processes.

    A session of the era of ``initialize`` has its child until it ends. By 2026-07-28 all requests of one principal and
    run share one, which ends with the guard, or when its place is needed and it has nothing to do.

    Args:
        command: The server.
        limits: Bounds; also of the number of children.
        way: Makes the way in which one child is started; started as it is when left out.
    """

    def __init__(self, command: Sequence[str], limits: Limits, way: Callable[[], Way] = Way) -> None:
        self._way = way
        self._command = command
        self._limits = limits
        self._hubs: dict[str, Hub] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Children start when they are needed."""

    async def close(self) -> None:
        """End all children."""
        await asyncio.gather(*(hub.stop() for hub in self._hubs.values()), *self._stopping)

    async def request(self, visit: Visit, message: bytes, sessions: Sessions) -> None:
        """Pass a request on, and its answer back.

        Raises:
            RefusedError: The server does not start, or ended.
        """
        pending = visit.pending
        assert pending is not None  # noqa: S101 - it is a request
        hub = await self._hub(visit)
        if pending.method == "initialize" and visit.opened is None:
            id = sessions.keep(visit.link, visit.principal, None)
            sessions.opened[id].own = hub
            visit.reply.headers.append((b"mcp-session-id", id.encode()))
        waiting = hub.ask(message)
        try:
            while True:
                said = await waiting.came.get()
                hub.took(said)
                if said is None:
                    raise RefusedError(SERVER_GONE, "the server ended; what was asked may have been done all the same")
                if await self._pass_on(said, visit, pending):
                    return
        finally:
            hub.leave(waiting)

    async def own(self, visit: Visit, message: bytes, id: str) -> bytes:
        """Ask the child something that no client did; return the answer.

        Raises:
            RefusedError: There is none.
        """
        hub = await self._hub(visit)
        waiting = hub.ask(message)
        try:
            while True:
                said = await waiting.came.get()
                hub.took(said)
                if said is None:
                    raise RefusedError(SERVER_GONE, "the server ended without an answer to the guard")
                if id.encode() in said:
                    return said
        finally:
            hub.leave(waiting)

    async def tell(self, visit: Visit, message: bytes) -> int:
        """Pass on what has no answer; return HTTP's status."""
        (await self._hub(visit)).tell(message)
        return 202

    async def listen(self, visit: Visit) -> None:
        """Pass back what the child says that is about no request.

        Raises:
            RefusedError: Somebody listens already.
        """
        hub = await self._hub(visit)
        if hub.listener is not None:
            raise RefusedError(INVALID_REQUEST, "a stream of this session is open already")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        hub.listener = queue
        try:
            await visit.reply.stream()
            await visit.reply.event(KEEP_ALIVE)
            while True:
                try:
                    said = await asyncio.wait_for(queue.get(), _KEEP_ALIVE)
                except asyncio.TimeoutError:
                    await visit.reply.event(KEEP_ALIVE)
                    continue
                hub.took(said)
                if said is None:
                    break
                step = await released(visit.link, said)
                if step.client is not None:
                    await visit.reply.event(Event().written(step.client))
        finally:
            hub.listener = None
        await visit.reply.end()

    async def end(self, visit: Visit) -> int:
        """End a session and its child; return HTTP's status."""
        hub = visit.opened.own if visit.opened is not None else None
        if hub is not None:
            await hub.stop()
        return 200

    def forget(self, opened: Opened) -> None:
        """End the child of a session that nobody uses."""
        self._end(opened.link.session.id)

    def _end(self, key: str) -> None:
        hub = self._hubs.pop(key, None)
        self._starting.pop(key, None)
        if hub is not None:
            task = asyncio.ensure_future(hub.stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    async def _hub(self, visit: Visit) -> Hub:
        key = visit.link.session.id
        async with self._starting.setdefault(key, asyncio.Lock()):
            hub = self._hubs.get(key)
            if hub is not None and hub.over and visit.opened is None:
                self._end(key)
                hub = None
            if hub is None:
                hub = await self._started(key)
        return hub

    async def _started(self, key: str) -> Hub:
        if len(self._hubs) >= self._limits.children:
            idle = next((each for each, hub in self._hubs.items() if hub.over), None)
            if idle is None:
                raise RefusedError(BUSY, f"{self._limits.children} servers run, try again later")
            self._end(idle)
        hub = Hub(self._limits, self._way())
        try:
            await hub.start(self._command)
        except GatewayError as error:
            raise RefusedError(SERVER_GONE, str(error)) from error
        self._hubs[key] = hub
        return hub

    async def _pass_on(self, said: bytes, visit: Visit, pending: Pending) -> bool:
        """Pass a message on; return whether it answered the request."""
        step = await released(visit.link, said)
        if step.server is not None:
            with suppress(RefusedError):
                await self.tell(visit, step.server)
        if step.about is pending and step.client is not None:
            await visit.reply.json(200, step.client)
            return True
        if step.client is not None:
            await visit.reply.stream()
            await visit.reply.event(Event().written(step.client))
        return False
