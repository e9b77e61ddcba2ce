"""Large messages, read and judged in a thread beside the loop, so that no other client waits for one.

Only what looks at nothing but the message is done there: parsing, the checks that are ``apart`` (see
:meth:`~sudo_mcp_guardrails.gateway.guard.Guard.ahead`), and reading scripts. What knows the session stays on the loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ToolResult
from sudo_mcp_guardrails.gateway.pump.messages import Kind, read
from sudo_mcp_guardrails.gateway.pump.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from sudo_mcp_guardrails.gateway.guard import Guard
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Pending, Step
    from sudo_mcp_guardrails.gateway.pump.replies import Replies

    _T = TypeVar("_T")

HEAVY: Final = 32 * 1024
"""Bytes of an answer from which on it is judged apart: those below take a few milliseconds at most."""
LONG: Final = 2 * 1024
"""Bytes of a call from which on what it means is looked up apart first: a script of that size takes milliseconds."""
_THREADS: Final = 2
"""Work in Python takes turns; two let a small one not wait for a large one."""


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="heavy")


async def apart(function: Callable[..., _T], *arguments: Any) -> _T:  # noqa: ANN401 - as the function takes them
    """Run a function that shares nothing with the loop in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), partial(function, *arguments))


async def released(link: Replies, raw: bytes, only: Pending | None = None) -> Step:
    """Return what a server's message does; see :meth:`~sudo_mcp_guardrails.gateway.pump.replies.Replies.release`."""
    if len(raw) < HEAVY:
        return link.release(raw, only)
    try:
        message = await apart(read, raw, link.limits.depth)
    except RefusedError as error:
        return link.misbehaved(only.id if only is not None else error.id, error.message)
    pending = _asked(link, message, only)
    result = message.body.get("result")
    if pending is not None and not pending.held and isinstance(result, dict):
        call = pending.call or link.reading(pending)
        if call.tool:
            pending.ready = await apart(_ahead, link, call, ToolResult(result, len(raw)))
    return link.settle(message, only)


async def warmed(guard: Guard, message: Message) -> None:
    """Look up what a long call means, apart, where a check keeps that: asked again on the loop, it knows."""
    if message.method != "tools/call" or len(message.raw) < LONG:
        return
    name, arguments = message.params.get("name"), message.params.get("arguments")
    if isinstance(name, str) and isinstance(arguments, dict):
        for check in guard.checks:
            warm = getattr(check, "warm", None)
            if callable(warm):
                await apart(warm, name, arguments)


def _asked(link: Replies, message: Message, only: Pending | None) -> Pending | None:
    if message.kind is not Kind.ANSWER:
        return None
    return only if message.id is None else link.pending.get(message.id)


def _ahead(link: Replies, call: Any, result: ToolResult) -> Any:  # noqa: ANN401 - as the guard has it
    try:
        return link.guard.ahead(link.session, call, result)
    except Exception:  # noqa: BLE001 - the check fails again on the loop, where that denies
        return None
