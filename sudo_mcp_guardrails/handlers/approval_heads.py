"""Publish the daily head of all chains to a bucket of a second account, and make good the copies of records.

A head is of a day that is over. Days that were missed are caught up with, in their order, since each head names the one
before. The table is read once a run: for a gigabyte of records that is some 130,000 read units, three cents.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.chain.heads import MAX_DOCUMENT, parse_heads, take_heads
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.aws import THERE, code_of
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.handlers.approval_settings import workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

MAX_DAYS: Final = 31
"""Most days that one run catches up with."""
_NAME: Final = re.compile(r".*/(?P<day>\d{4}-\d\d-\d\d)-[0-9a-f]{16}\.json", re.ASCII)


def handler(_event: dict[str, Any], _context: object, clients: Workplace | None = None) -> dict[str, Any]:
    """Publish the heads of the days that are over.

    Returns:
        ``{"published": [names], "copied": <records whose copies were looked after>}``.

    Raises:
        Exception: whatever kept a head from being published; the schedule tries again, and its absence is an alarm.
    """
    place = workplace(clients)
    name = place.environ["STORE"]
    stores = [_reader(place, place.environ["EVIDENCE_TABLE"])]
    if place.environ.get("TRUST_TABLE"):
        stores.append(_reader(place, place.environ["TRUST_TABLE"]))
    last = _last(place, name)
    yesterday = datetime.fromtimestamp(place.now(), timezone.utc).date() - timedelta(days=1)
    first = yesterday if last is None else date.fromisoformat(last.day) + timedelta(days=1)
    days = [first + timedelta(days=number) for number in range(min((yesterday - first).days + 1, MAX_DAYS))]
    changed = _changed(stores, days)
    published = []
    for day in days:
        chains = changed.get(day.isoformat(), set())
        last = take_heads(name, day.isoformat(), _chains(stores, chains), last)
        for bucket in (place.environ["HEADS_BUCKET"], place.bucket):
            _put(place, bucket, last)
        published.append(last.name)
    copied = _make_good(stores, {chain for chains in changed.values() for chain in chains})
    print(json.dumps({"event": "heads", "published": published, "copied": copied}))  # noqa: T201 - a log's line
    return {"published": published, "copied": copied}


def _reader(place: Workplace, table: str) -> EvidenceStore:
    """Return a store that reads and copies, and signs nothing."""
    return EvidenceStore(place.clients.dynamodb, place.clients.s3, table, place.bucket, None, place.now)


def _changed(stores: list[EvidenceStore], days: list[date]) -> dict[str, set[tuple[int, str]]]:
    """Return the chains that got a record, by day; each with the place of its store."""
    wanted = {day.isoformat() for day in days}
    found: dict[str, set[tuple[int, str]]] = {}
    if not wanted:
        return found
    for number, store in enumerate(stores):
        for chain, day in store.days():
            if day in wanted:
                found.setdefault(day, set()).add((number, chain))
    return found


def _chains(stores: list[EvidenceStore], chains: set[tuple[int, str]]) -> Iterator[list[Record]]:
    for number, chain in sorted(chains):
        yield stores[number].records(chain)


def _make_good(stores: list[EvidenceStore], chains: set[tuple[int, str]]) -> int:
    """Copy the last record of each chain, the only one whose copy can be missing."""
    for number, chain in sorted(chains):
        last = stores[number].last(chain)
        if last is not None:
            stores[number].copy(last)
    return len(chains)


def _last(place: Workplace, name: str) -> ApprovalHeads | None:
    """Return the last head that was published, from our own bucket; the second account's shows whether it is true."""
    found: list[str] = []
    options: dict[str, Any] = {"Bucket": place.bucket, "Prefix": f"heads/{name}/"}
    while True:
        answer = place.clients.s3.list_objects_v2(**options)
        found += [str(item["Key"]) for item in answer.get("Contents", []) if _NAME.fullmatch(str(item["Key"]))]
        if not answer.get("IsTruncated"):
            break
        options["ContinuationToken"] = answer["NextContinuationToken"]
    if not found:
        return None
    body = place.clients.s3.get_object(Bucket=place.bucket, Key=max(found))["Body"].read(MAX_DOCUMENT + 1)
    heads = parse_heads(body)
    if heads.store != name:
        raise EvidenceError(f"head {max(found)!r} is of store {heads.store!r}, expected {name!r}")
    return heads


def _put(place: Workplace, bucket: str, heads: ApprovalHeads) -> None:
    try:
        place.clients.s3.put_object(
            Bucket=bucket,
            Key=heads.name,
            Body=heads.document(),
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            IfNoneMatch="*",
        )
    except Exception as error:
        if code_of(error) not in THERE:
            raise
