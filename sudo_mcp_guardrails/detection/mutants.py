"""Rules with one thing left out: a rule's cases must tell each of them from the rule.

A mutant that behaves as its rule on every case shows a condition that no case holds to, or one that is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Not, to_data
from sudo_mcp_guardrails.detection.rule import Counting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.detection.matching.condition import Condition
    from sudo_mcp_guardrails.detection.rule import Correlation

TRUE: Final = All(())
"""What every event meets."""


@dataclass(frozen=True, slots=True)
class ConditionMutant:
    """A rule's condition with one change.

    Attributes:
        what: what was changed, in a few words.
        condition: what is left.
    """

    what: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class CorrelationMutant:
    """A correlation with one change.

    Attributes:
        what: what was changed, in a few words.
        correlation: what is left.
    """

    what: str
    correlation: Correlation


def of_condition(condition: Condition) -> tuple[ConditionMutant, ...]:
    """Return all mutants of a condition, each once.

    Each comparison made true, each negation dropped, each alternative and each value of a list dropped, each ``all``
    made ``any``.
    """
    seen = {repr(to_data(condition))}
    found: list[ConditionMutant] = []
    for what, mutated in _mutated(condition):
        key = repr(to_data(mutated))
        if key not in seen:
            seen.add(key)
            found.append(ConditionMutant(what, mutated))
    return tuple(found)


def _mutated(condition: Condition) -> Iterator[tuple[str, Condition]]:
    if isinstance(condition, Comparison):
        yield f"{_name(condition)} dropped", TRUE
        if len(condition.values) > 1:
            for index, value in enumerate(condition.values):
                rest = condition.values[:index] + condition.values[index + 1 :]
                yield f"{condition.field} without {value!r}", replace(condition, values=rest)
        return
    if isinstance(condition, Not):
        yield f"not dropped before {_name(condition.part)}", condition.part
        yield f"not {_name(condition.part)} dropped", TRUE
        yield from ((what, Not(part)) for what, part in _mutated(condition.part))
        return
    make = All if isinstance(condition, All) else AnyOf
    parts = condition.parts
    if isinstance(condition, All) and len(parts) > 1:
        yield f"any instead of all of {_name(condition)}", AnyOf(parts)
    for index, one in enumerate(parts):
        before, after = parts[:index], parts[index + 1 :]
        if make is AnyOf and len(parts) > 1:
            yield f"alternative {_name(one)} dropped", AnyOf((*before, *after))
        for what, part in _mutated(one):
            yield what, make((*before, part, *after))


def _name(condition: Condition) -> str:
    if isinstance(condition, Comparison):
        values = "|".join(condition.values[:3]) + ("|…" if len(condition.values) > 3 else "")  # noqa: PLR2004
        return f"{condition.field or 'keyword'} {condition.op.value} {values}".rstrip()
    if isinstance(condition, Not):
        return f"not ({_name(condition.part)})"
    word = " and " if isinstance(condition, All) else " or "
    text = word.join(_name(part) for part in condition.parts)
    return f"({text})" if len(text) <= 80 else f"({text[:79]}…)"  # noqa: PLR2004 - a line


def of_correlation(one: Correlation) -> tuple[CorrelationMutant, ...]:
    """Return all mutants of a correlation.

    One event more and one less, the window a second longer and a second shorter, each rule and each field of the
    grouping dropped, values counted as events, order not regarded.
    """
    found: list[tuple[str, Correlation]] = [
        (f"window of {seconds} s", replace(one, seconds=seconds)) for seconds in (one.seconds - 1, one.seconds + 1)
    ]
    temporal = one.counting in (Counting.TEMPORAL, Counting.TEMPORAL_ORDERED)
    if not temporal:
        found.extend((f"count {count}", replace(one, count=count)) for count in (one.count - 1, one.count + 1) if count)
    if len(one.rules) > 1:
        for index, name in enumerate(one.rules):
            rules = one.rules[:index] + one.rules[index + 1 :]
            count = len(rules) if temporal else one.count
            found.append((f"rule {name} dropped", replace(one, rules=rules, count=count)))
    for index, name in enumerate(one.group_by):
        left = one.group_by[:index] + one.group_by[index + 1 :]
        found.append((f"group by {name} dropped", replace(one, group_by=left)))
    if one.counting is Counting.VALUE_COUNT:
        counted = replace(one, counting=Counting.EVENT_COUNT, field="")
        found.append((f"events counted instead of values of {one.field}", counted))
    if one.counting is Counting.TEMPORAL_ORDERED:
        found.append(("order not regarded", replace(one, counting=Counting.TEMPORAL)))
    return tuple(CorrelationMutant(what, mutated) for what, mutated in found)
