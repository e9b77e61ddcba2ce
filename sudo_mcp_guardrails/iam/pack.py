"""Fewer and smaller documents that mean the same: AWS limits how large a policy is, and how many there are.

Statements are merged only where the result is exact, dropped only where another one covers them, and laid into
documents first fit, largest first. :func:`~sudo_mcp_guardrails.iam.equivalence.same_meaning` then checks the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import ENVELOPE, PolicyDocument, PolicySizeError
from sudo_mcp_guardrails.iam.equivalence import same_meaning
from sudo_mcp_guardrails.iam.merge import known_services, merged, named, shortened
from sudo_mcp_guardrails.iam.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.merge import Piece


class PackError(PolicySizeError):
    """Statements do not fit; the message has the statement or the number, and the limit."""


@dataclass(frozen=True)
class Packed:
    """What came of packing.

    Args:
        documents: The packed documents, ``name-1`` and so on.
        merged: Sid in these documents to all that it stands for, as ``"document:Sid"``: AWS names a document's
            statement in a denial, and this is the way back.
        fewest: Whether the total size shows that these statements need as many documents. Where it is False, fewer
            may do.
    """

    documents: tuple[PolicyDocument, ...]
    merged: Mapping[str, Strings]
    fewest: bool


def pack(
    documents: Iterable[PolicyDocument],
    *,
    limit: int,
    slots: int | None = None,
    name: str = "packed",
    merge: bool = True,
    shorten: bool = False,
    check: bool = True,
) -> Packed:
    """Write documents of one layer in as few of a limited size.

    In that layer any Allow of any document must count: policies attached to a principal, or the SCPs of one level.
    The same input gives the same output.

    Args:
        documents: The documents. Statements without Sid stay without; of two with the same Sid the later is renamed.
        limit: Characters of a document, as :meth:`~sudo_mcp_guardrails.iam.documents.PolicyDocument.check_size`
            counts.
        slots: How many documents there may be. Default: any number.
        name: What the documents are called, with ``-1`` and so on after it.
        merge: Whether statements are merged, and those that others cover dropped.
        shorten: Whether actions are written with wildcards that cover no other action of the catalogue. One that
            AWS adds later is covered too: for a Deny that is welcome, for an Allow the resources must confine it.
        check: Whether the prover compares the result with the input. A large input can be over its caps.

    Raises:
        PackError: Where there is no statement, one alone is over the limit, the documents are more than the slots,
            or the result could not be shown to mean the same.
    """
    given = tuple(documents)
    pieces = named(given)
    if not pieces:
        # Without a document a layer may not limit anything, while a document without statements allows nothing.
        raise PackError("there is no statement to pack, expected at least one")
    room = limit - ENVELOPE
    closed = known_services(pieces) if shorten else frozenset()
    if shorten:
        pieces = [replace(p, statement=shortened(p.statement, closed)) for p in pieces]
    if merge:
        pieces = merged(pieces, room)
    sizes = [piece.statement.size() for piece in pieces]
    for piece, size in zip(pieces, sizes, strict=True):
        if size > room:
            raise PackError(
                f"statement {piece.sources[0]!r} has {size} characters, {size - room} over the {room} that a document "
                f"of {limit} has room for"
            )
    bins = _first_fit(sizes, room)
    if slots is not None and len(bins) > slots:
        largest = ", ".join(f"{p.statement.sid} {n}" for n, p in _largest(pieces, sizes))
        raise PackError(
            f"{len(bins)} documents of {limit} characters are needed, expected at most {slots}; "
            f"the largest statements are {largest}"
        )
    packed = tuple(
        PolicyDocument(f"{name}-{number}", tuple(pieces[i].statement for i in sorted(places)))
        for number, places in enumerate(bins, start=1)
    )
    if check:
        proof = same_meaning(given, packed, closed=closed)
        if proof.verdict is not Verdict.PROVED:
            raise PackError(f"{name}: not shown to mean the same: {proof.reason}")
    # Each statement but the first of a document has a comma before it.
    at_least = -(-(sum(sizes) + len(sizes)) // (room + 1))
    return Packed(packed, {p.statement.sid: p.sources for p in pieces}, fewest=len(bins) == max(at_least, 1))


def _first_fit(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Lay sizes into bins, largest first, each into the first that has room; return the places in each bin."""
    bins: list[list[int]] = []
    left: list[int] = []
    for place in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        number = next((n for n, free in enumerate(left) if sizes[place] <= free), len(bins))
        if number == len(bins):
            bins.append([])
            left.append(room)
        bins[number].append(place)
        left[number] -= sizes[place] + 1  # and a comma
    return bins


def _largest(pieces: Iterable[Piece], sizes: Iterable[int]) -> list[tuple[int, Piece]]:
    """Return the three largest pieces."""
    return sorted(zip(sizes, pieces, strict=True), key=lambda pair: -pair[0])[:3]
