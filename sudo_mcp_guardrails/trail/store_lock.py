"""One writer a store at a time."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from pathlib import Path

LOCK: Final = "lock"


class StoreLockedError(TrailError):
    """Another process, or another sink of this one, writes to the store."""


class StoreLock:
    """Holds a store until it is released or the process ends; the kernel lets go for one that is killed.

    Args:
        directory: the store, which is there.

    Raises:
        StoreLockedError: somebody else holds it; the message names the process.
        TrailError: the file cannot be written, or the platform has no POSIX locks.
    """

    def __init__(self, directory: Path) -> None:
        if sys.platform == "win32":
            raise TrailError("a store needs POSIX file locks, which Windows lacks; run it inside WSL")
        import fcntl  # noqa: PLC0415 - absent on Windows, where the rest of the package still imports

        try:
            handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TrailError(f"store {directory} cannot be locked ({error.strerror})") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise StoreLockedError(
                f"store {directory} is being written by process {holder}, allowed is one writer at a time"
            ) from None
        self._handle: int | None = handle
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:  # a full disk: the name of the holder is a courtesy, but no store can be written
            self.release()
            raise TrailError(f"store {directory} cannot be locked ({error.strerror})") from error

    def release(self) -> None:
        """Let go; more than once does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
