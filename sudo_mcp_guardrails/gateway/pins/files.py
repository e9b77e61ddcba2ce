"""The lock file on disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.lock import Lock, lock_of


def read_lock(path: Path, *, missing: bool = False) -> Lock:
    """Read a lock file.

    Args:
        path: Where it is.
        missing: Whether it may be missing, which is a lock without servers; else that is an error.

    Raises:
        PinError: It cannot be read, or is no lock file.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if missing:
            return Lock()
        raise PinError(f"there is no lock file {path}; make one with `mcp-guardrails gateway pin -- COMMAND`") from None
    except OSError as error:
        raise PinError(f"lock file {path} cannot be read: {error.strerror}") from None
    return lock_of(text, str(path))


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock file, whole or not at all.

    Raises:
        PinError: It cannot be written.
    """
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(lock.text())
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise PinError(f"lock file {path} cannot be written: {error.strerror}") from None
