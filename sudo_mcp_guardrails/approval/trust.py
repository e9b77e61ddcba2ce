"""Earned trust: what an agent may do by rule, and what goes to people.

``decide`` says what happens to one item, from the state that a replay of the signed ledger gives. It decides nothing
by itself: who applies an item by rule records that first, as the next entry of the ledger, on the condition that
nobody has recorded another one meanwhile; who loses replays and decides again. So budgets hold however many items
come at once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name
from sudo_mcp_guardrails.approval.chain.check import verify
from sudo_mcp_guardrails.approval.errors import ApprovalError, TrustError
from sudo_mcp_guardrails.approval.evidence import append
from sudo_mcp_guardrails.approval.trust_ledger.entries import Entry, document, kind_of, read_fact
from sudo_mcp_guardrails.approval.trust_ledger.facts import MAX_COST, Automatic
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION
from sudo_mcp_guardrails.approval.trust_ledger.policy import Handling
from sudo_mcp_guardrails.approval.trust_ledger.replay import replay
from sudo_mcp_guardrails.approval.trust_ledger.state import TrustState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sudo_mcp_guardrails.approval.chain.check import ChainHead
    from sudo_mcp_guardrails.approval.evidence import Record, Signer, Verifier
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy


@dataclass(frozen=True)
class Item:
    """What is to be decided.

    Attributes:
        id: of the approval.
        fingerprint: of the agent, as the server sees it now.
        digest: of the plan.
        cost: a month, in cents of a US dollar; None where nobody knows, and then people decide.
        resources: number of resources that change; None where nobody knows.
    """

    id: str
    fingerprint: str
    digest: str
    cost: int | None
    resources: int | None

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("item", self.id)
        check_digest("fingerprint", self.fingerprint)
        check_digest("digest of the item", self.digest)
        for name in ("cost", "resources"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= MAX_COST:
                raise TrustError(f"{name} {value} of {self.id!r} is none, allowed: 0 to {MAX_COST}")


@dataclass(frozen=True)
class AutoDecision:
    """What happens to an item.

    Attributes:
        automatic: whether it is applied by rule.
        reason: why, or why not, in one line.
        tier: that it was decided by.
        allowed: whether it may be applied at all; False where nobody is even asked.
        audit: whether a person looks at it afterwards.
        number: the ledger's last entry that this rests on.
    """

    automatic: bool
    reason: str
    tier: TrustTier
    allowed: bool
    audit: bool
    number: int


def decide(state: TrustState, risk: RiskClass, environment: str, item: Item) -> AutoDecision:
    """Decide whether an item is applied by rule.

    Args:
        state: of the agent, now.
        risk: class of the plan.
        environment: name of the agent's environment.
        item: what is to be decided.
    """
    tier, why = _tier(state, risk, environment, item)
    handling = state.policy.table[tier][risk]
    place = f"{risk.value} in {environment!r} at {tier.value}"
    over = "" if risk is RiskClass.R0 else _over_budget(state, tier, item)
    audit = False
    if handling is Handling.REFUSED:
        reason = f"{place} is refused: {why}"
    elif handling is Handling.APPROVAL:
        reason = f"{place} takes a person"
    elif over:
        handling, reason = Handling.APPROVAL, f"{place} takes a person: {over}"
    else:
        audit = handling is Handling.AUDITED and is_audited(state.head, item, state.policy.audit)
        reason = f"{place} is automatic" + (", with an audit" if audit else "")
    allowed = handling is not Handling.REFUSED
    by_rule = handling in (Handling.AUTOMATIC, Handling.AUDITED)
    return AutoDecision(by_rule, reason, tier, allowed, audit, state.number)


def is_audited(head: str, item: Item, share: int) -> bool:
    """Tell whether a person looks at an item afterwards, by an HMAC-SHA256 over it under the ledger's head.

    Agents cannot read the ledger, and each item that is recorded changes its head: nobody can foresee it.

    Args:
        head: digest of the ledger's last entry.
        item: that is to be applied by rule.
        share: of all items, in millionths.
    """
    message = f"{item.id}\n{item.digest}".encode()
    drawn = int.from_bytes(hmac.new(bytes.fromhex(head), message, hashlib.sha256).digest()[:8], "big")
    return drawn * MILLION < share << 64


def automatic(state: TrustState, risk: RiskClass, environment: str, item: Item, decision: AutoDecision) -> Automatic:
    """Return the fact to record before an item is applied by rule.

    Raises:
        TrustError: it is not applied by rule, or the decision rests on another state.
    """
    if not decision.automatic or decision.number != state.number:
        raise TrustError(f"item {item.id!r} is not decided by rule after entry {state.number}: {decision.reason}")
    return Automatic(
        item.id, item.fingerprint, risk, environment, item.cost or 0, item.resources or 0, audit=decision.audit
    )


def chain_name(agent: str) -> str:
    """Return the name of an agent's ledger among the chains of evidence."""
    return f"trust/{agent}"


