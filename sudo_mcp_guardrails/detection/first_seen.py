"""What is seen for the first time: the OAuth clients that anybody grants a session to."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attributing.mcp import OAUTH_EVENTS, grant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.trail.event import Event

MAX_CLIENTS: Final = 10_000
"""How many clients are remembered; those that were heard of least recently go first."""


class FirstSeen:
    """Remembers the OAuth clients of MCP servers that were granted something.

    Of a grant's two events the one that comes first is the first; delivered again, it still is.

    Args:
        known: ARNs of clients that are known already, such as those that :meth:`known` gave before the process ended.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._clients: OrderedDict[str, str | None] = OrderedDict((client, None) for client in known)

    def marks(self, event: Event) -> list[str]:
        """Return ``oauth-client`` for a grant to a client that nobody granted anything before; else nothing."""
        if event.name not in OAUTH_EVENTS or event.source != "signin.amazonaws.com" or event.error is not None:
            return []
        asked = grant(event)
        if not asked.mcp or asked.client is None:
            return []
        if asked.client in self._clients:
            self._clients.move_to_end(asked.client)
            # Delivered again, an event is as new as it was.
            return ["oauth-client"] if self._clients[asked.client] == event.event_id else []
        if len(self._clients) >= MAX_CLIENTS:
            self._clients.popitem(last=False)
        self._clients[asked.client] = event.event_id
        return ["oauth-client"]

    def known(self) -> tuple[str, ...]:
        """Return the clients, those heard of least recently first."""
        return tuple(self._clients)
