"""How long a request over HTTP may take, and whether its client is still there.

One timer and, once it takes long, one task: most requests are over before the latter is worth its cost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_SOON: Final = 0.1


class Watch:
    """Cancels the task that it is made in when its time is over, or its client left.

    Args:
        receive: ASGI's.

    Attributes:
        why: ``time`` or ``gone`` once it did; empty before.
    """

    def __init__(self, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._listening: asyncio.Task[None] | None = None
        self.why = ""

    def until(self, seconds: float) -> None:
        """Set the time, from now, anew; no limit with infinity."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds == float("inf") else self._loop.call_later(seconds, self._cancel, "time")

    def listen(self) -> None:
        """From soon on, notice when the client leaves; its request must have been read."""
        if self._soon is None:
            self._soon = self._loop.call_later(_SOON, self._start)

    def caught(self) -> bool:
        """Return whether a cancellation was this watch's, and take it back where Python counts them."""
        if self.why and hasattr(self._task, "uncancel"):
            self._task.uncancel()  # type: ignore[union-attr]  # of Python 3.11 and later
        return bool(self.why)

    def close(self) -> None:
        """Watch no more."""
        for handle in (self._timer, self._soon, self._listening):
            if handle is not None:
                handle.cancel()

    def _start(self) -> None:
        self._listening = self._loop.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel("gone")

    def _cancel(self, why: str) -> None:
        if not self.why and self._task is not None:
            self.why = why
            self._task.cancel()
