"""Who may promote what: two people, and only where the evidence lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.trust_ledger.policy import TIERS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.trust_ledger.rulings import Promotion
    from sudo_mcp_guardrails.approval.trust_ledger.state import Cell


def objections(cell: Cell, fact: Promotion, *, agent: str) -> tuple[str, ...]:
    """Return why a promotion does not count: nothing where it does.

    Whether the two people are the agent's owner and of security is for who records it: it knows their groups.

    Args:
        cell: the agent's cell as it stands.
        fact: the promotion.
        agent: its name.
    """
    found = list(cell.missing)
    if fact.fingerprint != cell.fingerprint:
        found.append(f"it is for fingerprint {fact.fingerprint}, and the agent has {cell.fingerprint or 'none'}")
    following = TIERS[TIERS.index(cell.tier) + 1 :]
    if fact.to not in following[:1]:
        found.append(f"{fact.to.value} does not follow {cell.tier.value}")
    owner, security = plain(fact.owner), plain(fact.security)
    if owner == security:
        found.append(f"{fact.owner!r} promotes alone")
    for person in (owner, security):
        if person == plain(agent):
            found.append("the agent promotes itself")
        elif person in cell.requesters:
            found.append(f"{person!r} is behind the evidence")
    return tuple(found)
