"""Whether people ruled what a ledger of trust says that they ruled.

The page's function records each ruling with its proof under the decision key first, and then the ledger's entry under
the trust key, which other functions have too. So who has the trust key alone introduces, promotes and demotes nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact
    from sudo_mcp_guardrails.cli.approvals.keys import Signers
    from sudo_mcp_guardrails.cli.approvals.stored import Place

_DAY: Final = 86_400
_SKEW: Final = 300
"""Seconds that clocks of two processes may differ by, as the policy of trust has it by default."""


def unruled(place: Place, signers: Signers, agent: str, ledger: Sequence[Record], since: int) -> dict[int, str]:
    """Return what entries of a ledger lack, by their numbers.

    Args:
        place: of the records, with the chain of rulings.
        signers: the keys whose signatures count.
        agent: whose ledger it is.
        ledger: its records, verified, in their order.
        since: time of the first entry that is looked at.
    """
    from sudo_mcp_guardrails.approval.trust import entries_of

    rulings: list[Record] | None = None
    found = {}
    for entry in entries_of(ledger):
        wanted = _wanted(entry.fact)
        if not wanted or entry.time < since:
            continue
        if rulings is None:
            rulings = _read(place, signers, agent)
        before = [one.body for one in rulings if 0 <= entry.time + _SKEW - one.time <= _DAY + 2 * _SKEW]
        for who, what in wanted.items():
            if not any(body.get("by") == who and what.items() <= body.items() for body in before):
                found[entry.number] = f"no ruling of {who!r} is on record that says so"
    return found


def _wanted(fact: Fact) -> dict[str, dict[str, Any]]:
    """Return whose rulings a fact takes, and what each of them says; none for a fact that takes none."""
    from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion

    if isinstance(fact, Introduced):
        return {fact.by: {"action": "introduce", "fingerprint": fact.fingerprint, "reason": fact.reason}}
    if isinstance(fact, Demotion):
        where = {"risk": fact.risk.value if fact.risk else "", "environment": fact.environment}
        return {fact.by: {"action": "demote", "to": fact.to.value, "reason": fact.reason, **where}}
    if isinstance(fact, Promotion):
        where = {"risk": fact.risk.value, "environment": fact.environment, "to": fact.to.value}
        told = {"action": "promote", "fingerprint": fact.fingerprint, **where}
        return {fact.owner: told, fact.security: told}
    return {}


def _read(place: Place, signers: Signers, agent: str) -> list[Record]:
    """Return the rulings about an agent; none of a chain that is not whole, which is a finding of its own."""
    from sudo_mcp_guardrails.approval.authentication.stated import RULINGS
    from sudo_mcp_guardrails.approval.chain.check import verify
    from sudo_mcp_guardrails.approval.errors import ApprovalError
    from sudo_mcp_guardrails.cli.approvals.checking import read_chain

    keys, verifier = signers
    chain = f"{RULINGS}{agent}"
    records, unread = read_chain(place, chain)
    try:
        if unread or verify(chain, records, verifier, keys.of_chain(chain)) or keys.misused(chain, records):
            return []
    except ApprovalError:
        return []
    return records
