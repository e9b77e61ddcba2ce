"""Whether a restoration that takes two people has them: from the signed records of the target's chain alone.

One person asks, another agrees, each with a second factor that is at most five minutes old, and both name the restore
record by its digest. What they state is signed by a key that the function signs with which they ask, and nobody else;
so neither the state machine's input nor the function that restores can make it up. In an emergency one person who was
named for it at deployment restores alone, but never whoever contained; people are told before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.chain.check import verify
from sudo_mcp_guardrails.response.errors import RestoreError
from sudo_mcp_guardrails.response.levels import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.response.record import RestoreRecord
    from sudo_mcp_guardrails.response.requests import Request

WANTED: Final = "restoration-wanted"
"""Kind of the record with which the first person asks; or one person alone, in an emergency."""
AGREED: Final = "restoration-agreed"
"""Kind of the record with which the second one agrees."""
KINDS: Final = frozenset({WANTED, AGREED})
LIFE: Final = 3_600
"""Seconds after which what was asked or agreed to is worth nothing."""
MFA_SECONDS: Final = 300
"""Oldest second factor; the policy on the function's URL lets none through that is older."""
LEVELS: Final = (Level.K2, Level.K3)
"""From which a restoration may be made to take two people; K4 is above both."""


@dataclass(frozen=True)
class Signers:
    """The keys of a kill switch, and who verifies by them.

    Attributes:
        evidence: ARN of the key of the function that contains.
        decisions: ARN of the key of the function that two people ask.
        verifier: of signatures.
    """

    evidence: str
    decisions: str
    verifier: Verifier


def takes_two(record: RestoreRecord, since: Level | None) -> bool:
    """Return whether two people restore from a record.

    Args:
        record: Of the containment.
        since: The lowest level that takes two; None where none does.
    """
    return since is not None and record.level.value >= since.value


def stated(request: Request, person: str) -> dict[str, Any]:
    """Return what the first person states: the body of the record, which the second one agrees to by its digest.

    Args:
        request: What he wants restored.
        person: Who he is.
    """
    return {
        "target": request.target.key,
        "incident": request.incident,
        "reason": request.reason,
        "digest": request.digest,
        "drifted": sorted(request.drifted),
        "breakGlass": request.break_glass,
        "person": person,
        "secondFactor": {"kind": "mfa", "atMostSeconds": MFA_SECONDS},
    }


def agreement(wanted: Record, person: str) -> dict[str, Any]:
    """Return what the second person states.

    Args:
        wanted: The first one's record.
        person: Who he is.
    """
    return {
        "wanted": wanted.digest,
        "digest": wanted.body["digest"],
        "incident": wanted.body["incident"],
        "person": person,
        "secondFactor": {"kind": "mfa", "atMostSeconds": MFA_SECONDS},
    }


def wanted_of(records: Sequence[Record], digest: str, person: str, now: int) -> Record:
    """Return the request that somebody agrees to.

    Args:
        records: Of the target's chain, checked.
        digest: Of the first person's record.
        person: Who agrees.
        now: Seconds since 1970.

    Raises:
        RestoreError: There is none, it is too old, it is one person's alone, or it is his own.
    """
    wanted = _found(records, digest, WANTED)
    if wanted.body["breakGlass"]:
        raise RestoreError("it was asked for by break-glass, which nobody agrees to, allowed: one of two people's")
    _check_age("what was asked for", wanted, now)
    if wanted.body["person"] == person or wanted.who == person:
        raise RestoreError(f"{person!r} asked for it himself, allowed: another person")
    return wanted


def check_records(chain: str, records: Sequence[Record], signers: Signers) -> None:
    """Check that a chain is whole and each record is signed by the key of its kind.

    Raises:
        RestoreError: With the first problem.
    """
    problems = verify(chain, records, signers.verifier, frozenset({signers.evidence, signers.decisions}))
    if problems:
        raise RestoreError(f"the evidence of {chain!r} is not whole, so nothing is restored: {problems[0].text}")
    for record in records:
        if record.key_id != (signers.decisions if record.kind in KINDS else signers.evidence):
            raise RestoreError(f"record {record.number} of {chain!r} is signed by the key of another kind")


def check_two(request: Request, record: RestoreRecord, records: Sequence[Record], now: int) -> None:
    """Check that two people, or one who may alone, want just this restored.

    Args:
        request: To restore.
        record: The restore record that it would be restored from.
        records: Of the target's chain, checked by :func:`check_records`.
        now: Seconds since 1970.

    Raises:
        RestoreError: They do not, with what is missing.
    """
    if not request.agreed:
        raise RestoreError(
            f"target {request.target.key!r} is contained at {record.level.value}, whose restoration takes two people: "
            "one asks, another agrees (mcp-guardrails restore --ask, then --agree)"
        )
    if request.break_glass:
        wanted = _found(records, request.agreed, WANTED)
        if not wanted.body["breakGlass"]:
            raise RestoreError("one person asked, and nobody agreed yet, expected a second one")
        if record.by in {wanted.who, wanted.body["person"]}:
            raise RestoreError(f"{wanted.who!r} contained it, and does not restore it alone")
    else:
        agreed = _found(records, request.agreed, AGREED)
        _check_age("what was agreed to", agreed, now)
        wanted = wanted_of(records, agreed.body["wanted"], agreed.body["person"], agreed.time)
        if wanted.number >= agreed.number or wanted.who == agreed.who:
            raise RestoreError("who agreed is who asked, expected another person")
    _check_age("what was asked for", wanted, now)
    _check_same(request, record, wanted.body)


def _check_same(request: Request, record: RestoreRecord, body: Mapping[str, Any]) -> None:
    """Refuse to restore something else than what was asked for."""
    if body["digest"] != record.digest:
        raise RestoreError(
            f"it was agreed to restore from record {body['digest'] or 'of any digest'!r}, the newest of "
            f"{record.target.key!r} is {record.digest!r}: ask again"
        )
    asked = (request.target.key, request.incident, request.digest, sorted(request.drifted))
    if asked != (body["target"], body["incident"], body["digest"], body["drifted"]):
        raise RestoreError("the request is another one than was asked for: target, incident, digest or drifted steps")


def _found(records: Sequence[Record], digest: str, kind: str) -> Record:
    record = next((each for each in records if each.digest == digest and each.kind == kind), None)
    if record is None:
        raise RestoreError(f"record {digest[:64]!r} of kind {kind!r} is not in the chain of this target")
    return record


def _check_age(what: str, record: Record, now: int) -> None:
    if not -MFA_SECONDS <= now - record.time <= LIFE:
        raise RestoreError(f"{what} is {now - record.time} seconds old, allowed are {LIFE}: ask again")
