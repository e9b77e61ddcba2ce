"""What is wrong with the evidence: of each chain by itself, against the policy, and against published heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.approvals.found import Finding, Found
from sudo_mcp_guardrails.cli.approvals.ledgers import Ledgers
from sudo_mcp_guardrails.cli.approvals.proofs import Proofs
from sudo_mcp_guardrails.cli.approvals.rules import Rules
from sudo_mcp_guardrails.cli.approvals.stored import NOT_READ
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.approval.chain.check import Problem
    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.cli.approvals.found import Policies
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.proofs import Proof
    from sudo_mcp_guardrails.cli.approvals.stored import Place

_OF_WORKFLOW: Final = frozenset({"execution", "outcome", "rule-decision"})
"""Kinds of events that the workflow itself records, and only where they are allowed."""


class Checker:
    """Checks chains, one after the other.

    Args:
        place: of the records.
        signers: the keys that count.
        policies: that approvals are replayed by.
        now: seconds since 1970.
    """

    def __init__(self, place: Place, signers: Signers, policies: Policies, now: int) -> None:
        self._place = place
        self._signers = signers
        self._policies = policies
        self._now = now
        self._proofs = Proofs(place, signers, policies.approval, policies.parties)
        self.found = Found(proofs=self._proofs.counts)
        self._rules = Rules(place, signers)
        self._ledgers = Ledgers(place, signers, policies.trust)
        self.proofs: Mapping[int, Proof] = {}
        """Of what people proved in the chain that was checked last, by the numbers of the records."""

    def check(self, chain: str) -> list[Record]:
        """Check a chain, and return its records in their order.

        Raises:
            InputError: it is a ledger of trust, and no key of trust is given; or the place cannot be read.
        """
        from sudo_mcp_guardrails.approval.chain.check import verify
        from sudo_mcp_guardrails.approval.errors import EvidenceError
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS

        keys, verifier = self._signers
        if chain.startswith(TRUST_CHAINS) and not keys.trust:
            raise InputError(f"chain {chain!r} is a ledger of trust, expected --trust-key")
        records, findings = read_chain(self._place, chain)
        self.found.chains += chain != NOT_READ
        self.found.records += len(records)
        if chain != NOT_READ:
            try:
                problems = verify(chain, records, verifier, keys.of_chain(chain))
                problems += [one for one in keys.misused(chain, records) if one not in problems]
            except EvidenceError as error:
                findings.append(Finding(chain, 0, "unreadable", str(error)))
            else:
                findings.extend(_finding(one) for one in problems)
        self.proofs = {}
        if records and not findings:
            findings.extend(self._replayed(chain, records))
            findings.extend(one for one in self._unproved(chain, records) if one not in findings)
        self.found.add(findings)
        return records

    def against(self, published: Sequence[ApprovalHeads], until: str | None) -> None:
        """Compare the chains with the heads of one store; raises EvidenceError where the day is none."""
        from sudo_mcp_guardrails.approval.chain.heads import against_published

        problems = against_published(published, lambda chain: read_chain(self._place, chain)[0], until=until)
        self.found.heads += len(published)
        self.found.add(_finding(one) for one in problems)

    def _replayed(self, chain: str, records: list[Record]) -> list[Finding]:
        """Replay a chain that is whole: what it says happened must have been allowed."""
        from sudo_mcp_guardrails.approval.errors import ApprovalError
        from sudo_mcp_guardrails.approval.store.case import Case
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS

        try:
            if chain.startswith(TRUST_CHAINS):
                return self._ledgers.replayed(chain, records, self._now)
            if records[0].kind != "request" or not self._policies.approval:
                return []
            case = Case.of(records)
            policy = self._policies.approval.get(case.request.policy_version)
            if policy is None:
                self.found.unknown += 1
                return []
            status = case.status(policy, max(self._now, records[-1].time))
        except ApprovalError as error:
            return [Finding(chain, 0, "unreadable", str(error))]
        self.found.states[status.state.value] += 1
        wrong = {one.number: one.reason for one in status.uncounted if one.kind in _OF_WORKFLOW}
        return [*_not_allowed(case, wrong), *_unscanned(case, wrong)]

    def _unproved(self, chain: str, records: list[Record]) -> list[Finding]:
        """Verify again, in a chain that is whole, what people proved their decisions by, and what let a rule decide."""
        from sudo_mcp_guardrails.approval.errors import ApprovalError
        from sudo_mcp_guardrails.approval.store.case import Case
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS
        from sudo_mcp_guardrails.cli.approvals.proofs import Checked

        if chain.startswith(TRUST_CHAINS):
            return self._ledgers.unruled(chain, records, self._proofs.since)
        if records[0].kind != "request":
            self.proofs = self._proofs.of_stated(records)
            return [
                Finding(chain, one, "proof", f"the proof of record {one} does not hold: {proof.text}")
                for one, proof in self.proofs.items()
                if proof.checked is Checked.FAILED
            ]
        try:
            case = Case.of(records)
        except ApprovalError as error:
            return [Finding(chain, 0, "unreadable", str(error))]
        self.proofs = self._proofs.of(case)
        wrong = self._rules.wrong(case)
        self.found.rules_unknown = self._rules.unknown
        return [
            *(
                Finding(chain, one, "proof", f"record {one} is a decision whose proof does not hold: {proof.text}")
                for one, proof in self.proofs.items()
                if proof.checked is Checked.FAILED
            ),
            *(
                Finding(chain, one, "not-allowed", f"record {one} of kind 'rule-decision' was not allowed: {reason}")
                for one, reason in wrong.items()
            ),
        ]


def read_chain(place: Place, chain: str) -> tuple[list[Record], list[Finding]]:
    """Return the records of a chain in the order of their numbers, and what cannot be read or stands elsewhere."""
    from sudo_mcp_guardrails.approval.errors import EvidenceError
    from sudo_mcp_guardrails.approval.evidence import Record

    records: list[Record] = []
    findings: list[Finding] = []
    known: set[bytes] = set()
    for stored in place.stored(chain):
        try:
            record = Record.from_line(stored.text)
        except EvidenceError as error:
            findings.append(Finding(chain, stored.number, "unreadable", f"{stored.name}: {error}"))
            continue
        if stored.number and stored.number != record.number:
            text = f"{stored.name} holds record {record.number}"
            findings.append(Finding(chain, stored.number, "misplaced", text))
        # The table and the bucket may be read as one place: then each record is there twice, and the same.
        if record.line() not in known:
            known.add(record.line())
            records.append(record)
    return sorted(records, key=lambda each: each.number), findings


def _finding(problem: Problem) -> Finding:
    return Finding(problem.chain, problem.number, problem.flaw.value, problem.text)


def _events(case: Case) -> list[Record]:
    """Return the records that are events, in the order that a replay numbers them."""
    from sudo_mcp_guardrails.approval.deciding.events import KINDS

    return [record for record in case.records if record.kind in KINDS]


def _not_allowed(case: Case, wrong: dict[int, str]) -> list[Finding]:
    found = []
    for place, record in enumerate(_events(case)):
        if place in wrong:
            text = f"record {record.number} of kind {record.kind!r} was not allowed: {wrong[place]}"
            found.append(Finding(record.chain, record.number, "not-allowed", text))
    return found


def _unscanned(case: Case, wrong: dict[int, str]) -> list[Finding]:
    """Return what was carried out although the workflow had refused it, or no scanner had passed it."""
    from sudo_mcp_guardrails.approval.store.asked import SCAN_WANTED
    from sudo_mcp_guardrails.approval.store.case import REFUSED, SCAN

    events = _events(case)
    begun = [one for place, one in enumerate(events) if one.kind == "execution" and place not in wrong]
    if not begun:
        return []
    number = begun[0].number
    before = case.records[: number - 1]
    scans = [one.body.get("passed") is True for one in before if one.kind == SCAN]
    reason = ""
    if any(one.kind == REFUSED for one in before):
        reason = "the workflow had refused it"
    elif not all(scans) or (case.asked.scan == SCAN_WANTED and not scans):
        reason = "the scanner had not passed it"
    text = f"record {number} of kind 'execution' was not allowed: {reason}"
    return [Finding(case.request.id, number, "not-allowed", text)] if reason else []
