"""Which field names an event must have for a condition to be met, so that most events are never parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection.matching.computed import FIELDS as COMPUTED
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Op

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition


def needed(condition: Condition, given: str) -> frozenset[str] | None:
    """Return names of which an event must have one for a condition to be met; None where it may be met without any.

    Args:
        condition: the condition.
        given: fields whose path begins with this text stand in no event: they come from elsewhere.
    """
    if isinstance(condition, Comparison):
        if not condition.field or condition.op is Op.ABSENT or condition.field in COMPUTED:
            return None
        return None if condition.field.startswith(given) else frozenset((condition.field.rpartition(".")[2],))
    if isinstance(condition, All):
        found = [names for part in condition.parts if (names := needed(part, given)) is not None]
        return min(found, key=len, default=None)
    if isinstance(condition, AnyOf):
        together: frozenset[str] = frozenset()
        for part in condition.parts:
            names = needed(part, given)
            if names is None:
                return None
            together |= names
        return together
    return None
