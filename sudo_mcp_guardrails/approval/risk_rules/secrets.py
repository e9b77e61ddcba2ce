"""Secrets in the plan itself, where everybody who reads it can see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen


def _of_change(seen: Seen) -> Iterator[Found]:
    for path in seen.change.sensitive:
        yield Found(RiskClass.R2, "it carries a value that nobody is to be shown", ".".join(path))


RULE: Final = RiskRule(
    id="secret-value",
    title="The plan carries a value that is marked as secret: R2.",
    risks=(RiskClass.R2,),
    sources=("Change.sensitive, as the readers of plans fill it",),
    of_change=_of_change,
)