def record(agent: str, last: Record | None, fact: Fact, *, time: int, who: str, signer: Signer) -> Record:
    """Make the next record of an agent's ledger, signed; see :func:`~sudo_mcp_guardrails.approval.evidence.append`.

    Raises:
        EvidenceError: as there.
    """
    chain = chain_name(agent)
    return append(chain, last, time=time, kind=kind_of(fact), who=who, body=document(fact), signer=signer)


def entries_of(records: Sequence[Record]) -> list[Entry]:
    """Return the entries of a ledger that was verified, in the order of its records.

    Raises:
        TrustError: a record holds no fact of a ledger of trust.
    """
    return [Entry(one.number, one.time, read_fact(one.kind, one.body), one.digest) for one in records]


def replay_ledger(
    agent: str,
    records: Sequence[Record],
    policy: TrustPolicy,
    now: int,
    *,
    verifier: Verifier,
    keys: Collection[str],
    published: ChainHead | None = None,
    known: ChainHead | None = None,
) -> TrustState:
    """Verify an agent's ledger and replay it. A ledger that is broken, or cannot be read, leaves T0 in everything.

    Args:
        agent: its name.
        records: of its ledger, in any order.
        policy: the rules.
        now: seconds since 1970.
        verifier: of signatures.
        keys: whose signatures count.
        published: as for :func:`~sudo_mcp_guardrails.approval.chain.check.verify`.
        known: as there.
    """
    try:
        problems = verify(chain_name(agent), records, verifier, keys, published=published, known=known)
        if problems:
            broken = f"{problems[0].text} ({len(problems)} problems)" if len(problems) > 1 else problems[0].text
            return TrustState(agent, policy, now, broken=broken)
        ordered = sorted(records, key=lambda one: one.number)
        return replay(entries_of(ordered), policy, now, agent=agent)
    except ApprovalError as error:
        return TrustState(agent, policy, now, broken=str(error))


def _tier(state: TrustState, risk: RiskClass, environment: str, item: Item) -> tuple[TrustTier, str]:
    """Return the tier that decides, and why it is that one, or why nothing helps."""
    if state.broken:
        return TrustTier.T0, f"the ledger is broken: {state.broken}"
    if state.fingerprint and item.fingerprint != state.fingerprint:
        return TrustTier.T0, "this version of the agent was not introduced"
    cell = state.cell(risk, environment)
    return cell.tier, "it is forbidden at every tier" if risk is RiskClass.R4 else cell.reason


def _over_budget(state: TrustState, tier: TrustTier, item: Item) -> str:
    """Return what the item would exceed; empty where it fits."""
    if item.cost is None or item.resources is None:
        return "nobody knows what it costs or how much it changes"
    for budget in state.policy.budgets.get(tier, ()):
        used = [one for one in state.used if state.now - one.time < budget.seconds]
        for name, total, most in (
            ("items", len(used) + 1, budget.count),
            ("cents a month", sum(one.cost for one in used) + item.cost, budget.cost),
            ("resources", sum(one.resources for one in used) + item.resources, budget.resources),
        ):
            if total > most:
                return f"it would make {total} {name} within {budget.seconds} seconds, allowed are {most}"
    return ""
