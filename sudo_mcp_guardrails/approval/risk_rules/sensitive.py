"""Calls that are called reads and return secrets, credentials or people's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass, SensitiveRead
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_ALWAYS: Final = frozenset({SensitiveRead.SECRET, SensitiveRead.CREDENTIAL})


def _of_change(seen: Seen) -> Iterator[Found]:
    for action in seen.actions:
        kind = seen.sensitive(action)
        if kind is None:
            continue
        if kind in _ALWAYS:
            risk = RiskClass.R3
        elif kind in seen.context.sensitive_reads:
            risk = RiskClass.R1
        elif kind is SensitiveRead.BULK_DATA and seen.in_production:
            risk = RiskClass.R3
        else:
            risk = RiskClass.R2
        yield Found(risk, f"{action} returns what is not harmless, class {kind.value}")


RULE: Final = RiskRule(
    id="sensitive-read",
    title="A call that returns secrets or credentials: R3. Production's data: R3. Other data, configuration and logs: "
    "R2, or R1 where the agent opted into the class.",
    risks=(RiskClass.R1, RiskClass.R2, RiskClass.R3),
    sources=("the list of sensitive reads of this project",),
    of_change=_of_change,
)
