"""Digests of files and folders, as they are run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError

MAX_FILES: Final = 100_000
MAX_BYTES: Final = 4 * 1024**3
_CACHES: Final = frozenset({"__pycache__"})
"""Python reads none of these where ``PYTHONPYCACHEPREFIX`` is set, as the sandbox does; elsewhere it writes them."""


def file_digest(path: Path) -> str:
    """Return ``sha256:`` and the digest of a file.

    Raises:
        PinError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
    except OSError as error:
        raise PinError(f"{path} cannot be read: {error.strerror}") from None
    return f"sha256:{found.hexdigest()}"


def tree_digest(folder: Path) -> str:
    """Return ``sha256:`` and the digest of all that a folder holds: names, contents, and where links point.

    Bytecode caches are left out. About 1 s for 400 MB.

    Raises:
        PinError: Something in it cannot be read, or it holds more than :data:`MAX_FILES` files or :data:`MAX_BYTES`.
    """
    found, size = hashlib.sha256(), 0
    for path in _files(folder):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        if path.is_symlink():
            line = b"l " + os.fsencode(path.readlink())
        else:
            size += path.stat().st_size
            line = b"f " + file_digest(path).encode()
        if size > MAX_BYTES:
            raise PinError(f"{folder} holds more than {MAX_BYTES} bytes; pin a smaller folder")
        found.update(len(name).to_bytes(4, "big") + name + len(line).to_bytes(4, "big") + line)
    return f"sha256:{found.hexdigest()}"


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []

    def failed(error: OSError) -> None:
        raise PinError(f"{error.filename} cannot be read: {error.strerror}")

    for root, folders, names in os.walk(folder, onerror=failed):
        here = Path(root)
        links = [here / name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in _CACHES)
        found += links + [here / name for name in names if (here / name).is_symlink() or (here / name).is_file()]
        if len(found) > MAX_FILES:
            raise PinError(f"{folder} holds more than {MAX_FILES} files; pin a smaller folder")
    return sorted(found)
