"""Where it happens: a change anywhere but where the agent works is nobody's to approve by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Looked, Seen


def _of_change(seen: Seen) -> Iterator[Found]:
    environment = seen.environment
    if environment is None:
        where = f"account {seen.account}" if seen.account else "an account that the plan does not name"
        yield Found(RiskClass.R3, f"it is in {where}, which is none of the agent's environments")
        return
    if environment.regions and seen.region not in environment.regions:
        where = f"Region {seen.region}" if seen.region else "a Region that the plan does not name"
        yield Found(RiskClass.R3, f"it is in {where}, while environment {environment.name} has others")
    if seen.reads:
        yield Found(RiskClass.R0, "it reads and changes nothing")
    elif environment.is_production:
        yield Found(RiskClass.R2, f"it changes production, environment {environment.name}")
    else:
        yield Found(RiskClass.R1, f"it changes environment {environment.name}")


def _of_plan(looked: Looked) -> Iterator[Found]:
    if not looked.plan.changes:
        environment = looked.environment(looked.plan.account or looked.context.account)
        production = environment is None or environment.is_production
        text = "it names no change, and is carried out all the same"
        yield Found(RiskClass.R2 if production else RiskClass.R1, text)


RULE: Final = RiskRule(
    id="environment",
    title="Every change counts: R1 in a sandbox, R2 in production, R3 where the agent does not work; reads are R0.",
    risks=(RiskClass.R0, RiskClass.R1, RiskClass.R2, RiskClass.R3),
    sources=("the trust model of this project, classes R0 to R4",),
    of_change=_of_change,
    of_plan=_of_plan,
)
