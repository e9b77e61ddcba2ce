"""Waiting for the disk beside the event loop: it takes up to some milliseconds, and no call is to wait for it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class Beside:
    """Syncs in one thread, one at a time; what went wrong is raised the next time, so that no call passes from then on.

    Args:
        sync: Does it.
    """

    def __init__(self, sync: Callable[[int], None] = os.fdatasync) -> None:
        self._sync = sync
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._last: Future[None] | None = None
        self._failed = ""

    def __call__(self, descriptor: int) -> None:
        """Begin to sync; skipped while one is under way, which the next one makes good.

        Raises:
            ProvenanceError: An earlier one failed.
        """
        if self._last is not None and self._last.done():
            error = self._last.exception()
            self._failed = self._failed or (str(error) if error is not None else "")
            self._last = None
        if self._failed:
            raise ProvenanceError(f"records do not reach the disk: {self._failed}")
        if self._last is None:
            self._last = self._thread.submit(self._sync, descriptor)
