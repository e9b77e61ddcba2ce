"""The ledger of trust in DynamoDB: one chain for each agent, replayed whenever something is to be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.store.evidence_store import MAX_RACES, Lost
from sudo_mcp_guardrails.approval.trust import AutoDecision, automatic, chain_name, decide, replay_ledger
from sudo_mcp_guardrails.approval.trust_ledger.entries import document, kind_of
from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic, Outcome, Trigger

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.evidence import Record, Verifier
    from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
    from sudo_mcp_guardrails.approval.store.signers import Keys
    from sudo_mcp_guardrails.approval.trust import Item
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState

_ONCE: Final = (Automatic, Outcome, Trigger)


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
        self._verifier = verifier
        self._keys = keys
        self._policy = policy

    def state(self, agent: str) -> TrustState:
        """Return where an agent stands; T0 in everything where its ledger is not whole."""
        return self._state(agent, self._store.records(chain_name(agent)))

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
            records = self._store.records(chain)
            there = _same(records, fact) if isinstance(fact, _ONCE) else None
            if there is not None:
                self._store.copy(there)
                return there
            try:
                return self._store.append_if(
                    chain, records[-1] if records else None, kind_of(fact), who, document(fact)
                )
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
            records = self._store.records(chain)
            state = self._state(agent, records)
            done = _automatic_of(records, item.id)
            if done is not None and not state.broken:
                tier = state.cell(risk, environment).tier
                audit = done.body.get("audit") is True
                return AutoDecision(
                    automatic=True,
                    reason=f"it was allowed by rule as entry {done.number}",
                    tier=tier,
                    allowed=True,
                    audit=audit,
                    number=done.number,
                )
            decision = decide(state, risk, environment, item)
            if not decision.automatic or not by_rule:
                return decision
            fact = automatic(state, risk, environment, item, decision)
            try:
                self._store.append_if(chain, records[-1] if records else None, kind_of(fact), who, document(fact))
            except Lost:
                self._store.wait()
            else:
                return decision
        raise Lost(f"ledger of {agent!r} took no record of {item.id!r} in {MAX_RACES} attempts")

    def _state(self, agent: str, records: list[Record]) -> TrustState:
        keys = self._keys.of_chain(chain_name(agent))
        return replay_ledger(agent, records, self._policy, self._store.now(), verifier=self._verifier, keys=keys)


def _same(records: list[Record], fact: Fact) -> Record | None:
    """Return the record that says the same already."""
    kind, body = kind_of(fact), document(fact)
    return next((record for record in reversed(records) if record.kind == kind and record.body == body), None)


def _automatic_of(records: list[Record], item: str) -> Record | None:
    return next(
        (one for one in reversed(records) if one.kind == "trust-automatic" and one.body.get("item") == item), None
    )
