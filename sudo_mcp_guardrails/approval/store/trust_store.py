"""The ledger of trust in DynamoDB: one chain for each agent, replayed whenever something is to be decided.

A process that has verified and replayed a ledger goes on from there
(:mod:`~sudo_mcp_guardrails.approval.store.trust_checkpoint`): the answer is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.store.evidence_store import MAX_RACES, Lost
from sudo_mcp_guardrails.approval.store.trust_checkpoint import ONCE, Checkpoints
from sudo_mcp_guardrails.approval.trust import AutoDecision, automatic, chain_name, decide
from sudo_mcp_guardrails.approval.trust_ledger.entries import document, kind_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys
    from sudo_mcp_guardrails.approval.trust import Item
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState


class TrustStore:
    """Ledgers of trust.

    Args:
        store: of the trust table, with the trust key as its signer.
        verifier: of signatures.
        keys: that count.
        policy: the rules.
    """

    def __init__(self, store: EvidenceStore, verifier: Verifier, keys: Keys, policy: TrustPolicy) -> None:
        self._store = store
        self._checkpoints = Checkpoints(store, verifier, keys, policy)

    def state(self, agent: str) -> TrustState:
        """Return where an agent stands; T0 in everything where its ledger is not whole."""
        return self._checkpoints.ledger(agent).state

    def add(self, agent: str, fact: Fact, who: str) -> Record:
        """Record a fact; once, where it is one that an approval makes, however often it is asked for.

        Args:
            agent: its name.
            fact: what is recorded.
            who: recorded it.

        Raises:
            Lost: others appended all the time.
            EvidenceError: a value is out of bounds.
        """
        chain = chain_name(agent)
        for _ in range(MAX_RACES):
            there, last = self._recorded(agent, fact)
            if there is not None:
                self._store.copy(there)
                return there
            try:
                return self._store.append_if(chain, last, kind_of(fact), who, document(fact))
            except Lost:
                self._store.wait()
        raise Lost(f"ledger of {agent!r} took no record of kind {kind_of(fact)!r} in {MAX_RACES} attempts")

    def claim(
        self, agent: str, risk: RiskClass, environment: str, item: Item, who: str, *, by_rule: bool = True
    ) -> AutoDecision:
        """Decide whether an item is applied by rule, and use up the budget where it is.

        The fact that it was is the ledger's next entry, on the condition that nobody has recorded another one since the
        state was replayed: who loses decides anew. Where the item has such an entry already, as after a crash, the
        answer is the same.

        Args:
            agent: its name.
            risk: class of the plan.
            environment: name of the agent's environment.
            item: what is to be decided.
            who: records it.
            by_rule: whether a rule may decide at all, as the approval policy says. Where not, nothing is used up, and
                all that the answer tells is whether people may be asked.

        Raises:
            Lost: others appended all the time.
        """
        chain = chain_name(agent)
        for _ in range(MAX_RACES):
            ledger = self._checkpoints.ledger(agent)
            state = ledger.state
            done = ledger.automatic.get(item.id)
            if done is not None and not state.broken:
                number, audit = done
                return AutoDecision(
                    automatic=True,
                    reason=f"it was allowed by rule as entry {number}",
                    tier=state.cell(risk, environment).tier,
                    allowed=True,
                    audit=audit,
                    number=number,
                )
            decision = decide(state, risk, environment, item)
            if not decision.automatic or not by_rule:
                return decision
            fact = automatic(state, risk, environment, item, decision)
            try:
                self._store.append_if(chain, ledger.last, kind_of(fact), who, document(fact))
            except Lost:
                self._store.wait()
            else:
                return decision
        raise Lost(f"ledger of {agent!r} took no record of {item.id!r} in {MAX_RACES} attempts")

    def _recorded(self, agent: str, fact: Fact) -> tuple[Record | None, Record | None]:
        """Return the record that says the same already, where a fact is recorded once, and the ledger's last one."""
        known = self._checkpoints.recorded(agent, fact)
        if known is not None:
            return known
        records = self._store.records(chain_name(agent))
        there = _same(records, fact) if isinstance(fact, ONCE) else None
        return there, records[-1] if records else None


def _same(records: list[Record], fact: Fact) -> Record | None:
    kind, body = kind_of(fact), document(fact)
    return next((record for record in reversed(records) if record.kind == kind and record.body == body), None)
