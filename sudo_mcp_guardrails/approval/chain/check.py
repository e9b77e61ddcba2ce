"""Whether a chain of evidence is whole: nothing changed, missing, moved, unsigned or cut off."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.evidence import MAX_NUMBER, check_chain, genesis
from sudo_mcp_guardrails.approval.moments import written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sudo_mcp_guardrails.approval.evidence import Record, Verifier


class Flaw(str, Enum):
    """What can be wrong with a chain."""

    GAP = "gap"
    """Records are missing before one that is there."""
    CHANGED = "changed"
    """A record is not what its digest was made of, or does not follow the one before it."""
    SIGNATURE = "signature"
    """The key that a record names did not sign it."""
    KEY = "key"
    """A record is signed by a key that is none of this chain's."""
    OTHER_CHAIN = "other-chain"
    """A record belongs to another chain."""
    DUPLICATE = "duplicate"
    """Two records have one number."""
    TIME = "time"
    """A record is older than the one before it; who appends does not write such a one."""
    CUT = "cut"
    """A published head knew of more records, or of the chain at all."""
    REWRITTEN = "rewritten"
    """A published head knew another record of this number."""
    HEADS = "heads"
    """The published heads themselves are not whole: one is missing, or does not follow the one before."""


@dataclass(frozen=True, order=True)
class ChainHead:
    """How long a chain was at a time, and its last digest.

    Attributes:
        chain: its name.
        length: number of its last record; 0 for a chain without any.
        digest: of its last record; :func:`~sudo_mcp_guardrails.approval.evidence.genesis` without any.
    """

    chain: str
    length: int
    digest: str


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a chain.

    Attributes:
        chain: its name.
        number: of the record; 0 where the chain as a whole is meant.
        flaw: what it is.
        text: the same in one line.
    """

    chain: str
    number: int
    flaw: Flaw
    text: str


def head_of(chain: str, records: Sequence[Record]) -> ChainHead:
    """Return the head of a chain that is whole, in its order."""
    last = records[-1] if records else None
    return ChainHead(check_chain(chain), last.number if last else 0, last.digest if last else genesis(chain))


def verify(
    chain: str,
    records: Sequence[Record],
    verifier: Verifier,
    keys: Collection[str],
    *,
    published: ChainHead | None = None,
    known: ChainHead | None = None,
    partial: bool = False,
) -> list[Problem]:
    """Return everything that is wrong with a chain, in the order of its numbers; nothing where it is whole.

    Args:
        chain: its name; an empty list of records is whole, unless a head is published.
        records: in any order.
        verifier: of signatures.
        keys: whose signatures count on this chain, by the names that the verifier knows.
        published: a head that its writer cannot change. Without one a tail that was cut off does not show.
        known: a head up to which the chain was verified before: its signatures are not verified again, since the
            digests up to there lead to it. Default: all signatures are verified.
        partial: whether records before the known head are left out, for who kept what they say: the head's own record
            must be there, as it was. Default: all records must be there.

    Raises:
        EvidenceError: there are more records than a chain may have, a head is another chain's, or records are left out
            and no head is known.
    """
    check_chain(chain)
    if partial and (known is None or not known.length):
        raise EvidenceError(f"records of chain {chain!r} are left out, and no head says what came before")
    if len(records) > MAX_NUMBER:
        raise EvidenceError(f"chain {chain!r} has {len(records)} records, allowed are {MAX_NUMBER}")
    for head in (published, known):
        if head is not None and head.chain != chain:
            raise EvidenceError(f"head of {head.chain!r} says nothing of chain {chain!r}")
    own = sorted((record for record in records if record.chain == chain), key=lambda record: record.number)
    problems = [
        Problem(chain, record.number, Flaw.OTHER_CHAIN, f"record {record.number} belongs to {record.chain!r}")
        for record in records
        if record.chain != chain
    ]
    problems.extend(_breaks(chain, own, known.length if partial and known else 1))
    # Digests that lead up to a head that is known leave nothing to choose in what was signed below it.
    trusted = known.length if known and not problems and not _against(own, known) else 0
    for record in own:
        problems.extend(_of_record(record, verifier, keys, signed=record.number > trusted))
    for head in (published, known):
        problems.extend(_against(own, head) if head else ())
    return sorted(set(problems), key=lambda problem: (problem.number, problem.flaw.value, problem.text))


def _of_record(record: Record, verifier: Verifier, keys: Collection[str], *, signed: bool) -> Iterator[Problem]:
    """Yield what is wrong with a record by itself."""
    place = f"record {record.number}"
    if record.digest != record.computed:
        yield Problem(record.chain, record.number, Flaw.CHANGED, f"{place} is not what its digest was made of")
    if record.key_id not in keys:
        text = f"{place} is signed by key {record.key_id!r}, which is none of this chain's"
        yield Problem(record.chain, record.number, Flaw.KEY, text)
    elif signed and not (
        record.signature and verifier.verify(record.key_id, bytes.fromhex(record.digest), record.signature)
    ):
        text = f"{place} is not signed by key {record.key_id!r}, which it names"
        yield Problem(record.chain, record.number, Flaw.SIGNATURE, text)


def _breaks(chain: str, own: Sequence[Record], first: int) -> Iterator[Problem]:
    """Yield where records, in the order of their numbers, do not follow each other from a first one on."""
    if own and own[0].number > first:
        yield Problem(chain, own[0].number, Flaw.GAP, f"{first} to {own[0].number - 1} are missing")
    if own and own[0].number == 1 and own[0].previous != genesis(chain):
        yield Problem(chain, 1, Flaw.CHANGED, "record 1 does not begin this chain")
    for before, record in pairwise(own):
        place = f"record {record.number}"
        if record.number == before.number:
            yield Problem(chain, record.number, Flaw.DUPLICATE, f"{place} is there twice")
            continue
        if record.number > before.number + 1:
            text = f"{before.number + 1} to {record.number - 1} are missing"
            yield Problem(chain, record.number, Flaw.GAP, text)
        elif record.previous != before.digest:
            text = f"{place} does not follow record {before.number} as it is"
            yield Problem(chain, record.number, Flaw.CHANGED, text)
        if record.time < before.time:
            text = f"{place} is of {written(record.time)}, before record {before.number} of {written(before.time)}"
            yield Problem(chain, record.number, Flaw.TIME, text)


def _against(own: Sequence[Record], head: ChainHead) -> list[Problem]:
    """Return what the records lack of a head."""
    if not head.length:
        return []
    there = [record for record in own if record.number == head.length]
    if not there:
        last = own[-1].number if own else 0
        text = (
            f"the chain ends at record {last}, {head.length} were published"
            if last < head.length
            else (f"record {head.length}, which was published, is missing")
        )
        return [Problem(head.chain, head.length, Flaw.CUT, text)]
    if any(record.digest != head.digest for record in there):
        text = f"record {head.length} is another one than was published"
        return [Problem(head.chain, head.length, Flaw.REWRITTEN, text)]
    return []
