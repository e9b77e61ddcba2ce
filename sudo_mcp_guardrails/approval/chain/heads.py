"""The daily heads: how long each chain was at the end of a day, published where their writer cannot reach.

A chain by itself does not show that its tail was cut off, and nothing shows that a whole chain is gone. So a day's head
lists every chain that got a record on that day, with its length and last digest, and goes to a bucket of a second
account under Object Lock. The heads are a chain of their own: each names the digest of the one before, so that a day
that is missing shows as well. Days without a record have a head, too.

A list and no Merkle tree: a day's chains are some thousands of lines, and who checks them reads all of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.canonical import digest, parsed
from sudo_mcp_guardrails.approval.chain.check import ChainHead, Flaw, Problem
from sudo_mcp_guardrails.approval.errors import ApprovalError, EvidenceError
from sudo_mcp_guardrails.approval.evidence import MAX_NUMBER, check_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sudo_mcp_guardrails.approval.evidence import Record

    Find = Callable[[str], Sequence[Record]]

HEADS_KIND: Final = "approval-heads/1"
FIRST: Final = "0" * 64
"""What stands for the head before the first one."""
MAX_CHAINS: Final = 200_000
"""Most chains of one day."""
MAX_DOCUMENT: Final = 128 * 1024 * 1024
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ApprovalHeads:
    """One day's head over all chains.

    Attributes:
        store: the store's name, as its owner calls it.
        day: UTC, ``2026-11-23``.
        previous: digest of the head of the day before; :data:`FIRST` in the first one.
        chains: those that got a record on that day, in the order of their names, as they were at its end.

    Raises:
        EvidenceError: a field is out of bounds, or the chains are not in order, each once.
    """

    store: str
    day: str
    previous: str
    chains: tuple[ChainHead, ...]

    def __post_init__(self) -> None:
        """Validate."""
        check_chain(self.store)
        _date(self.day)
        if not _HEX.fullmatch(self.previous):
            raise EvidenceError(f"head of {self.day} follows {self.previous[:80]!r}, allowed: 64 hexadecimal digits")
        if len(self.chains) > MAX_CHAINS:
            raise EvidenceError(f"head of {self.day} has {len(self.chains)} chains, allowed are {MAX_CHAINS}")
        for head in self.chains:
            check_chain(head.chain)
            if not 1 <= head.length <= MAX_NUMBER or not _HEX.fullmatch(head.digest):
                raise EvidenceError(f"head of {self.day} has no length and digest for chain {head.chain!r}")
        if any(second.chain <= first.chain for first, second in pairwise(self.chains)):
            raise EvidenceError(f"head of {self.day} has its chains out of order, allowed: by name, each once")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all of it, 64 hexadecimal digits: what the next day's head names."""
        chains = [[head.chain, head.length, head.digest] for head in self.chains]
        return digest(HEADS_KIND, {"store": self.store, "day": self.day, "previous": self.previous, "chains": chains})

    @property
    def name(self) -> str:
        """Name to publish it under: its first digits make a second, different one of a day show."""
        return f"heads/{self.store}/{self.day}-{self.digest[:16]}.json"

    def document(self) -> bytes:
        """Return the JSON that is published; the same head gives the same bytes."""
        chains = [[head.chain, head.length, head.digest] for head in self.chains]
        found = {"store": self.store, "day": self.day, "previous": self.previous, "digest": self.digest}
        return json.dumps({**found, "chains": chains}, separators=(",", ":")).encode() + b"\n"


def parse_heads(document: bytes) -> ApprovalHeads:
    """Return the published head that a document holds.

    Raises:
        EvidenceError: it holds none, or one whose digest is not its own.
    """
    if len(document) > MAX_DOCUMENT:
        raise EvidenceError(f"a published head has {len(document)} bytes, allowed are {MAX_DOCUMENT}")
    try:
        found = parsed(document, "a published head")
        chains = tuple(ChainHead(_text(name), _whole(length), _text(last)) for name, length, last in found["chains"])
        heads = ApprovalHeads(_text(found["store"]), _text(found["day"]), _text(found["previous"]), chains)
        good = heads.digest == found["digest"]
    except EvidenceError:
        raise
    except (ApprovalError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"{document[:80]!r} is no published head: {error!r}") from None
    if not good:
        raise EvidenceError(f"head of {heads.day} is not what its digest was made of")
    return heads


