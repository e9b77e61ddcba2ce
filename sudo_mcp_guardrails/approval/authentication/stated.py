"""What people prove besides decisions about approvals: delegations, and rulings about trust. And to verify it again.

Each is a record with the statement that the challenge was the digest of, and ``proof``: what was verified when it came
in. A record of a chain ``delegations/…`` has the delegation that it made and ``stated``; one of ``promotion/<agent>``
has the statement among its own fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.authentication.freshness import MAX_SKEW, check_fresh
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.decision import Factor  # noqa: TC001 - the codec reads it at run time
from sudo_mcp_guardrails.approval.deciding.delegation import Delegation
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time, moment, written  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.approval.authentication.freshness import Freshness
    from sudo_mcp_guardrails.approval.evidence import Record

LIFE: Final = 300
"""Seconds between a challenge and what was to be proved by it."""
DELEGATIONS: Final = "delegations/"
"""What names of chains of delegations begin with."""
RULINGS: Final = "promotion/"
"""What names of chains of rulings about trust begin with."""
DELEGATION_KIND: Final = "delegation-challenge/1"
RULING_KIND: Final = "trust-ruling-challenge/1"
_DELEGATION: Final = ("delegate", "starts", "ends", "reason", "issued", "groups", "delegator")
_RULING: Final = ("action", "risk", "environment", "to", "reason", "issued", "agent", "fingerprint", "approver")


@dataclass(frozen=True)
class Proved(codec.Documented):
    """What was verified of who states something.

    Attributes:
        factor: what proves that it is he; of an assertion all that it takes to verify it again.
        time: when it was verified, by the clock of the handler.

    Raises:
        DecisionError: the time is none.
    """

    factor: Factor
    time: Time

    def __post_init__(self) -> None:
        """Validate."""
        check_time("time of a proof", self.time)

    @classmethod
    def from_document(cls, document: object) -> Proved:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "proof")


@dataclass(frozen=True)
class Stated:
    """What a record says that somebody stated.

    Attributes:
        what: it is, ``delegation`` or ``ruling``.
        approver: identity of who stated it.
        challenge: digest over the statement, 64 hexadecimal digits.
        issued: when the challenge was made.
        proof: as it is recorded; None for none.
    """

    what: str
    approver: str
    challenge: str
    issued: int
    proof: object


def is_stated(record: Record) -> bool:
    """Return whether a record is a delegation or a ruling, which take a proof; to end a delegation takes none."""
    if record.chain.startswith(DELEGATIONS):
        return "delegation" in record.body
    return record.chain.startswith(RULINGS)


def keeps_proof(record: Record) -> bool:
    """Return whether a record keeps what it was proved by; those of before proofs were kept do not."""
    return record.body.get("proof") is not None


def stated_in(record: Record) -> Stated:
    """Return what a delegation's or a ruling's record says that somebody stated.

    Raises:
        DecisionError: it is none, or what it made is something else than what was stated.
    """
    if record.chain.startswith(DELEGATIONS):
        told = _delegation(record)
        what, kind, approver = "delegation", DELEGATION_KIND, told["delegator"]
    else:
        told = _fields(record.body, _RULING, "ruling")
        what, kind, approver = "ruling", RULING_KIND, told["approver"]
        if record.chain != f"{RULINGS}{told['agent']}":
            raise DecisionError(f"the ruling is about agent {str(told['agent'])[:80]!r}, and stands in another's chain")
    if record.who != approver:
        raise DecisionError(f"the {what} is stated by {str(approver)[:200]!r}, and recorded as {record.who!r}'s")
    return Stated(what, record.who, digest(kind, told), moment(told["issued"]), record.body.get("proof"))


def check_stated(record: Record, stated: Stated, proved: Proved, rules: Iterable[Freshness]) -> None:
    """Check that a recorded proof was one, and fresh, as it was checked when it came in; no assertion is verified here.

    Args:
        record: that keeps it.
        stated: what the record says.
        proved: its proof.
        rules: of the policies that are known: one of them must take the proof. Default where none is known: the age of
            the challenge alone is checked.

    Raises:
        DecisionError: it was none.
    """
    if abs(record.time - proved.time) > MAX_SKEW:
        raise DecisionError(f"it was proved {written(proved.time)}, and recorded {written(record.time)}")
    if not 0 <= proved.time - stated.issued <= LIFE:
        raise DecisionError(f"it was begun {proved.time - stated.issued} seconds before, allowed are 0 to {LIFE}")
    if proved.factor.bound_digest not in {"", stated.challenge}:
        raise DecisionError(f"the proof is about something else than this {stated.what}")
    reason = None
    for each in rules:
        try:
            if check_fresh(proved.factor, stated.challenge, proved.time, 0, each):
                return
            reason = DecisionError("it takes two factors, the proof shows one")
        except DecisionError as error:  # noqa: PERF203 - a policy each
            reason = error
    if reason is not None:
        raise reason


def _delegation(record: Record) -> dict[str, Any]:
    """Return the statement behind a delegation, once the delegation is seen to be what was stated."""
    made = Delegation.from_document(record.body["delegation"])
    told = _fields(record.body.get("stated"), _DELEGATION, "delegation")
    if f"{DELEGATIONS}{made.id.partition('.')[0]}" != record.chain:
        raise DecisionError(f"delegation {made.id!r} stands in another's chain")
    starts = moment(told["starts"]) if told["starts"] else made.made
    same = (made.delegator, made.made_by, made.delegate, made.reason, list(made.groups), made.starts, made.ends) == (
        told["delegator"],
        told["delegator"],
        told["delegate"],
        told["reason"],
        told["groups"],
        starts,
        moment(told["ends"]),
    )
    if not same:
        raise DecisionError(f"delegation {made.id!r} is another one than was stated")
    return told


def _fields(body: object, names: tuple[str, ...], what: str) -> dict[str, Any]:
    """Return the statement among the fields of a body; raises DecisionError where it is not all there."""
    given: Mapping[str, Any] = body if isinstance(body, dict) else {}
    for name in names:
        kind = list if name == "groups" else str
        if not isinstance(given.get(name), kind):
            raise DecisionError(f"the {what} does not say its {name!r}, expected what was stated")
    return {name: given[name] for name in names}
