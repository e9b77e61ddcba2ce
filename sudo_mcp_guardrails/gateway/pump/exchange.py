"""What the HTTP front and what lies behind it (a URL, or a child process) say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.pump.link import Link
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Pending
    from sudo_mcp_guardrails.gateway.pump.reply import Reply
    from sudo_mcp_guardrails.gateway.pump.sessions import Opened, Sessions


@dataclass(slots=True)
class Visit:
    """One request over HTTP, admitted.

    Attributes:
        principal: Whose.
        link: The client and the server.
        opened: The session that it is part of; None outside of one.
        headers: Those that may go on to the server.
        reply: Its answer.
        message: What was posted; None with GET and DELETE.
        pending: The request in it that goes on.
        modern: Whether it is of 2026-07-28 or later.
    """

    principal: str
    link: Link
    opened: Opened | None
    headers: dict[str, str]
    reply: Reply
    message: Message | None = None
    pending: Pending | None = None
    modern: bool = False


class Exchange(Protocol):
    """What lies behind the front."""

    async def open(self) -> None:
        """Get ready."""
        ...

    async def close(self) -> None:
        """End all."""
        ...

    async def request(self, visit: Visit, message: bytes, sessions: Sessions) -> None:
        """Pass a request on, and its answer back."""
        ...

    async def own(self, visit: Visit, message: bytes, id: str) -> bytes:
        """Send a ``tools/list`` of the guard's own, under its ``id``; return the answer."""
        ...

    async def tell(self, visit: Visit, message: bytes) -> int:
        """Pass on what has no answer; return HTTP's status."""
        ...

    async def listen(self, visit: Visit) -> None:
        """Pass back what the server says of itself, until one side ends it."""
        ...

    async def end(self, visit: Visit) -> int:
        """End a session; return HTTP's status."""
        ...

    def forget(self, opened: Opened) -> None:
        """Let go of what was kept for a session that is over."""
        ...


def upstream_headers(visit: Visit) -> Mapping[str, str]:
    """Return the headers of a request to the server: its own id for the session in place of ours."""
    if visit.opened is not None and visit.opened.upstream is not None:
        return {**visit.headers, "mcp-session-id": visit.opened.upstream}
    return visit.headers
