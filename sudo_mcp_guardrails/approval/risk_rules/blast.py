"""How much a plan changes, and how much depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Looked


def _of_plan(looked: Looked) -> Iterator[Found]:
    limits = looked.context.limits
    changing = sum(not seen.reads for seen in looked.seen)
    if changing >= limits.several:
        yield Found(_risk(looked, changing), f"it changes {changing} things at once")
    if not looked.graph.complete:
        yield Found(RiskClass.R3, "the plan is too large to tell what depends on what")
        return
    # What depends on something new is new itself, and cannot break.
    changed = looked.ended_or_changed
    after_all = looked.graph.dependents(changed)
    if len(after_all) >= limits.several:
        text = f"{len(after_all)} things depend on what it changes or deletes"
        counts = looked.graph.counts
        worst = max(changed, key=lambda each: (counts.get(each, 0), each), default="")
        yield Found(_risk(looked, len(after_all)), f"{text}, most of them on {worst}", worst)


def _risk(looked: Looked, count: int) -> RiskClass:
    return RiskClass.R3 if count >= looked.context.limits.many else RiskClass.R2


RULE: Final = RiskRule(
    id="blast-radius",
    title="Many changes at once, or many things that depend on what changes: R2 from 10 on, R3 from 100 on by default.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the graph of the plan's resources",),
    of_plan=_of_plan,
)
