"""One approval, replayed from its chain: what all functions of the workflow look at before they do anything.

Beside the events that people and the broker make, a chain has records of the workflow itself: ``scan``, ``refused``,
``deviation``, ``forged-callback`` and others. Two of them decide something here: a plan that a scanner is to pass is
not carried out before it did, and what the workflow refused stays refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Decision, Verdict
from sudo_mcp_guardrails.approval.deciding.evaluate import evaluate
from sudo_mcp_guardrails.approval.deciding.events import CONTAINMENT, KINDS, ExecutionEnded, ExecutionStarted, event_of
from sudo_mcp_guardrails.approval.deciding.status import About, Notice, State
from sudo_mcp_guardrails.approval.errors import DecisionError, EvidenceError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.store.asked import SCAN_WANTED, read_asked

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest
    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.asked import Asked
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys

SCAN: Final = "scan"
REFUSED: Final = "refused"
"""Kinds of the workflow's own records."""
ENDED_UNASKED: Final = frozenset({REFUSED, CONTAINMENT})
"""Kinds of records that a chain begins with where it ended before anything was asked for."""


@dataclass(frozen=True)
class Case:
    """An approval with its evidence.

    Attributes:
        records: of its chain, checked, in their order; one at least.
        request: what is asked for.
        asked: what it was judged by.
    """

    records: tuple[Record, ...]
    request: ApprovalRequest
    asked: Asked

    @classmethod
    def load(cls, store: EvidenceStore, approval: str, verifier: Verifier, keys: Keys) -> Case:
        """Read an approval and check its chain.

        Args:
            store: of the evidence.
            approval: its id.
            verifier: of signatures.
            keys: that count.

        Raises:
            EvidenceError: there is no such approval, or its chain is not whole.
        """
        records = store.checked(approval, verifier, keys)
        if not records:
            raise EvidenceError(f"approval {approval!r} is not known")
        return cls.of(records)

    @classmethod
    def of(cls, records: list[Record]) -> Case:
        """Return the approval of a chain that was checked; raises EvidenceError where it asks for nothing."""
        return cls(tuple(records), *read_asked(records[0]))

    @property
    def last(self) -> Record:
        """The chain's last record: what a claim is made on."""
        return self.records[-1]

    @cached_property
    def digest(self) -> str:
        """The approval digest."""
        return approval_digest(self.request)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """What :func:`~sudo_mcp_guardrails.approval.deciding.evaluate.evaluate` takes, in the chain's order."""
        found = []
        for record in self.records:
            if record.kind in KINDS:
                try:
                    found.append(event_of(record.kind, record.body))
                except DecisionError as error:
                    text = f"record {record.number} of {record.chain!r} cannot be read: {error}"
                    raise EvidenceError(text) from None
        return tuple(found)

    @cached_property
    def started(self) -> ExecutionStarted | None:
        """The first execution that began, whether it counted or not; None where none did."""
        return next((event for event in self.events if isinstance(event, ExecutionStarted)), None)

    @cached_property
    def ended(self) -> ExecutionEnded | None:
        """The end of that execution; None where it has none."""
        return next((event for event in self.events if isinstance(event, ExecutionEnded)), None)

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Return the records of one kind, in their order."""
        return tuple(record for record in self.records if record.kind == kind)

    def status(self, policy: ApprovalPolicy, now: int) -> Status:
        """Return where it stands, with what the workflow itself refused.

        Args:
            policy: in force.
            now: seconds since 1970.

        Raises:
            EvidenceError: an event cannot be read.
            DecisionError: there are too many.
        """
        found = evaluate(self.request, self.events, policy, now)
        if found.state not in {State.PENDING, State.APPROVED, State.EXPIRED}:
            return found
        refusal = self._refusal
        # What was refused while it lived stays refused; without this it would count as expired afterwards.
        if refusal and (found.state is not State.EXPIRED or refusal.time < self.request.expires):
            return self._refused(found, _reason(refusal), policy)
        if self._unscanned and found.state is not State.EXPIRED:
            missing = (*found.missing, "the scanner has not passed it yet")
            return replace(found, missing=missing, executable=False, opens=None)
        return found

    def refusers(self, status: Status) -> tuple[str, ...]:
        """Return the people whose refusal counted."""
        uncounted = {one.number for one in status.uncounted}
        return tuple(
            event.statement.approver
            for number, event in enumerate(self.events)
            if isinstance(event, Decision) and event.statement.verdict is Verdict.REFUSE and number not in uncounted
        )

    @property
    def _refusal(self) -> Record | None:
        """The first record with which the workflow refused it; None where it did not."""
        return next((record for record in self.records if _reason(record)), None)

    @property
    def _unscanned(self) -> bool:
        return self.asked.scan == SCAN_WANTED and not self.of_kind(SCAN)

    def _refused(self, found: Status, because: str, policy: ApprovalPolicy) -> Status:
        request = self.request
        told = tuple(each for each in found.notices if each.about is About.BREAK_GLASS)
        text = f"refused: {request.risk.value} in {request.environment} by {request.requester.agent} ({request.ticket})"
        settled = {record.body.get("notice") for record in self.of_kind("notified")}
        if About.REFUSED.value not in settled:
            asked = any(str(notice).startswith(About.REQUESTED.value) for notice in settled)
            groups = policy.deciding(request, found.time) if asked else ()
            told = (*told, Notice(About.REFUSED.value, About.REFUSED, groups, text))
        return replace(
            found,
            state=State.REFUSED,
            because=because,
            missing=(),
            executable=False,
            next_escalation=None,
            opens=None,
            notices=told,
        )


def _reason(record: Record) -> str:
    """Why the workflow refuses with this record; empty where it does not."""
    if record.kind == REFUSED:
        return str(record.body.get("reason", "")) or "the workflow refused it"
    if record.kind == SCAN and record.body.get("passed") is not True:
        return "the scanner did not pass it"
    return ""


def status_document(status: Status) -> dict[str, object]:
    """Return what a function answers of a status: texts, numbers and lists, times as text."""
    return {
        "state": status.state.value,
        "because": status.because,
        "missing": list(status.missing),
        "opens": written(status.opens) if status.opens is not None else None,
    }
