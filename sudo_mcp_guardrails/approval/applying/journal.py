"""What the broker writes into an approval's chain, and how two brokers at once, or one after a crash, stay apart.

Every step is appended on the condition that the chain still ends as it was read. Where somebody was faster, the chain
is read again and the step is thought over: a page that shows the approval appends too, and stops nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.store.case import REFUSED, Case
from sudo_mcp_guardrails.approval.store.evidence_store import MAX_RACES, Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys

WHO: Final = "approval-broker"
APPLY_REFUSED: Final = "apply-refused"
"""Somebody asked the broker to carry out what it may not, now; the approval stays as it is."""
DEVIATION: Final = "deviation"
"""What would run, or ran, is not what was approved."""
CALL_STARTED: Final = "call-started"
CALL_ENDED: Final = "call-ended"
VERIFIED: Final = "verified"
"""What happened was compared with the plan."""


class Journal:
    """One approval's chain.

    Args:
        store: Of the evidence, with the key of evidence.
        verifier: Of signatures.
        keys: That count.
        policy: In force.
        approval: Its id.
    """

    def __init__(
        self, store: EvidenceStore, verifier: Verifier, keys: Keys, policy: ApprovalPolicy, approval: str
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._keys = keys
        self._policy = policy
        self.approval = approval
        self._seen: Case | None = None

    def now(self) -> int:
        """Return the time."""
        return self._store.now()

    def case(self) -> Case:
        """Read the chain and check it; raises EvidenceError."""
        self._seen = Case.load(self._store, self.approval, self._verifier, self._keys)
        return self._seen

    def seen(self) -> Case:
        """Return the chain as it was read last, with what was appended here since; others may have appended more.

        Enough wherever a record that is missed shows when the next one is appended: a chain only grows.
        """
        return self._seen or self.case()

    def status(self, case: Case) -> Status:
        """Return where the approval stands now."""
        return case.status(self._policy, self.now())

    def step(self, kind: str, think: Callable[[Case], Mapping[str, Any] | None]) -> Record | None:
        """Append a record, if there is reason to at the moment that it is appended.

        Args:
            kind: Of the record.
            think: Returns its body, or None where none is to be appended, from the chain as it is.

        Raises:
            Lost: Others were faster too often.
            EvidenceError: The chain is not whole.
        """
        for _ in range(MAX_RACES):
            case = self.seen()
            body = think(case)
            if body is None:
                return None
            try:
                record = self._store.append_if(self.approval, case.last, kind, WHO, body)
            except Lost:
                self.case()
                continue
            self._seen = replace(case, records=(*case.records, record))
            return record
        raise Lost(f"chain {self.approval!r} took no record of kind {kind!r} in {MAX_RACES} attempts")

    def refuse(self, reason: str) -> ApplyRefused:
        """Record that something was asked for that may not be done now, and return the error to raise."""
        self.step(APPLY_REFUSED, lambda _: {"reason": reason})
        return ApplyRefused(reason)

    def refuse_for_good(self, reason: str, **facts: str) -> ApplyRefused | None:
        """Record a deviation, which ends the approval, and return the error to raise.

        Args:
            reason: In one line.
            **facts: What was approved, and what was found.

        Returns:
            The error; None where an execution began meanwhile, which explains that things are not as they were.
        """
        body = {"reason": reason, **facts}
        self.step(
            DEVIATION,
            lambda case: None if case.started or any(each.body == body for each in case.of_kind(DEVIATION)) else body,
        )
        self.step(REFUSED, lambda case: None if case.started or case.of_kind(REFUSED) else {"reason": reason})
        return None if self.case().started else ApplyRefused(reason)
