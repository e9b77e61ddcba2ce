"""pySigma's correlation as ours."""

from __future__ import annotations

from typing import Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.rule import Correlation, Counting

MAX_SECONDS: Final = 30 * 24 * 3600
MAX_COUNT: Final = 1000
"""How long a window may be, and how many it may count: what bounds the memory of a group."""

_TEMPORAL: Final = {Counting.TEMPORAL, Counting.TEMPORAL_ORDERED}


def correlation_of(found: Any, **common: Any) -> Correlation:  # noqa: ANN401 - pySigma's rule
    """Return a correlation.

    Args:
        found: pySigma's correlation rule.
        common: id, name, title, level, tags, sentence and contains.

    Raises:
        RuleError: for a type or a condition that the engine does not offer.
    """
    kind = found.type.name.lower()
    if kind not in set(Counting):
        raise RuleError(f"correlation {kind!r} is not allowed, allowed: {', '.join(one.value for one in Counting)}")
    counting = Counting(kind)
    rules = tuple(str(one.reference) for one in found.rules)
    seconds = int(found.timespan.seconds)
    if not 1 <= seconds <= MAX_SECONDS:
        raise RuleError(f"timespan of {seconds} seconds is not allowed, allowed: 1 to {MAX_SECONDS}")
    count, field = _condition(found, counting, len(rules))
    if found.aliases is not None and getattr(found.aliases, "aliases", None):
        raise RuleError("aliases are not allowed, allowed: fields that all rules of the correlation have")
    return Correlation(
        rules=rules,
        counting=counting,
        group_by=tuple(found.group_by or ()),
        seconds=seconds,
        count=count,
        field=field,
        **common,
    )


def _condition(found: Any, counting: Counting, rules: int) -> tuple[int, str]:  # noqa: ANN401 - pySigma's rule
    if counting in _TEMPORAL:
        return rules, ""
    condition = found.condition
    operator = getattr(getattr(condition, "op", None), "name", None)
    if operator not in {"GTE", "GT"}:
        raise RuleError(f"condition {operator!r} is not allowed, allowed: gte and gt")
    count = int(condition.count) + (operator == "GT")
    if not 1 <= count <= MAX_COUNT:
        raise RuleError(f"count {count} is not allowed, allowed: 1 to {MAX_COUNT}")
    field = condition.fieldref
    if isinstance(field, list):
        field = field[0] if len(field) == 1 else None
    if counting is Counting.VALUE_COUNT and not field:
        raise RuleError("value_count needs one field")
    return count, str(field) if counting is Counting.VALUE_COUNT else ""
