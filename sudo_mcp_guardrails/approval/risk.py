"""How dangerous a plan is, and why: rules that anybody can read, of which the worst decides.

A rule can only raise the class; nothing in a plan lowers what another rule found. What cannot be told is R3. A plan
of nothing but harmless reads is R0; a change of which no rule knows anything worse is R1 in a sandbox and R2 in
production.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules import RULES
from sudo_mcp_guardrails.approval.risk_rules.context import Recent, RiskContext, RiskLimits
from sudo_mcp_guardrails.approval.risk_rules.rule import Reason, RiskRule
from sudo_mcp_guardrails.approval.risk_rules.view import Looked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.risk_rules.rule import Found
    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

__all__ = ["Reason", "Recent", "RiskAssessment", "RiskContext", "RiskLimits", "RiskRule", "assess"]

ORDER: Final = tuple(RiskClass)
"""The classes, the least dangerous first."""
_LISTED: Final = 200
_ALWAYS: Final = frozenset({"suppression"})
_WHERE_FORBIDDEN: Final = frozenset({"guardrails", "records"})


@dataclass(frozen=True)
class RiskAssessment:
    """How dangerous a plan is.

    Attributes:
        risk: the class of the worst reason.
        reasons: all of them, worst first, and in the order of the rules and of the plan among equals.
    """

    risk: RiskClass
    reasons: tuple[Reason, ...]

    @property
    def triggers(self) -> tuple[str, ...]:
        """Rules that take an agent's trust away at once: it told a scanner to look away, or tried what is R4."""
        found = {
            reason.rule
            for reason in self.reasons
            if reason.rule in _ALWAYS or (reason.rule in _WHERE_FORBIDDEN and reason.risk is RiskClass.R4)
        }
        return tuple(sorted(found))

    @property
    def forbidden(self) -> bool:
        """Whether nobody can approve it."""
        return self.risk is RiskClass.R4

    def document(self, limit: int = _LISTED) -> dict[str, Any]:
        """Return it as JSON.

        Args:
            limit: how many reasons are listed, the worst; of the others each rule's number is told.
        """
        return {
            "risk": self.risk.value,
            "triggers": list(self.triggers),
            "reasons": [reason.document() for reason in self.reasons[:limit]],
            "more": dict(sorted(Counter(reason.rule for reason in self.reasons[limit:]).items())),
        }


def assess(plan: Plan, context: RiskContext) -> RiskAssessment:
    """Judge a plan.

    Args:
        plan: what would change.
        context: whose it is, where it may go, and what came before; see :class:`RiskContext`.

    Returns:
        The class and the reasons. There is always one at least, and the same input gives the same answer.
    """
    looked = Looked(plan, context)
    found: list[Reason] = []
    for rule in RULES:
        if rule.of_plan is not None:
            found += [Reason(rule.id, each.risk, each.path, each.text) for each in rule.of_plan(looked)]
    for seen in looked.seen:
        found += _reasons(seen)
        seen.forget()
    order = {rule.id: number for number, rule in enumerate(RULES)}
    unique = tuple(dict.fromkeys(found))
    reasons = sorted(unique, key=lambda each: (-ORDER.index(each.risk), order[each.rule]))
    return RiskAssessment(reasons[0].risk, tuple(reasons))


def worst(risks: tuple[RiskClass, ...]) -> RiskClass:
    """Return the most dangerous of several classes; R0 of none."""
    return max(risks, key=ORDER.index, default=RiskClass.R0)


def _reasons(seen: Seen) -> Iterator[Reason]:
    """Yield what the rules find in one change."""
    for rule in RULES:
        if rule.of_change is not None:
            for each in rule.of_change(seen):
                yield Reason(rule.id, each.risk, _where(seen, each), each.text)


def _where(seen: Seen, found: Found) -> str:
    return f"{seen.change.id}: {found.path}" if found.path else seen.change.id
