"""The guard on streamable HTTP: an ASGI application, for clients of both eras."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump import envelope
from sudo_mcp_guardrails.gateway.pump.events import KEEP_ALIVE, Event
from sudo_mcp_guardrails.gateway.pump.exchange import Visit
from sudo_mcp_guardrails.gateway.pump.front import PATH, body_of
from sudo_mcp_guardrails.gateway.pump.headers import CONTEXT, METHOD, SESSION, VERSION, Mirrors, agree, fold, forwarded
from sudo_mcp_guardrails.gateway.pump.heavy import warmed
from sudo_mcp_guardrails.gateway.pump.link import Link
from sudo_mcp_guardrails.gateway.pump.looking import Look, is_due
from sudo_mcp_guardrails.gateway.pump.messages import Kind, read
from sudo_mcp_guardrails.gateway.pump.refusals import HEADER_MISMATCH, INTERNAL_ERROR, INVALID_REQUEST, RefusedError
from sudo_mcp_guardrails.gateway.pump.reply import Reply
from sudo_mcp_guardrails.gateway.pump.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sudo_mcp_guardrails.gateway.pump.exchange import Exchange
    from sudo_mcp_guardrails.gateway.pump.front import Door
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Pending, Shared, Step
    from sudo_mcp_guardrails.gateway.pump.sessions import Opened, Sessions

_log = logging.getLogger(__name__)

_KEEP_ALIVE: Final = 15.0
_ALLOWED: Final = (b"allow", b"POST, GET, DELETE")


class NoSessionError(RefusedError):
    """A session that is not there, or another's: its client begins anew."""

    def __init__(self) -> None:
        super().__init__(INVALID_REQUEST, "there is no such session, begin with 'initialize'")

    @property
    def status(self) -> int:
        """HTTP's status for it."""
        return 404


