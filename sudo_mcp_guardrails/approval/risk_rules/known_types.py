"""Resources of a type that no rule knows, and resources that run somebody's code to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen


def _of_change(seen: Seen) -> Iterator[Found]:
    if seen.is_call:
        return
    if not seen.is_known:
        yield Found(RiskClass.R3, f"type {cut(seen.change.type)} is not known to these rules")
    elif "custom" in seen.traits:
        yield Found(RiskClass.R3, f"type {cut(seen.change.type)} runs somebody's code, which may do anything")


RULE: Final = RiskRule(
    id="known-type",
    title="A resource of a type that is not in the table of types, a custom resource, a macro or a nested stack: R3.",
    risks=(RiskClass.R3,),
    sources=("unknown means no", "CloudFormation user guide, Custom resources"),
    of_change=_of_change,
)
