"""One digest: what CloudTrail says it delivered in an hour, and what it signed."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_DIGEST_BYTES: Final = 256 * 1024 * 1024
"""Most bytes of a digest, uncompressed: some 400,000 log files in an hour."""
_CHUNK: Final = 1024 * 1024
_STEP: Final = 64 * 1024
_MAX_MEMBERS: Final = 1000
"""CloudTrail writes one."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_ALGORITHM: Final = "SHA256withRSA"
_HASH_ALGORITHM: Final = "SHA-256"


class MalformedDigestError(Exception):
    """A digest that is none; the message says why."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log file as a digest names it.

    Attributes:
        bucket: where it was delivered.
        key: under which key.
        hash: SHA-256 of its content, uncompressed, in hex.
    """

    bucket: str
    key: str
    hash: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest.

    Attributes:
        bucket: where it was delivered.
        key: under which key.
        start: from when on it covers deliveries, as written.
        end: until when, as written: it is signed as it stands.
        fingerprint: of the public key that checks it.
        previous_bucket: where the digest before it is; None for the first of a chain.
        previous_key: its key.
        previous_hash: SHA-256 of its content, uncompressed, in hex.
        previous_signature: its signature in hex.
        log_files: what was delivered.
        content_hash: SHA-256 of this digest's own content, in hex.
        signature: in hex, from the metadata.
        signed_at: when it was signed: ``end``, or for a digest of what came late the time in its metadata.
    """

    bucket: str
    key: str
    start: str
    end: str
    fingerprint: str
    previous_bucket: str | None
    previous_key: str | None
    previous_hash: str | None
    previous_signature: str | None
    log_files: tuple[LogFile, ...]
    content_hash: str
    signature: str
    signed_at: datetime

    def signed_text(self) -> bytes:
        """Return what CloudTrail signed: four lines, the last ``null`` for the first digest of a chain."""
        previous = "null" if self.previous_signature is None else self.previous_signature
        return f"{self.end}\n{self.bucket}/{self.key}\n{self.content_hash}\n{previous}".encode()


def parse_digest(data: bytes, metadata: Mapping[str, str], *, backfill: bool = False) -> Digest:
    """Read a digest.

    Args:
        data: as stored.
        metadata: of the object: ``signature``, ``signature-algorithm`` and, for a digest of what came late,
            ``backfill-generation-timestamp``.
        backfill: whether its name says that it is one of those.

    Raises:
        MalformedDigestError: For what is no digest, or has no signature.
    """
    content = b"".join(inflated(data, MAX_DIGEST_BYTES))
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedDigestError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise MalformedDigestError("JSON, but no object")
    signature = metadata.get("signature")
    if not signature:
        raise MalformedDigestError("no signature: it is in the object's metadata, which a plain download loses")
    for named in (metadata.get("signature-algorithm"), found.get("digestSignatureAlgorithm", _ALGORITHM)):
        if named != _ALGORITHM:
            raise MalformedDigestError(f"signed with {named!r}, expected {_ALGORITHM}")
    if "previousDigestSignature" not in found:
        raise MalformedDigestError("no previousDigestSignature")
    end = _text(found, "digestEndTime")
    _time(_text(found, "digestStartTime"))
    signed = _time(metadata.get("backfill-generation-timestamp", "")) if backfill else _time(end)
    return Digest(
        bucket=_text(found, "digestS3Bucket"),
        key=_text(found, "digestS3Object"),
        start=found["digestStartTime"],
        end=end,
        fingerprint=_text(found, "digestPublicKeyFingerprint"),
        previous_bucket=_optional(found, "previousDigestS3Bucket"),
        previous_key=_optional(found, "previousDigestS3Object"),
        previous_hash=_optional(found, "previousDigestHashValue"),
        previous_signature=_optional(found, "previousDigestSignature"),
        log_files=tuple(_log_files(found)),
        content_hash=hashlib.sha256(content).hexdigest(),
        signature=signature,
        signed_at=signed,
    )


def content_hash(data: bytes, limit: int) -> str:
    """Return the SHA-256, in hex, of a log file's content, uncompressed, without holding it.

    All that decompresses counts. ``validate-logs`` looks at the first gzip member alone, so that an appended one passes
    its check and is read by everybody else.

    Raises:
        MalformedDigestError: For what is no whole gzip, or more than ``limit`` bytes.
    """
    found = hashlib.sha256()
    for chunk in inflated(data, limit):
        found.update(chunk)
    return found.hexdigest()


def inflated(data: bytes, limit: int) -> Iterator[bytes]:
    """Yield the content of a gzip, all its members, in parts of at most 1 MiB.

    Raises:
        MalformedDigestError: For what is no whole gzip, or more than ``limit`` bytes.
    """
    view = memoryview(data)
    position = total = 0
    for _ in range(_MAX_MEMBERS):
        engine = zlib.decompressobj(_GZIP)
        while not engine.eof:
            part: bytes | memoryview = engine.unconsumed_tail
            if not part:
                part = view[position : position + _STEP]
                position += len(part)
            try:
                chunk = engine.decompress(part, _CHUNK)
            except zlib.error as error:
                raise MalformedDigestError(f"not gzip: {error}") from error
            total += len(chunk)
            if total > limit:
                raise MalformedDigestError(f"more than {limit} bytes uncompressed")
            if not chunk and not part and not engine.eof:
                raise MalformedDigestError("gzip, cut off")
            yield chunk
        position -= len(engine.unused_data)
        if position >= len(view):
            return
    raise MalformedDigestError(f"more than {_MAX_MEMBERS} gzip members")


def _log_files(found: dict[str, Any]) -> Iterator[LogFile]:
    records = found.get("logFiles")
    if records is None:
        return
    if not isinstance(records, list):
        raise MalformedDigestError("logFiles is no list")
    for record in records:
        if not isinstance(record, dict):
            raise MalformedDigestError("a log file is no object")
        value = _text(record, "hashValue")
        algorithm = record.get("hashAlgorithm", _HASH_ALGORITHM)
        if algorithm != _HASH_ALGORITHM or not _HASH.fullmatch(value):
            raise MalformedDigestError(
                f"hash {value[:80]!r} of {algorithm!r} for a log file, expected {_HASH_ALGORITHM}"
            )
        yield LogFile(_text(record, "s3Bucket"), _text(record, "s3Object"), value.lower())


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedDigestError(f"no {name}")
    return value


def _optional(found: dict[str, Any], name: str) -> str | None:
    return None if found.get(name) is None else _text(found, name)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise MalformedDigestError(f"time {text[:80]!r}, expected one such as 2026-11-23T10:00:05Z") from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
