"""Changes to the organization, its accounts, and what is shared with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_ACTIONS: Final = action_test(
    (
        *("account:*", "controltower:*", "organizations:*", "ram:*", "servicecatalog:*"),
        *("cloudformation:*StackSet*", "cloudformation:*StackInstances"),
    )
)


def _of_change(seen: Seen) -> Iterator[Found]:
    if "organization" in seen.traits:
        yield Found(RiskClass.R3, f"{seen.change.type} concerns other accounts")
    if not seen.reads:
        for action in seen.actions:
            if _ACTIONS(action.lower()):
                yield Found(RiskClass.R3, f"{action} concerns other accounts")


RULE: Final = RiskRule(
    id="organization",
    title="A change to the organization, its accounts, stack sets, or what is shared between accounts: R3.",
    risks=(RiskClass.R3,),
    sources=("the trust model of this project: Organizations is R3",),
    of_change=_of_change,
)
