"""The guard's own look at a server's tools: before the first call, and again when the last look is too old.

A client may keep a list of tools for as long as it likes, and a server may change them without a word; so no call is
judged by a definition that the guard has not seen within ``look_seconds``. Where the server does not list its tools,
it has none, and what is not listed is denied.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump.envelope import CAPABILITIES_KEY, VERSION_KEY, meta, modern_version
from sudo_mcp_guardrails.gateway.pump.messages import Kind
from sudo_mcp_guardrails.gateway.pump.refusals import SERVER_MISBEHAVED, RefusedError, json_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.replies import Replies

_CLIENT: Final = {"name": "mcp-guardrails", "version": "1"}
_CLIENT_KEY: Final = "io.modelcontextprotocol/clientInfo"
_PAGES: Final = 100


def is_due(link: Replies, message: Message, now: float) -> bool:
    """Return whether the guard looks before a client's message goes on."""
    if message.kind is not Kind.REQUEST or message.method != "tools/call" or not link.guard.lists:
        return False
    return now - link.looked.at >= link.limits.look_seconds


class Look:
    """One look, page by page.

    Args:
        link: Whose server it is.
        message: The call before which it is: it says which era is spoken.
        clock: As the link's.

    Raises:
        RefusedError: The call's ``_meta`` is none.
    """

    def __init__(self, link: Replies, message: Message, clock: Callable[[], float] = time.monotonic) -> None:
        version = modern_version(meta(message.params))
        self._link = link
        self._meta = None if version is None else {VERSION_KEY: version, CAPABILITIES_KEY: {}, _CLIENT_KEY: _CLIENT}
        self._cursor: str | None = None
        self._pages = 0
        self._names: set[str] = set()
        self._clock = clock
        self._began = clock()
        self.id = ""

    def request(self) -> bytes:
        """Return the request for the next page."""
        self.id = f"guard-{secrets.token_hex(16)}"
        params: dict[str, Any] = {} if self._meta is None else {"_meta": self._meta}
        if self._cursor is not None:
            params["cursor"] = self._cursor
        return json_bytes({"jsonrpc": "2.0", "id": self.id, "method": "tools/list", "params": params})

    def take(self, answer: Message) -> bool:
        """Take a page; return whether it was the last.

        Raises:
            RefusedError: It is none, there are too many, or a check refuses it.
        """
        result = answer.body.get("result")
        if not isinstance(result, dict):
            raise RefusedError(SERVER_MISBEHAVED, "the server does not list its tools")
        tools, _ = self._link.look(result)
        self._names.update(each["name"] for each in tools)
        cursor, self._pages = result.get("nextCursor"), self._pages + 1
        if not cursor:
            self._done()
            return True
        if not isinstance(cursor, str) or self._pages >= _PAGES:
            raise RefusedError(SERVER_MISBEHAVED, f"the server's list of tools has no end within {_PAGES} pages")
        self._cursor = cursor
        return False

    def failed(self) -> None:
        """Take note that there was no list: no tool is known then, so each call is denied by who checks pins."""
        self._link.definitions.clear()

    def _done(self) -> None:
        for name in self._link.definitions.keys() - self._names:
            del self._link.definitions[name]
        self._link.looked.at = self._began
