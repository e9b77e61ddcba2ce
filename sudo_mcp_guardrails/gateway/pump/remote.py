"""The exchange with a server at a URL: one request of ours for each of the client's, and none a second time."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.pump.duty import Duty
from sudo_mcp_guardrails.gateway.pump.events import Events
from sudo_mcp_guardrails.gateway.pump.exchange import upstream_headers
from sudo_mcp_guardrails.gateway.pump.headers import SESSION
from sudo_mcp_guardrails.gateway.pump.heavy import released
from sudo_mcp_guardrails.gateway.pump.refusals import SERVER_GONE, SERVER_MISBEHAVED, RefusedError
from sudo_mcp_guardrails.gateway.pump.relay import checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aiohttp

    from sudo_mcp_guardrails.gateway.pump.events import Event
    from sudo_mcp_guardrails.gateway.pump.exchange import Visit
    from sudo_mcp_guardrails.gateway.pump.pending import Pending
    from sudo_mcp_guardrails.gateway.pump.relay import Remote
    from sudo_mcp_guardrails.gateway.pump.sessions import Opened, Sessions

_OK: Final = 200
_NOT_FOUND: Final = 404
_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}\Z")
_PLAIN: Final = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
_OF_THE_CALL: Final = frozenset({"mcp-name", "last-event-id"})
_END_SECONDS: Final = 0.1
# About what it takes to read, check and send an event, and each of its bytes: what fairness counts.
_EVENT_COST: Final = 60e-6
_BYTE_COST: Final = 15e-9


class RemoteExchange:
    """Passes requests on to a URL.

    Args:
        remote: The server.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def open(self) -> None:
        """Get ready."""
        await self._remote.open()

    async def close(self) -> None:
        """End all connections."""
        await self._remote.close()

    async def request(self, visit: Visit, message: bytes, sessions: Sessions) -> None:
        """Pass a request on, and its answer back.

        Raises:
            RefusedError: The server cannot be reached, breaks off, or does not answer as it must.
        """
        async with self._remote.ask("POST", upstream_headers(visit), message) as response:
            given = response.headers.get(SESSION)
            if given is not None and visit.message is not None and visit.message.method == "initialize":
                if not _ID.match(given):
                    raise RefusedError(SERVER_MISBEHAVED, "the server's id of the session is not one")
                id = sessions.keep(visit.link, visit.principal, given)
                visit.reply.headers.append((b"mcp-session-id", id.encode()))
            if response.status == _NOT_FOUND and visit.opened is not None:
                sessions.close(visit.opened)
            await self._pass_on(response, visit, visit.pending)

    async def own(self, visit: Visit, message: bytes, id: str) -> bytes:
        """Ask the server something that no client did; return the answer.

        Raises:
            RefusedError: There is none.
        """
        headers = {name: value for name, value in upstream_headers(visit).items() if name not in _OF_THE_CALL}
        if visit.modern:
            headers["mcp-method"] = "tools/list"
        async with self._remote.ask("POST", {**headers, **_PLAIN}, message) as response:
            if checked(response) != "text/event-stream":
                return await self._remote.document(response)
            events = Events(self._remote.answer_bytes)
            async for chunk in response.content.iter_any():
                for event in events.feed(chunk):
                    if id.encode() in event.data:
                        return event.data
        raise RefusedError(SERVER_GONE, "the server ended the stream without an answer to the guard")

    async def tell(self, visit: Visit, message: bytes) -> int:
        """Pass on what has no answer; return HTTP's status."""
        async with self._remote.ask("POST", upstream_headers(visit), message) as response:
            checked(response)
            await self._remote.document(response)
            return response.status

    async def listen(self, visit: Visit) -> None:
        """Pass back the stream that a client opened by GET."""
        async with self._remote.ask("GET", upstream_headers(visit), b"") as response:
            await self._pass_on(response, visit, None)

    async def end(self, visit: Visit) -> int:
        """End a session; return HTTP's status."""
        async with self._remote.ask("DELETE", upstream_headers(visit), b"") as response:
            checked(response)
            await self._remote.document(response)
            return response.status

    def forget(self, opened: Opened) -> None:
        """Nothing is kept here."""

    async def _pass_on(self, response: aiohttp.ClientResponse, visit: Visit, pending: Pending | None) -> None:
        kind = checked(response)
        if kind == "text/event-stream" and response.status == _OK:
            await self._stream(response, visit, pending)
            return
        body = await self._remote.document(response)
        if pending is None or not body:
            await visit.reply.empty(response.status)
            return
        if kind != "application/json":
            raise RefusedError(SERVER_MISBEHAVED, f"the server answers {response.status} without JSON")
        step = await released(visit.link, body, pending)
        if step.client is None or step.about is not pending:
            raise RefusedError(SERVER_MISBEHAVED, "the server's answer is not one to the request")
        await visit.reply.json(response.status, step.client)

    async def _stream(self, response: aiohttp.ClientResponse, visit: Visit, pending: Pending | None) -> None:
        events, duty, resumable, answered = Events(self._remote.answer_bytes), Duty(), False, False
        await visit.reply.stream()
        async for chunk in response.content.iter_any():
            cost = len(chunk) * _BYTE_COST
            for event in events.feed(chunk):
                answered = await self._event(event, visit, pending) or answered
                resumable = resumable or event.id is not None
                cost += _EVENT_COST
            if answered:
                break
            pause = duty.spend(cost)
            if pause:
                await asyncio.sleep(pause)
        if pending is not None and not answered and (pending.modern or not resumable):
            raise RefusedError(SERVER_GONE, "the server ended the stream without an answer to the request")
        await visit.reply.end()
        if not response.content.at_eof():
            # Its end is a moment away; a connection that was read to it serves again.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(response.content.readany(), _END_SECONDS)

    async def _event(self, event: Event, visit: Visit, pending: Pending | None) -> bool:
        """Pass one event on; return whether it answered the request."""
        if not event.data:
            await visit.reply.event(event.written(b""))
            return False
        step = await released(visit.link, event.data)
        if step.client is not None:
            await visit.reply.event(event.written(step.client))
        if step.server is not None:
            await self.say(upstream_headers(visit), step.server)
        return pending is not None and step.about is pending

    async def say(self, headers: Mapping[str, str], message: bytes) -> None:
        """Tell the server something that no client did, such as that a request of its own is refused."""
        kept = {name: value for name, value in headers.items() if name.startswith("mcp-")}
        async with self._remote.ask("POST", {**kept, **_PLAIN}, message) as response:
            await self._remote.document(response)
