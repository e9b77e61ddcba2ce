"""What a check of the evidence found, and what it goes by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.cli.approvals.proofs import Checked

MAX_FINDINGS: Final = 10_000
"""Most findings that are kept; all are counted."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        chain: its name; empty for what belongs to none.
        number: of the record; 0 where the chain as a whole is meant.
        flaw: in a word: those of :class:`~sudo_mcp_guardrails.approval.chain.check.Flaw`, and ``unreadable``,
            ``misplaced``, ``not-allowed`` and ``proof``.
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
        parties: the pages that assertions are taken of, by the ids of their relying parties; none, and each is to be of
            the domain that its decision names.
    """

    approval: dict[str, ApprovalPolicy] = field(default_factory=dict)
    trust: TrustPolicy | None = None
    parties: dict[str, RelyingParty] = field(default_factory=dict)


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
        proofs: of the decisions of approvals whose chains are whole, by what became of them.
        rules_unknown: decisions by rule of agents whose ledger of trust is not there.
    """

    records: int = 0
    chains: int = 0
    broken: int = 0
    findings: list[Finding] = field(default_factory=list)
    broken_chains: set[str] = field(default_factory=set)
    heads: int = 0
    states: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    proofs: Counter[Checked] = field(default_factory=Counter)
    rules_unknown: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings in."""
        for each in findings:
            self.broken += 1
            self.broken_chains.add(each.chain)
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(each)


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
        "proofs": {checked.value: count for checked, count in sorted(found.proofs.items())},
        "rules_not_checked": found.rules_unknown,
    }
