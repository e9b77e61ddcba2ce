"""Where tools are kept between runs, and how two processes share that place."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CACHE_VARIABLE = "MCP_GUARDRAILS_CACHE"
_NAME = "sudo-mcp-guardrails"
_POLL_SECONDS = 0.2


def cache_dir() -> Path:
    """The directory that the tools live in; it may not exist yet.

    ``$MCP_GUARDRAILS_CACHE`` wins, then ``$XDG_CACHE_HOME/sudo-mcp-guardrails``, then the platform's own
    place (``~/Library/Caches`` on macOS, ``~/.cache`` elsewhere). Relative values are taken from the working
    directory.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / _NAME
    base = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / base / _NAME


@contextmanager
def exclusive(lock: Path, *, timeout: float, report: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the file ``lock`` for the block, so that two processes never build the same tool at once.

    The kernel drops an advisory lock when its holder dies, so a killed build leaves nothing to clean up by
    hand.

    Args:
        lock: the lock file; made, with its directory, where it is absent, and left behind (removing it would
        race).
        timeout: seconds to wait for another process.
        report: told once when there is something to wait for.

    Raises:
        ToolchainError: the lock stayed taken, or the platform has no POSIX locks.
    """
    if sys.platform == "win32":
        raise ToolchainError("the toolchain needs POSIX file locks, which Windows lacks; run it inside WSL")
    import fcntl  # noqa: PLC0415 - absent on Windows, where the rest of the package still imports

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a", encoding="utf-8")
    except OSError as error:
        raise ToolchainError(
            f"cannot write the tool cache at {lock.parent} ({error.strerror}); set {CACHE_VARIABLE} to a writable place"
        ) from error
    with handle:
        deadline = time.monotonic() + timeout
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ToolchainError(
                        f"another process has held {lock} for {timeout:.0f} s; wait for it, or end it"
                    ) from None
                if report and not told:
                    report(f"waiting for another process that prepares {lock.stem}")
                    told = True
                time.sleep(_POLL_SECONDS)
        yield
