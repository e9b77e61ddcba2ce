"""The chain over the segments of a store, and the daily head that is published where the store's owner cannot reach.

One line of ``heads.jsonl`` a segment: ``head = SHA-256(previous head ‖ SHA-256 of the segment's file)``. Whoever
changes, removes or reorders a segment must change every head behind it; whoever rewrites all of them is found by a head
that was published before. A chain alone does not show that its tail was cut: that, too, takes a published head.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

GENESIS: Final = "0" * 64
"""What stands for the head before the first segment."""
HEADS: Final = "heads.jsonl"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_DAY: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Head:
    """One line of the chain.

    Attributes:
        segment: number of the segment, from 1.
        events: events in it.
        amendments: changed attributions in it.
        dead_letters: dead letters in it.
        sources: lines of the ledger in it.
        time: when it was written, UTC, ``2026-11-23T10:00:05Z``.
        size: bytes of its file.
        sha256: of its file, in hex.
        previous: the head before, or :data:`GENESIS`.
        head: SHA-256 over the bytes of ``previous`` and of ``sha256``, in hex.
    """

    segment: int
    events: int
    amendments: int
    dead_letters: int
    sources: int
    time: str
    size: int
    sha256: str
    previous: str
    head: str

    def line(self) -> bytes:
        """Return the line of ``heads.jsonl``, with its newline."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class DailyHead:
    """What is published each day: small enough to be kept for ever, and enough to find a cut or rewritten log.

    Attributes:
        day: the day it speaks of, UTC.
        store: the store's name, as its owner calls it.
        segments: segments written up to the end of the day.
        events: events in these.
        amendments: changed attributions in these.
        dead_letters: dead letters in these.
        sources: lines of the ledger in these.
        head: the head after the last of these, or :data:`GENESIS`.
    """

    day: str
    store: str
    segments: int
    events: int
    amendments: int
    dead_letters: int
    sources: int
    head: str

    def document(self) -> bytes:
        """Return the JSON that is published; the same head gives the same bytes."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode() + b"\n"


def chained(previous: str, digest: str) -> str:
    """Return the head that follows ``previous`` when a segment's file has the SHA-256 ``digest``; both in hex."""
    return sha256(bytes.fromhex(previous) + bytes.fromhex(digest)).hexdigest()


def parse_head(line: bytes) -> Head | None:
    """Return the head that a line holds, or None where it holds none."""
    found = _parsed(Head, line)
    return found if isinstance(found, Head) else None


def parse_daily_head(document: bytes) -> DailyHead:
    """Return the published head that a document holds.

    Raises:
        TrailError: it holds none.
    """
    found = _parsed(DailyHead, document)
    if not isinstance(found, DailyHead):
        raise TrailError(f"{document[:80]!r} is no published head, allowed: what publish wrote")
    return found


def _parsed(kind: Any, data: bytes) -> Any:  # noqa: ANN401 - Head or DailyHead, told apart by their fields
    try:
        found = json.loads(data)
    except ValueError:
        return None
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(kind)}:
        return None
    for field in fields(kind):
        value = found[field.name]
        good = type(value) is int and value >= 0 if field.type == "int" else isinstance(value, str)
        if not good or (field.name in {"head", "previous", "sha256"} and not _HEX.fullmatch(value)):
            return None
    return kind(**found)


def daily_head(heads: Iterable[Head], day: str, *, store: str = "trail") -> DailyHead:
    """Return the head of a day: what the log held when the day ended, or holds now where it has not ended.

    Args:
        heads: the chain, in its order.
        day: UTC, ``2026-11-23``.
        store: the store's name; it becomes part of the published file's name.

    Raises:
        TrailError: the day is none.
    """
    if not _DAY.fullmatch(day):
        raise TrailError(f"day {day!r} is none, allowed: YYYY-MM-DD")
    segments, events, amendments, dead_letters, sources, last = 0, 0, 0, 0, 0, GENESIS
    for head in heads:
        if head.time[:10] > day:
            break
        segments += 1
        events += head.events
        amendments += head.amendments
        dead_letters += head.dead_letters
        sources += head.sources
        last = head.head
    return DailyHead(day, store, segments, events, amendments, dead_letters, sources, last)


def published_name(head: DailyHead) -> str:
    """Return the name that a head is published under: its first digits make a second, different one of a day show."""
    return f"heads/{head.store}/{head.day}-{head.segments:09d}-{head.head[:16]}.json"


def publish_to_directory(head: DailyHead, directory: Path) -> Path:
    """Write a head below a directory, once; the same head again changes nothing.

    Raises:
        TrailError: another document has that name, or it cannot be written.
    """
    path = directory / published_name(head)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(head.document())
    except FileExistsError:
        if path.read_bytes() != head.document():
            raise TrailError(f"{path} holds another head than the one to publish; neither was changed") from None
    except OSError as error:
        raise TrailError(f"cannot publish to {path} ({error.strerror})") from error
    return path


def publish_to_bucket(head: DailyHead, client: Any, bucket: str, *, prefix: str = "") -> str:  # noqa: ANN401 - boto3
    """Put a head into a bucket, best one of a second account with Object Lock; never over one that is there.

    ``PutObject`` with ``If-None-Match: *`` (Amazon S3, "Conditional writes") answers 412 where the key exists.

    Args:
        head: what to publish.
        client: boto3's ``s3`` client, with credentials that may put but not delete.
        bucket: the bucket's name.
        prefix: put before the key.

    Returns:
        The key.

    Raises:
        TrailError: S3 refused, or holds another document under the key.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where there is a client

    key = prefix + published_name(head)
    try:
        client.put_object(Bucket=bucket, Key=key, Body=head.document(), ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in {"PreconditionFailed", "412"}:
            raise TrailError(f"cannot publish to s3://{bucket}/{key} ({error})") from error
        if _stored(client, bucket, key) != head.document():
            raise TrailError(f"s3://{bucket}/{key} holds another head than the one to publish") from error
    except BotoCoreError as error:
        raise TrailError(f"cannot publish to s3://{bucket}/{key} ({error})") from error
    return key


def _stored(client: Any, bucket: str, key: str) -> bytes:  # noqa: ANN401 - boto3
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where there is a client

    try:
        found: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise TrailError(f"cannot read s3://{bucket}/{key}, which is there already ({error})") from error
    return found


def against_published(heads: Sequence[Head], published: Iterable[DailyHead]) -> list[str]:
    """Return what a chain lacks of the heads that were published: a cut tail, or a chain that was made anew."""
    findings = []
    for known in published:
        place = f"published head of {known.day}"
        if known.segments > len(heads):
            lost = known.segments - len(heads)
            findings.append(f"{place}: the log ends at segment {len(heads)}, {lost} of {known.segments} are cut off")
            continue
        reached = heads[: known.segments]
        if (reached[-1].head if reached else GENESIS) != known.head:
            findings.append(f"{place}: segment {known.segments} has another head; the log was written anew")
        elif daily_head(reached, "9999-12-31", store=known.store).events != known.events:
            findings.append(f"{place}: the log counts other events than the {known.events} published")
    return findings
