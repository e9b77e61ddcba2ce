"""What is not the agent's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_ANYTHING: Final = frozenset({"", "*"})


def _of_change(seen: Seen) -> Iterator[Found]:
    if seen.reads:
        return
    resources = [each for each in seen.change.resources if each not in _ANYTHING]
    if seen.is_call and not resources:
        yield Found(RiskClass.R2, "nobody knows which resources it touches")
    if seen.context.own:
        for each in resources:
            if seen.is_call and not seen.owns(each):
                yield Found(RiskClass.R3, f"it changes {cut(each)}, which is not the agent's own")
    arn = seen.change.physical_id
    if seen.context.own and not seen.is_call and arn is not None and arn.startswith("arn:") and not seen.owns(arn):
        yield Found(RiskClass.R3, f"it changes {cut(arn)}, which is not the agent's own")


RULE: Final = RiskRule(
    id="not-own",
    title="A change to a resource that is known and is not the agent's own: R3; a call of which nobody knows what it "
    "touches: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the agent's scope: what it owns",),
    of_change=_of_change,
)
