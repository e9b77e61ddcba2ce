"""Whether the ledger of trust let a rule decide what a rule decided.

The workflow's function that records a rule's decision records it in the agent's ledger first, under another key. So who
has the key of the evidence alone lets no rule decide. Whether the agent had earned it by then is for who replays the
ledger by the policy of trust of that day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.stored import Place

RULE_DECISION: Final = "rule-decision"
_SKEW: Final = 300
"""Seconds that clocks of two processes may differ by, as the policy of trust has it by default."""


class Allowed(NamedTuple):
    """An entry of a ledger that lets a rule decide.

    Attributes:
        number: of the entry.
        time: of the entry, in seconds since 1970.
        risk: class of the plan.
        environment: name of the agent's environment.
    """

    number: int
    time: int
    risk: RiskClass
    environment: str


class Rules:
    """Compares what rules decided with the ledgers.

    Args:
        place: of the records, with the ledgers.
        signers: the keys whose signatures count.
    """

    def __init__(self, place: Place, signers: Signers) -> None:
        self._place = place
        self._signers = signers
        self._ledgers: dict[str, dict[str, Allowed] | None] = {}
        self.unknown = 0
        """Decisions by rule of agents whose ledger is not in the place, or for which no key is given."""

    def wrong(self, case: Case) -> dict[int, str]:
        """Return why decisions by rule were not allowed, by the numbers of their records."""
        found = {}
        for record in case.of_kind(RULE_DECISION):
            agent = case.request.requester.agent
            if agent not in self._ledgers:
                self._ledgers[agent] = self._read(agent)
            ledger = self._ledgers[agent]
            if ledger is None:
                self.unknown += 1
            elif reason := _objection(case, record, ledger.get(case.request.id)):
                found[record.number] = f"{reason} in the ledger of {agent!r}"
        return found

    def _read(self, agent: str) -> dict[str, Allowed] | None:
        """Return what a ledger lets rules decide; nothing where it is not whole, and None where it is not there."""
        from sudo_mcp_guardrails.approval.chain.check import verify
        from sudo_mcp_guardrails.approval.errors import ApprovalError
        from sudo_mcp_guardrails.approval.trust import chain_name, entries_of
        from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic
        from sudo_mcp_guardrails.cli.approvals.checking import read_chain

        keys, verifier = self._signers
        chain = chain_name(agent)
        records, unread = read_chain(self._place, chain)
        if not keys.trust or not (records or unread):
            return None
        try:
            if unread or verify(chain, records, verifier, keys.of_chain(chain)):
                return {}  # what is wrong with it is a finding of its own
            entries = entries_of(records)
        except ApprovalError:
            return {}
        return {
            one.fact.item: Allowed(one.number, one.time, one.fact.risk, one.fact.environment)
            for one in reversed(entries)
            if isinstance(one.fact, Automatic)
        }


def _objection(case: Case, record: Record, allowed: Allowed | None) -> str:
    """Return what a rule's decision lacks; empty where it lacks nothing."""
    if allowed is None:
        return "no entry lets a rule decide it"
    if (allowed.risk, allowed.environment) != (case.request.risk, case.request.environment):
        about, asked = (f"{one.risk.value} in {one.environment!r}" for one in (allowed, case.request))
        return f"entry {allowed.number} is about {about}, and not {asked}"
    if allowed.time > record.time + _SKEW:
        return f"entry {allowed.number} came after the decision"
    return ""
