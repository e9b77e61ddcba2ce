"""Where baselines are kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final, Protocol

from sudo_mcp_guardrails.detection.errors import DetectionError

_SUFFIX: Final = ".baseline"
_HEAD: Final = b"until "


class BaselineStore(Protocol):
    """Keeps documents by key, such as ``agent/release-bot``; of any length, and of any characters."""

    def load(self, key: str) -> bytes | None:
        """Return what was saved under a key last; None where nothing was."""
        ...

    def save(self, key: str, data: bytes, until: int) -> None:
        """Keep a document.

        Args:
            key: what it is found by.
            data: the document, packed.
            until: the last day, numbered from 1970, on which anybody asks for it; a time to live.
        """
        ...

    def delete(self, key: str) -> None:
        """Forget a document; nothing happens where there is none."""
        ...


class MemoryStore:
    """Documents in memory, packed; they end with the process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[bytes, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def load(self, key: str) -> bytes | None:
        """Return a document."""
        found = self._held.get(key)
        return found[0] if found is not None else None

    def save(self, key: str, data: bytes, until: int) -> None:
        """Keep a document."""
        self._held[key] = (data, until)

    def delete(self, key: str) -> None:
        """Forget a document."""
        self._held.pop(key, None)

    def sweep(self, today: int) -> int:
        """Forget documents that nobody asks for from a day on; return how many."""
        gone = [key for key, (_, until) in self._held.items() if until < today]
        for key in gone:
            del self._held[key]
        return len(gone)


class DirectoryStore:
    """Documents in a directory, one file each; for a laptop or a server.

    A file is replaced as a whole: who reads sees the old document or the new one. Its first line says until when it is
    kept.

    Args:
        path: the directory; made where it is absent, for its owner alone.

    Raises:
        DetectionError: the directory cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DetectionError(f"baseline directory {str(path)!r} cannot be made: {error.strerror}") from None

    def load(self, key: str) -> bytes | None:
        """Return a document.

        Raises:
            DetectionError: it is there and cannot be read, or its first line is damaged.
        """
        path = self._file(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DetectionError(f"baseline {str(path)!r} cannot be read: {error.strerror}") from None
        return data[_until(data, path)[1] :]

    def save(self, key: str, data: bytes, until: int) -> None:
        """Keep a document.

        Raises:
            DetectionError: it cannot be written; what was there before stays.
        """
        path = self._file(key)
        try:
            handle, name = tempfile.mkstemp(dir=self._path, suffix=".new")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(b"%s%d\n" % (_HEAD, until) + data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise DetectionError(f"baseline {str(path)!r} cannot be written: {error.strerror}") from None

    def delete(self, key: str) -> None:
        """Forget a document."""
        self._file(key).unlink(missing_ok=True)

    def sweep(self, today: int) -> int:
        """Forget documents that nobody asks for from a day on; return how many.

        Raises:
            DetectionError: a file's first line is damaged.
        """
        gone = 0
        for path in sorted(self._path.glob(f"*{_SUFFIX}")):
            with path.open("rb") as file:
                head = file.read(40)
            if _until(head, path)[0] < today:
                path.unlink()
                gone += 1
        return gone

    def _file(self, key: str) -> Path:
        # Names of agents and runs may be any text: none becomes a path.
        return self._path / (hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest() + _SUFFIX)


def _until(data: bytes, path: Path) -> tuple[int, int]:
    """Return the day of a file's first line, and where what follows begins."""
    line, newline, _ = data[:40].partition(b"\n")
    number = line[len(_HEAD) :]
    if not (newline and line.startswith(_HEAD) and number.isdigit()):
        raise DetectionError(f"baseline {str(path)!r} begins with {line[:20]!r}, allowed: 'until' and a day's number")
    return int(number), len(line) + 1
