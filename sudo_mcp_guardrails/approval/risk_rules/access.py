"""What a call may do, by the access level of its actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_PERMISSIONS: Final = "Permissions management"


def _of_change(seen: Seen) -> Iterator[Found]:
    if not seen.is_call:
        return
    if not seen.actions:
        yield Found(RiskClass.R3, f"nobody knows which permissions {cut(seen.change.type)} takes")
    for action in seen.actions:
        level = seen.context.levels.of(action)
        if level is None:
            yield Found(RiskClass.R3, f"{cut(action)} is not in the action catalogue")
        elif level.startswith(_PERMISSIONS):
            yield Found(RiskClass.R3, f"{action} manages permissions")


RULE: Final = RiskRule(
    id="access-level",
    title="A call whose action manages permissions, is not in the action catalogue, or is not known at all: R3.",
    risks=(RiskClass.R3,),
    sources=("Service Authorization Reference, access levels",),
    of_change=_of_change,
)
