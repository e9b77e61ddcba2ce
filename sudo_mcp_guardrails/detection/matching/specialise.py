"""What is left of a condition once some fields of an event are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection.matching.closures import predicate
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Not, Op

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Known = Mapping[str, str | tuple[str, ...] | None]

    from sudo_mcp_guardrails.detection.matching.condition import Condition


def specialised(
    condition: Condition, known: Known, absent: str | None = None, present: Collection[str] = ()
) -> Condition | bool:
    """Return a condition's rest: True or False where the known fields alone decide it.

    Args:
        condition: the condition.
        known: the value of each known field, or its values; None for one that is absent.
        absent: fields whose path begins with this text are all absent. Default: none are.
        present: fields that are there, with a value that is not known. Default: none.
    """
    if isinstance(condition, Comparison):
        return _compare(condition, known, absent, present)
    if isinstance(condition, Not):
        rest = specialised(condition.part, known, absent, present)
        return not rest if isinstance(rest, bool) else Not(rest)
    deciding = isinstance(condition, AnyOf)
    parts: list[Condition] = []
    for part in condition.parts:
        rest = specialised(part, known, absent, present)
        if isinstance(rest, bool):
            if rest is deciding:
                return deciding
        else:
            parts.append(rest)
    if not parts:
        return not deciding
    if len(parts) == 1:
        return parts[0]
    return AnyOf(tuple(parts)) if deciding else All(tuple(parts))


def _compare(test: Comparison, known: Known, absent: str | None, present: Collection[str]) -> Condition | bool:
    if test.field in known:
        value = known[test.field]
    elif test.field in present:
        return False if test.op is Op.ABSENT else test
    elif absent is not None and test.field.startswith(absent):
        value = None
    else:
        return test
    if test.op is Op.ABSENT:
        return value is None
    if value is None:
        return False
    if test.op is Op.SAME:
        return test
    fits = predicate(test)
    return any(map(fits, value)) if isinstance(value, tuple) else fits(value)
