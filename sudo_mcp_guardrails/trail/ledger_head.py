"""The daily head of a ledger: what it held of a day, so that a ledger which was cut or changed shows.

A head holds the number and the digest of a day's lines and the lines themselves stand beside it, compressed; both go
to a second account, where the ledger's owner can write and not replace. Files come late: the head of a day is taken
on the next day and once more a week later (:data:`AGES`), and a ledger may only ever have more than a head says.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.sources.keys import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord

AGES: Final = (1, 8)
"""Days after a day at which its head is taken."""


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """What a ledger held of a day.

    Attributes:
        store: the ledger's name, as its owner calls it.
        day: the day on which CloudTrail delivered the files; files of other names count by their last event's.
        taken: the day on which the head was taken.
        files: lines of that day.
        events: events in these files.
        total: lines of the whole ledger.
        digest: SHA-256 of the day's lines, in hex.
    """

    store: str
    day: str
    taken: str
    files: int
    events: int
    total: int
    digest: str

    @property
    def name(self) -> str:
        """Name of the object, without its ending: the day, and how old it was."""
        return f"{self.day}/{self.taken}"

    def document(self) -> bytes:
        """Return the JSON that is published."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode() + b"\n"


def take_heads(store: str, ledger: Mapping[str, SourceRecord], today: date) -> list[tuple[LedgerHead, bytes]]:
    """Return the heads to publish today, each with its lines, compressed.

    Args:
        store: the ledger's name.
        ledger: all of it.
        today: UTC.
    """
    by_day: dict[str, list[SourceRecord]] = {}
    # A file that was taken in by half has no fingerprint yet; once it is whole, its line would look changed.
    whole = [record for record in ledger.values() if record.fingerprint]
    for record in whole:
        by_day.setdefault(_day(record), []).append(record)
    found = []
    for age in AGES:
        day = (today - timedelta(days=age)).isoformat()
        records = by_day.get(day, [])
        text = _lines(records)
        head = LedgerHead(
            store,
            day,
            today.isoformat(),
            len(records),
            sum(record.events for record in records),
            len(whole),
            hashlib.sha256(text).hexdigest(),
        )
        found.append((head, gzip.compress(text, mtime=0)))
    return found


def cut_from(head: bytes, lines: bytes, ledger: Mapping[str, SourceRecord]) -> list[str]:
    """Return what a published head had that the ledger has not, or has otherwise: names of files, in order.

    Args:
        head: the published document.
        lines: what was published beside it.
        ledger: the ledger of today; it may have more.

    Raises:
        TrailError: for a document that is no head, or lines that are not the head's own.
    """
    try:
        wanted = json.loads(head)["digest"]
        text = gzip.decompress(lines)
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise TrailError(
            f"{head[:80]!r} is no published head of a ledger, or its lines are damaged: {error!r}"
        ) from None
    if hashlib.sha256(text).hexdigest() != wanted:
        raise TrailError(f"lines of the head {wanted!r} are not those it was taken of")
    return [line["name"] for line in map(json.loads, text.splitlines()) if not _holds(ledger, line)]


def _holds(ledger: Mapping[str, SourceRecord], line: Mapping[str, Any]) -> bool:
    record = ledger.get(line["name"])
    return record is not None and (record.fingerprint, record.events) == (line["fingerprint"], line["events"])


def _day(record: SourceRecord) -> str:
    key = parse_key(record.name)
    if key is not None:
        return key.delivered.date().isoformat()
    return record.last_time[:10] if record.last_time else UNDATED


def _lines(records: Iterable[SourceRecord]) -> bytes:
    """Return the lines of a day, in the order of their names."""
    return b"".join(
        json.dumps(
            {"name": record.name, "fingerprint": record.fingerprint, "events": record.events},
            separators=(",", ":"),
            sort_keys=True,
        ).encode()
        + b"\n"
        for record in sorted(records, key=lambda record: record.name)
    )