def take_heads(
    store: str, day: str, chains: Iterable[Sequence[Record]], previous: ApprovalHeads | None
) -> ApprovalHeads:
    """Return the head of a day: what each chain was when the day ended, or is now where it has not ended.

    Args:
        store: its name.
        day: UTC, ``2026-11-23``.
        chains: every chain that may have a record of that day, each with all its records in order. Chains without any
            of that day are left out.
        previous: the head of the day before; None for the first head of a store.

    Raises:
        EvidenceError: the day does not follow the head before, or a chain is given twice.
    """
    start = int(datetime.combine(_date(day), datetime.min.time(), timezone.utc).timestamp())
    end = start + 86_400
    if previous is not None and (previous.store, _date(previous.day) + timedelta(days=1)) != (store, _date(day)):
        raise EvidenceError(f"head of {store!r} on {day} cannot follow that of {previous.store!r} on {previous.day}")
    found = []
    for records in chains:
        # Times of a chain never go back, so what was there at the day's end is its beginning.
        until = [record for record in records if record.time < end]
        if until and until[-1].time >= start:
            found.append(ChainHead(until[-1].chain, until[-1].number, until[-1].digest))
    return ApprovalHeads(store, day, previous.digest if previous else FIRST, tuple(sorted(found)))


def against_published(published: Sequence[ApprovalHeads], find: Find, *, until: str | None = None) -> list[Problem]:
    """Return what the store lacks of the heads that were published: chains cut off, written anew or gone, and days.

    Whether the chains are whole by themselves is :func:`~sudo_mcp_guardrails.approval.chain.check.verify`'s.

    Args:
        published: all heads of one store, in any order, as the second account has them.
        find: returns the records of a chain, in any order; none for a chain that is not there.
        until: the day that the heads must reach, since nothing follows the last one. Default: any day will do.

    Raises:
        EvidenceError: the day is none.
    """
    ordered = sorted(published, key=lambda heads: heads.day)
    problems = []
    if ordered and ordered[0].previous != FIRST:
        problems.append(_of_heads(ordered[0], f"the heads before {ordered[0].day} are missing"))
    for before, heads in pairwise(ordered):
        if heads.previous != before.digest:
            problems.append(_of_heads(heads, f"head of {heads.day} does not follow that of {before.day}"))
    if until is not None and (not ordered or _date(ordered[-1].day) < _date(until)):
        last = f"the last head is of {ordered[-1].day}" if ordered else "there is no head"
        problems.append(Problem("heads", 0, Flaw.HEADS, f"{last}, expected is one of {until}"))
    wanted: dict[str, set[ChainHead]] = {}
    for heads in ordered:
        for head in heads.chains:
            wanted.setdefault(head.chain, set()).add(head)
    for chain, known in sorted(wanted.items()):
        problems.extend(_of_chain(chain, known, find))
    return problems


def _of_chain(chain: str, known: set[ChainHead], find: Find) -> Iterable[Problem]:
    digests: dict[int, set[str]] = {}
    for record in find(chain):
        if record.chain == chain:
            digests.setdefault(record.number, set()).add(record.digest)
    last = max(digests, default=0)
    for head in sorted(known):
        if head.length not in digests:
            where = f"it ends at record {last}" if last else "it is gone"
            text = f"chain {chain!r} had {head.length} records when its head was published; {where}"
            yield Problem(chain, head.length, Flaw.CUT, text)
        elif digests[head.length] != {head.digest}:
            text = f"record {head.length} of {chain!r} is another one than was published"
            yield Problem(chain, head.length, Flaw.REWRITTEN, text)


def _of_heads(heads: ApprovalHeads, text: str) -> Problem:
    return Problem(f"heads/{heads.store}", 0, Flaw.HEADS, text)


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day if _DAY.fullmatch(day) else "")
    except ValueError:
        raise EvidenceError(f"day {day[:40]!r} is none, allowed: YYYY-MM-DD") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
