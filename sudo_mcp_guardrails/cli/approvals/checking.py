"""What is wrong with the evidence: of each chain by itself, against the policy, and against published heads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.cli.approvals.places import NOT_READ
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.approval.chain.check import Problem
    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.places import Place

MAX_FINDINGS: Final = 10_000
"""Most findings that are kept; all are counted."""
_OF_WORKFLOW: Final = frozenset({"execution", "outcome", "rule-decision"})
"""Kinds of events that the workflow itself records, and only where they are allowed."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        chain: its name; empty for what belongs to none.
        number: of the record; 0 where the chain as a whole is meant.
        flaw: in a word: those of :class:`~sudo_mcp_guardrails.approval.chain.check.Flaw`, and ``unreadable``,
            ``misplaced`` and ``not-allowed``.
        text: the same in one line.
    """

    chain: str
    number: int
    flaw: str
    text: str


@dataclass(frozen=True)
class Policies:
    """What approvals are replayed by.

    Attributes:
        approval: by their versions; none, and nothing is replayed.
        trust: the policy of trust; None, and no ledger is replayed.
    """

    approval: dict[str, ApprovalPolicy] = field(default_factory=dict)
    trust: TrustPolicy | None = None


@dataclass
class Found:
    """What a check found.

    Attributes:
        records: that could be read.
        chains: that there are.
        broken: findings, all of them.
        findings: the first of them.
        broken_chains: those that have any.
        heads: that were published and that the chains were compared with.
        states: of the approvals that were replayed, with their numbers.
        unknown: approvals of a version of the policy that was not given.
    """

    records: int = 0
    chains: int = 0
    broken: int = 0
    findings: list[Finding] = field(default_factory=list)
    broken_chains: set[str] = field(default_factory=set)
    heads: int = 0
    states: Counter[str] = field(default_factory=Counter)
    unknown: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings in."""
        for each in findings:
            self.broken += 1
            self.broken_chains.add(each.chain)
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(each)


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
        self.found = Found()

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
        if records and not findings:
            findings.extend(self._replayed(chain, records))
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
                return self._ledger(chain, records)
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

    def _ledger(self, chain: str, records: list[Record]) -> list[Finding]:
        from sudo_mcp_guardrails.approval.store.signers import TRUST_CHAINS
        from sudo_mcp_guardrails.approval.trust import replay_ledger

        if self._policies.trust is None:
            return []
        keys, verifier = self._signers
        agent = chain.removeprefix(TRUST_CHAINS)
        now = max(self._now, records[-1].time)
        state = replay_ledger(agent, records, self._policies.trust, now, verifier=verifier, keys=keys.of_chain(chain))
        return [Finding(chain, 0, "unreadable", state.broken)] if state.broken else []


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


def summary_of(found: Found) -> dict[str, Any]:
    """Return the numbers, as ``--json`` has them."""
    return {
        "records": found.records,
        "broken": found.broken,
        "chains": found.chains,
        "broken_chains": len(found.broken_chains),
        "heads": found.heads,
        "replayed": sum(found.states.values()),
        "states": dict(sorted(found.states.items())),
        "not_replayed": found.unknown,
    }
