"""The log of one process of the guard: lines of JSON, chained by hash, with signed seals between them.

A line reaches the file before the call that it is of is made; it reaches the disk, under a signature, with the next
seal: after so many records, or seconds, or at the end. A new process begins a new file, so nothing is ever appended to
what another wrote. Cost per record about 0.1 ms; a seal about 0.3 ms.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.gateway.pins.canonical import canonical
from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

GENESIS: Final = "0" * 64
SEAL_PURPOSE: Final = b"sudo-mcp-guardrails/gateway-seal/1\n"


class SealKey(Protocol):
    """Signs seals."""

    @property
    def key_id(self) -> str:
        """Name of the key: the SHA-256 of the 32 bytes of its public half, in hexadecimal."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message."""
        ...


class RecordLog:
    """Writes records.

    Args:
        path: Of the file; it must not exist.
        key: That signs.
        opening: What the first record says: versions and digests of what the guard decides by.
        every: Records between seals.
        seconds: Between seals, looked at with each record.
        clock: Seconds since 1970.
        sync: Makes the disk have what was written to a descriptor; it may do so in another thread, and raise what went
            wrong there the next time.

    Raises:
        ProvenanceError: The file exists or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        key: SealKey,
        opening: Mapping[str, Any],
        *,
        every: int = 64,
        seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
        sync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ProvenanceError(f"log {str(path)!r} cannot be made: {error.strerror}; expected a new file") from error
        self._key = key
        self._sync = sync
        self._every = every
        self._seconds = seconds
        self._clock = clock
        self._number = 0
        self._head = GENESIS
        self._sealed = 0
        self._sealed_at = clock()
        self.add({"v": 1, "kind": "open", "key": key.key_id, **opening})
        self.seal()

    def add(self, body: Mapping[str, Any]) -> int:
        """Write a record; return its number.

        Raises:
            ProvenanceError: It cannot be written, so what it is of must not happen.
        """
        now = self._clock()
        line = {"n": self._number + 1, "prev": self._head, "time": int(now * 1000), "body": body}
        text = canonical(line)
        digest = hashlib.sha256(text).hexdigest()
        self._write(text[:-1] + b',"sha256":"' + digest.encode() + b'"}\n')
        self._number += 1
        self._head = digest
        if self._number - self._sealed >= self._every or now - self._sealed_at >= self._seconds:
            self.seal()
        return self._number

    def seal(self) -> None:
        """Sign the head of the chain, and wait until the disk has it."""
        if self._sealed == self._number:
            return
        seal = {"head": self._head, "key": self._key.key_id, "n": self._number}
        signature = self._key.sign(SEAL_PURPOSE + canonical(seal))
        self._write(canonical({"seal": seal, "signature": base64.b64encode(signature).decode()}) + b"\n")
        self._sync(self._file)
        self._sealed = self._number
        self._sealed_at = self._clock()

    def close(self) -> None:
        """Seal what is left, and close the file."""
        self.seal()
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise ProvenanceError(f"a record cannot be written: {error.strerror}") from error
        if written != len(data):
            raise ProvenanceError(f"a record was written in part: {written} of {len(data)} bytes")