class HttpPump:
    """The ASGI application.

    Args:
        shared: What all links to the server share.
        door: Who may come in.
        sessions: Whose requests are whose.
        exchange: What lies behind.
    """

    def __init__(self, shared: Shared, door: Door, sessions: Sessions, exchange: Exchange) -> None:
        self._shared = shared
        self._door = door
        self._sessions = sessions
        self._exchange = exchange
        self._mirrors = Mirrors()
        self._looking = asyncio.Lock()

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        reply, watch = Reply(send), Watch(receive)
        try:
            await self._answer(scope, receive, reply, watch)
        except RefusedError as error:
            await reply.refuse(error)
        except asyncio.CancelledError:
            if not watch.caught():
                raise
            if watch.why == "time":
                await reply.refuse(RefusedError(INVALID_REQUEST, "the request's body did not come in time"))
        except Exception:  # noqa: BLE001 - a bug of ours refuses one request, and is logged with its trace
            _log.exception("internal error of the guard, which refuses the request")
            if not reply.ended:
                await reply.refuse(RefusedError(INTERNAL_ERROR, "internal error of the guard"))
        finally:
            watch.close()

    async def _answer(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], reply: Reply, watch: Watch
    ) -> None:
        headers = fold(scope["headers"])
        principal = self._door.admit(headers)
        if scope["path"] != PATH:
            await reply.empty(404)
        elif scope["method"] == "POST":
            watch.until(self._shared.limits.body_seconds)
            raw = await body_of(receive, headers, self._shared.limits.request_bytes)
            watch.until(float("inf"))
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                await reply.empty(415)
                return
            visit, message = self._visit(read(raw, self._shared.limits.depth), headers, principal, reply)
            watch.until(self._shared.limits.look_patience)
            await self._ready(visit, message)
            watch.until(float("inf"))
            step = self._take(visit, message, headers)
            watch.listen()
            await self._go(visit, step, watch)
        elif scope["method"] in {"GET", "DELETE"}:
            await self._session(scope["method"], headers, principal, reply, watch)
        else:
            await reply.empty(405, (_ALLOWED,))

    async def _ready(self, visit: Visit, message: Message) -> None:
        """Look at the server's tools where that is due, and look up what a long call means."""
        async with self._looking:
            if is_due(visit.link, message, visit.link.now()):
                await self._look(visit, Look(visit.link, message, visit.link.now))
        await warmed(self._shared.guard, message)

    async def _look(self, visit: Visit, look: Look) -> None:
        try:
            while not look.take(
                read(await self._exchange.own(visit, look.request(), look.id), visit.link.limits.depth)
            ):
                pass
        except (RefusedError, asyncio.CancelledError) as error:
            _log.warning("the tools of the server could not be looked at, so their calls are denied: %s", error)
            look.failed()
            if isinstance(error, asyncio.CancelledError):
                raise

    def _visit(self, message: Message, headers: dict[str, str], principal: str, reply: Reply) -> tuple[Visit, Message]:
        """Return the visit that a message makes, before it is judged.

        Raises:
            RefusedError: It is not passed.
        """
        found = envelope.meta(message.params)
        request = message.kind is Kind.REQUEST
        modern = agree(headers, message, found) if request else _says_modern(headers, message)
        if message.kind is Kind.ANSWER and headers.get(SESSION) is None:
            raise RefusedError(INVALID_REQUEST, "an answer is not allowed outside of a session")
        opened = None if modern else self._opened(headers, principal)
        if opened is not None:
            link = opened.link
        elif not modern and message.method == "initialize":
            link = Link(self._shared, self._sessions.new(principal, headers.get(CONTEXT)))
        else:
            session = self._sessions.keyed(principal, headers.get(CONTEXT), envelope.trace(found))
            link = Link(self._shared, session)
        return Visit(principal, link, opened, forwarded(headers, message), reply, message, modern=modern), message

    def _take(self, visit: Visit, message: Message, headers: dict[str, str]) -> Step:
        """Return what a message does.

        Raises:
            RefusedError: It is not passed.
        """
        if visit.modern and message.method == "tools/call":
            definition = self._shared.definitions.get(str(message.params.get("name")))
            own = self._mirrors.check(headers, message, definition)
            visit.headers.update((name, headers[name]) for name in own)
        step = visit.link.take(message)
        visit.pending = step.about if message.kind is Kind.REQUEST else None
        return step

    def _opened(self, headers: dict[str, str], principal: str) -> Opened | None:
        id = headers.get(SESSION)
        if id is None:
            return None
        opened = self._sessions.find(id, principal)
        if opened is None:
            raise NoSessionError
        return opened

    async def _go(self, visit: Visit, step: Step, watch: Watch) -> None:
        about = step.about
        if visit.pending is not None:
            await self._request(visit, visit.pending, step, watch)
        elif about is not None and about.waiter is not None:
            # A person answered: whoever waits for that goes on.
            if not about.waiter.done():
                about.waiter.set_result(step)
            await visit.reply.empty(202)
        elif step.server is not None:
            watch.until(self._shared.limits.call_seconds)
            await visit.reply.empty(await self._exchange.tell(visit, step.server))
        else:
            await visit.reply.empty(202)

    async def _request(self, visit: Visit, pending: Pending, step: Step, watch: Watch) -> None:
        link, reply = visit.link, visit.reply
        try:
            if pending.held and step.client is not None:
                step = await self._held(visit, pending, step.client)
            if step.client is not None:
                await reply.json(200, step.client)
            if step.server is not None:
                watch.until(pending.deadline - link.now())
                await self._exchange.request(visit, step.server, self._sessions)
        except RefusedError as error:
            link.drop(pending, error.message)
            error.id = pending.id
            await reply.refuse(error)
        except asyncio.CancelledError:
            if not watch.caught():
                raise
            if watch.why == "time":
                late = link.lapse(pending)
                await reply.json(504, late.client or b"")
                if late.server is not None and visit.opened is not None:
                    await self._exchange.tell(visit, late.server)
            elif pending.modern or pending.held or visit.opened is None:
                link.drop(pending, "the client left")

    async def _held(self, visit: Visit, pending: Pending, question: bytes) -> Step:
        """Ask on the stream that answers the call, and wait for what another request brings."""
        await visit.reply.stream()
        await visit.reply.event(Event().written(question))
        pending.waiter = asyncio.get_running_loop().create_future()
        while True:
            left = pending.deadline - visit.link.now()
            if left <= 0:
                return visit.link.lapse(pending)
            done, _ = await asyncio.wait({pending.waiter}, timeout=min(left, _KEEP_ALIVE))
            if done:
                step: Step = pending.waiter.result()
                return step
            await visit.reply.event(KEEP_ALIVE)

    async def _session(self, method: str, headers: dict[str, str], principal: str, reply: Reply, watch: Watch) -> None:
        opened = self._opened(headers, principal)
        if opened is None or headers.get(VERSION) not in {None, *envelope.HANDSHAKE_VERSIONS}:
            await reply.empty(405, (_ALLOWED,))
            return
        passed = forwarded(headers, None)
        visit = Visit(principal, opened.link, opened, passed, reply)
        watch.listen()
        if method == "GET":
            await self._exchange.listen(visit)
            return
        watch.until(self._shared.limits.body_seconds)
        status = await self._exchange.end(visit)
        if status not in {405, 501}:
            self._sessions.close(opened)
            self._exchange.forget(opened)
        await reply.empty(status)

    async def tidy(self) -> None:
        """Once a second: forget sessions that nobody uses, and requests whose answer did not come."""
        while True:
            await asyncio.sleep(1.0)
            for opened in self._sessions.expire():
                self._exchange.forget(opened)
            for opened in list(self._sessions.opened.values()):
                for step in opened.link.expire(_GRACE):
                    _log.debug("a request of a client that left had no answer in time: %s", step.about)


_GRACE: Final = 5.0
"""Seconds after which the sweep takes a request whose own timer should have done so."""


def _says_modern(headers: dict[str, str], message: Message) -> bool:
    if headers.get(METHOD, message.method) != message.method:
        raise RefusedError(HEADER_MISMATCH, f"header {METHOD!r} is not the body's method", message.id)
    return headers.get(VERSION, envelope.HANDSHAKE_VERSIONS[0]) not in envelope.HANDSHAKE_VERSIONS
