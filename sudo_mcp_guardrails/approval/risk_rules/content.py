"""What could not be told about a plan: content that lies outside without a version, or that nobody could read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Looked


def _of_plan(looked: Looked) -> Iterator[Found]:
    for unknown in looked.plan.unknown:
        yield Found(RiskClass.R3, f"not known: {cut(unknown.reason)}", unknown.where)


RULE: Final = RiskRule(
    id="unknown-content",
    title="Something about the plan could not be told, such as code or a template without a version: R3.",
    risks=(RiskClass.R3,),
    sources=("unknown means no",),
    of_plan=_of_plan,
)
