"""Which key signs which records: the API function's for what people do, the others' for everything else.

Whoever could sign with the evidence key alone could make no decision, and the API function no execution. The kinds of a
record are checked against the keys wherever a chain is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.chain.check import Flaw, Problem
from sudo_mcp_guardrails.approval.deciding.events import CONTAINMENT
from sudo_mcp_guardrails.approval.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.approval.evidence import Record

TRUST_CHAINS: Final = "trust/"
"""What names of chains of the ledger of trust begin with."""
KINDS_OF_DECISION_KEY: Final = frozenset({"view", "decision", "decision-refused", "withdrawal", "registration"})
"""Kinds of records that the API function signs. A withdrawal by the run that asked is the intake's, see below."""
KINDS_OF_RESPONDER_KEY: Final = frozenset({CONTAINMENT})
"""Kinds of records that whoever contains agents signs: it takes requests back, and decides and carries out nothing."""
_WITHDRAWAL: Final = "withdrawal"


@dataclass(frozen=True)
class Keys:
    """The ARNs of the keys whose signatures count.

    Attributes:
        evidence: signs what the workflow's functions record.
        decision: signs what people do, as the API function recorded it.
        trust: signs the ledger of trust; empty where there is none.
        responder: the kill switch's, which signs withdrawals of contained agents' requests; empty for none.

    Raises:
        EvidenceError: two of them are the same key, or the first or second is empty.
    """

    evidence: str
    decision: str
    trust: str = ""
    responder: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        given = [key for key in (self.evidence, self.decision, self.trust, self.responder) if key]
        if not (self.evidence and self.decision) or len(set(given)) < len(given):
            raise EvidenceError("the keys of evidence and decisions are none or the same, allowed: one key for each")

    def of_chain(self, chain: str) -> frozenset[str]:
        """Return the keys whose signatures may be in a chain."""
        if chain.startswith(TRUST_CHAINS):
            return frozenset({self.trust} - {""})
        return frozenset({self.evidence, self.decision, self.responder} - {""})

    def _of_kind(self, kind: str) -> str:
        if kind in KINDS_OF_RESPONDER_KEY:
            return self.responder
        return self.decision if kind in KINDS_OF_DECISION_KEY else self.evidence

    def misused(self, chain: str, records: Sequence[Record]) -> list[Problem]:
        """Return the records of a chain that are signed by the key of another kind."""
        return list(self._misused(chain, records))

    def _misused(self, chain: str, records: Sequence[Record]) -> Iterator[Problem]:
        if chain.startswith(TRUST_CHAINS):
            return
        run = _run_of(records)
        for record in records:
            expected = self._of_kind(record.kind)
            if record.key_id == expected:
                continue
            # The intake records that the very run that asked takes its request back; it can take nobody else's.
            if (
                record.kind == _WITHDRAWAL
                and run
                and record.key_id == self.evidence
                and record.who == run
                and record.body.get("by") == run
            ):
                continue
            text = f"record {record.number} of kind {record.kind!r} is signed by key {record.key_id!r}, not its kind's"
            yield Problem(chain, record.number, Flaw.KEY, text)


def _run_of(records: Sequence[Record]) -> str:
    """Return the run that asked, as the chain's first record says; empty where it does not."""
    body = records[0].body if records else {}
    requester = body.get("requester")
    run = requester.get("run") if isinstance(requester, dict) else None
    return run if isinstance(run, str) else ""
