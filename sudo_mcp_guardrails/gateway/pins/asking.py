"""Ask a server for all that it says of itself, so that a person can pin it.

No SDK stands between: what is pinned is what the server wrote. Nothing is called but lists. Where a server answers the
same question twice in different ways, it cannot be pinned, and the caller asks twice to see that.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, LISTS, Snapshot, introduction_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS: Final = 60.0
"""How long one answer may take; servers that fetch something at start are slow."""
MAX_MESSAGE: Final = 16 * 1024 * 1024
"""Longest message, in bytes."""
_MAX_PAGES: Final = 100
_MAX_STRANGERS: Final = 1_000
_NOT_FOUND: Final = -32601
_CLIENT: Final = {"name": "mcp-guardrails", "version": "1"}


class Line(Protocol):
    """A way to a server: one message there, one back."""

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a request or a notification."""
        ...

    async def receive(self) -> Mapping[str, Any]:
        """Return the next message of the server."""
        ...


async def ask(line: Line, era: str) -> Snapshot | None:
    """Return what a server says of itself in one era.

    Args:
        line: Freshly opened.
        era: One of :data:`~sudo_mcp_guardrails.gateway.pins.snapshot.ERAS`.

    Returns:
        None where the server does not know the era.

    Raises:
        PinError: It answers with something else than the protocol says, or not in time.
    """
    asker = _Asker(line, era)
    if era == ERAS[0]:
        parameters = {"protocolVersion": era, "capabilities": {}, "clientInfo": _CLIENT}
        introduction = await asker.request("initialize", parameters)
        if introduction is not None:
            await line.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    else:
        introduction = await asker.request("server/discover", {}, refusable=True)
        if introduction is not None and era not in introduction.get("supportedVersions", ()):
            return None
    if introduction is None:
        return None
    capabilities = introduction.get("capabilities")
    known = capabilities if isinstance(capabilities, dict) else {}
    lists: dict[str, Sequence[Mapping[str, Any]]] = {}
    for kind in LISTS:
        if ("resources" if kind == "resourceTemplates" else kind) in known:
            lists[kind] = await asker.pages(kind)
    return Snapshot(era, introduction_of(introduction), lists)


class _Asker:
    def __init__(self, line: Line, era: str) -> None:
        self._line, self._era, self._number = line, era, 0

    async def request(
        self, method: str, parameters: Mapping[str, Any], *, refusable: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the result of a request; None for one that the server does not know and may refuse."""
        self._number += 1
        meta = {
            "io.modelcontextprotocol/protocolVersion": self._era,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": _CLIENT,
        }
        stateless = self._era != ERAS[0]
        await self._line.send(
            {
                "jsonrpc": "2.0",
                "id": self._number,
                "method": method,
                "params": {**parameters, "_meta": meta} if stateless else parameters,
            }
        )
        try:
            answer = await asyncio.wait_for(self._answer(), SECONDS)
        except asyncio.TimeoutError:
            raise PinError(f"the server did not answer {method} within {SECONDS:.0f} s") from None
        if "error" in answer:
            if refusable or (isinstance(answer["error"], dict) and answer["error"].get("code") == _NOT_FOUND):
                return None
            raise PinError(f"the server answered {method} with error {json.dumps(answer['error'])[:300]}")
        result = answer.get("result")
        if not isinstance(result, dict):
            raise PinError(f"the server's answer to {method} has no result; got {json.dumps(answer)[:300]}")
        return result

    async def pages(self, kind: str) -> list[Mapping[str, Any]]:
        """Return a list, all of its pages."""
        found: list[Mapping[str, Any]] = []
        cursor: dict[str, Any] = {}
        for _ in range(_MAX_PAGES):
            result = await self.request(LISTS[kind][0], cursor)
            page = [] if result is None else result.get(kind)
            if not isinstance(page, list):
                raise PinError(f"the server's answer to {LISTS[kind][0]} has no list {kind!r}")
            found += page
            if result is None or not result.get("nextCursor"):
                return found
            cursor = {"cursor": result["nextCursor"]}
        raise PinError(f"the server's list of {kind} has more than {_MAX_PAGES} pages")

    async def _answer(self) -> Mapping[str, Any]:
        """Return the answer to the last request; the server's own requests are refused, notifications dropped."""
        for _ in range(_MAX_STRANGERS):
            message = await self._line.receive()
            if message.get("id") == self._number and "method" not in message:
                return message
            if "method" in message and "id" in message:
                refusal = {"code": _NOT_FOUND, "message": "this client has no capabilities"}
                await self._line.send({"jsonrpc": "2.0", "id": message["id"], "error": refusal})
        raise PinError(f"the server sent {_MAX_STRANGERS} messages, none of which answers")
