"""What a call takes of budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget, Per
from sudo_mcp_guardrails.gateway.meaning import Effect

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import TrustTier
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.gateway.deciding.settings import Prices
    from sudo_mcp_guardrails.gateway.meaning import Meaning

_OWN: Final = frozenset({Amount.CALLS})


def amounts_of(meaning: Meaning, tool: str, prices: Prices) -> tuple[dict[Amount, int], frozenset[Amount]]:
    """Return what a call takes, and of what nobody knows how much it takes.

    Args:
        meaning: Of the call.
        tool: ``server/tool``.
        prices: What calls cost.
    """
    found, unknown = {Amount.CALLS: 1, Amount.WRITES: 0, Amount.CENTS: 0, Amount.RESOURCES: 0}, set()
    changes = meaning.effect is not Effect.READ
    if not meaning.known:
        price = prices.cents.get(tool, prices.others if changes else 0)
        found[Amount.WRITES] = found[Amount.RESOURCES] = int(changes)
        found[Amount.CENTS] = price or 0
        return found, frozenset({Amount.CENTS} if price is None else ())
    resources: set[str] = set()
    for meant in meaning.calls:
        times = meant.call.at_most
        named = [prices.cents[need.action] for need in meant.needs if need.action in prices.cents]
        price = max(named) if named else (0 if meant.reads else prices.others)
        if not meant.reads:
            found[Amount.WRITES] += times or 0
            resources.update(arn for need in meant.needs for arn in need.resources)
            if times is None:
                unknown |= {Amount.WRITES}
            if not meant.needs or any(not need.resources for need in meant.needs):
                unknown |= {Amount.RESOURCES}
        if price is None or (price and times is None):
            unknown |= {Amount.CENTS}
        found[Amount.CENTS] += (price or 0) * (times or 1)
    found[Amount.RESOURCES] = len(resources)
    if meaning.undecidable:
        unknown |= set(Amount) - _OWN
    return found, frozenset(unknown)


def rule_budgets(policy: TrustPolicy, tier: TrustTier, risk: RiskClass) -> tuple[Budget, ...]:
    """Return the budgets of trust that limit what is done by rule, to which the workflow holds as well."""
    if risk is RiskClass.R0:
        return ()
    return tuple(
        Budget(what, most, each.seconds, Per.AGENT)
        for each in policy.budgets.get(tier, ())
        for what, most in ((Amount.CALLS, each.count), (Amount.CENTS, each.cost), (Amount.RESOURCES, each.resources))
    )


def unknown_for(budgets: tuple[Budget, ...], unknown: frozenset[Amount]) -> str:
    """Return what has a budget and is not known; empty where nothing is."""
    return ", ".join(sorted({each.what.value for each in budgets if each.what in unknown}))
