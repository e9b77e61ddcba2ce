"""A rule's condition as data: what pySigma read, in a form that a Lambda function loads without it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError

MAX_DEPTH: Final = 32
"""How deep a condition may be nested."""

MAX_VALUES: Final = 10_000
"""How many values one test may have."""


class Op(str, Enum):
    """How a test compares a field with its values; true where one of the values fits."""

    EQUALS = "equals"
    """Text, without regard to case; a truth value or a number equals its text."""
    EQUALS_CASED = "equals-cased"
    """Text, exactly."""
    LIKE = "like"
    """A pattern: ``*`` stands for any text, ``?`` for one character, ``\\`` takes the next one literally."""
    LIKE_CASED = "like-cased"
    """As LIKE, exactly."""
    REGEX = "regex"
    """A regular expression that is found somewhere in the text; see :mod:`.regexes` for which are allowed."""
    CIDR = "cidr"
    """An address inside of a network."""
    BELOW = "lt"
    AT_MOST = "lte"
    ABOVE = "gt"
    AT_LEAST = "gte"
    ABSENT = "absent"
    """The field is not there, or null; has no values."""
    SAME = "same"
    """The field equals another one, named by the value."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison.

    Attributes:
        field: path of the field, its names joined by dots; lists on the way are looked through. Empty: the text of
            every value of the event.
        op: how it is compared.
        values: with what, as text.
    """

    field: str
    op: Op
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    """True where all parts are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where one part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is not."""

    part: Condition


Condition = Comparison | All | AnyOf | Not


def to_data(condition: Condition) -> list[Any]:
    """Return a condition as JSON's own types."""
    if isinstance(condition, Comparison):
        return ["test", condition.field, condition.op.value, *condition.values]
    if isinstance(condition, Not):
        return ["not", to_data(condition.part)]
    return ["all" if isinstance(condition, All) else "any", *(to_data(part) for part in condition.parts)]


def from_data(data: object, depth: int = 0) -> Condition:
    """Return the condition that :func:`to_data` wrote.

    Raises:
        RuleError: for anything else.
    """
    if depth > MAX_DEPTH:
        raise RuleError(f"condition is nested deeper than {MAX_DEPTH}, allowed: {MAX_DEPTH} at most")
    match data:
        case ["test", str(field), str(op), *values] if op in set(Op) and len(values) <= MAX_VALUES:
            texts = tuple(value for value in values if isinstance(value, str))
            if len(texts) == len(values):
                return Comparison(field, Op(op), texts)
        case ["not", part]:
            return Not(from_data(part, depth + 1))
        case ["all", *parts]:
            return All(tuple(from_data(part, depth + 1) for part in parts))
        case ["any", *parts]:
            return AnyOf(tuple(from_data(part, depth + 1) for part in parts))
    raise RuleError(f"condition {str(data)[:120]!r} is not allowed, allowed: a list of test, not, all or any")


def fields_of(condition: Condition) -> frozenset[str]:
    """Return the paths of all fields that a condition looks at."""
    if isinstance(condition, Comparison):
        other = condition.values if condition.op is Op.SAME else ()
        return frozenset((condition.field, *other))
    if isinstance(condition, Not):
        return fields_of(condition.part)
    return frozenset().union(*(fields_of(part) for part in condition.parts))
