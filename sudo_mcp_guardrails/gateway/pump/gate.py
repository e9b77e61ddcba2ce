"""Calls on pipes that wait: for the guard's own look at the tools, and for what is looked up apart."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.pump.heavy import LONG, warmed
from sudo_mcp_guardrails.gateway.pump.looking import Look, is_due
from sudo_mcp_guardrails.gateway.pump.messages import Kind
from sudo_mcp_guardrails.gateway.pump.pending import NOTHING, Step
from sudo_mcp_guardrails.gateway.pump.refusals import BUSY, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.pump.link import Link
    from sudo_mcp_guardrails.gateway.pump.messages import Message

_log = logging.getLogger(__name__)


class Gate:
    """Holds calls until they can be judged, and lets them through in their order.

    Args:
        link: What judges them.
        go: Sends what a step says.
        take: Takes a message that waited.
    """

    def __init__(self, link: Link, go: Callable[[Step], None], take: Callable[[Message], None]) -> None:
        self._link = link
        self._go = go
        self._take = take
        self._waiting: deque[Message] = deque()
        self._look: Look | None = None
        self._ends = 0.0
        self._warming: asyncio.Task[None] | None = None

    def holds(self, message: Message) -> bool:
        """Return whether a message waits here from now on.

        Raises:
            RefusedError: Too many do, or the call's ``_meta`` is none.
        """
        if message.method == "notifications/cancelled":
            self._forget(message.params.get("requestId"))
            return False
        if message.kind is not Kind.REQUEST or message.method != "tools/call":
            return False
        due, long = is_due(self._link, message, self._link.now()), len(message.raw) >= LONG
        if not (self._waiting or due or long):
            return False
        if len(self._waiting) >= self._link.limits.pending:
            raise RefusedError(BUSY, f"{self._link.limits.pending} requests are open, wait for one of them", message.id)
        if due and self._look is None:
            self._begin(Look(self._link, message, self._link.now))
        self._waiting.append(message)
        self._on()
        return True

    def expire(self) -> None:
        """Give up a look that takes too long."""
        if self._look is not None and self._link.now() >= self._ends:
            self._link.own.pop(self._look.id, None)
            self._over(self._look, "no answer in time")

    def _begin(self, look: Look) -> None:
        self._look, self._ends = look, self._link.now() + self._link.limits.look_patience
        self._ask(look)

    def _ask(self, look: Look) -> None:
        request = look.request()
        self._link.own[look.id] = self._answered
        self._go(Step(server=request))

    def _answered(self, answer: Message) -> Step:
        look = self._look
        if look is None:
            return NOTHING
        try:
            if look.take(answer):
                self._over(look, "")
            else:
                self._ask(look)
        except RefusedError as error:
            self._over(look, error.message)
        return NOTHING

    def _over(self, look: Look, why: str) -> None:
        if why:
            _log.warning("the tools of the server could not be looked at, so their calls are denied: %s", why)
            look.failed()
        self._look = None
        self._on()

    def _on(self) -> None:
        """Let through what waits, up to the first that has to."""
        while self._waiting and self._look is None and self._warming is None:
            if len(self._waiting[0].raw) >= LONG:
                self._warming = asyncio.ensure_future(self._warm(self._waiting[0]))
                return
            self._take(self._waiting.popleft())

    async def _warm(self, message: Message) -> None:
        try:
            await warmed(self._link.guard, message)
        finally:
            self._warming = None
            if self._waiting and self._waiting[0] is message:
                self._take(self._waiting.popleft())
            self._on()

    def _forget(self, id: object) -> None:
        for message in [each for each in self._waiting if each.id == id and type(each.id) is type(id)]:
            self._waiting.remove(message)
