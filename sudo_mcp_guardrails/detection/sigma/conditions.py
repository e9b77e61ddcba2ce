"""pySigma's parsed condition as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Not, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.detection.matching.condition import Condition


def condition_of(node: Any) -> Condition:  # noqa: ANN401 - pySigma's tree
    """Return a parsed condition.

    Raises:
        RuleError: for what the engine does not offer.
    """
    from sigma.conditions import (  # noqa: PLC0415 - an extra, and slow to import
        ConditionAND,
        ConditionFieldEqualsValueExpression,
        ConditionNOT,
        ConditionOR,
        ConditionValueExpression,
    )

    if isinstance(node, ConditionNOT):
        return Not(condition_of(node.args[0]))
    if isinstance(node, ConditionAND):
        return All(tuple(condition_of(part) for part in node.args))
    if isinstance(node, ConditionOR):
        parts = _joined(condition_of(part) for part in node.args)
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return comparison_of(node.field, node.value)
    if isinstance(node, ConditionValueExpression):
        found = comparison_of("", node.value)
        if isinstance(found, Comparison) and found.op is Op.EQUALS:  # a keyword is found anywhere in a text
            return Comparison("", Op.LIKE, tuple(f"*{_escaped(value)}*" for value in found.values))
        return found
    raise RuleError(f"condition {type(node).__name__} is not allowed, allowed: and, or, not, fields and keywords")


def _joined(parts: Iterable[Condition]) -> list[Condition]:
    """Make one comparison of several that ask the same of the same field: one look instead of many."""
    found: list[Condition] = []
    places: dict[tuple[str, Op], int] = {}
    for part in parts:
        if isinstance(part, Comparison) and part.op is not Op.ABSENT:
            at = places.setdefault((part.field, part.op), len(found))
            if at < len(found):
                held = found[at]
                assert isinstance(held, Comparison)  # noqa: S101 - for the type checker
                found[at] = Comparison(part.field, part.op, held.values + part.values)
                continue
        found.append(part)
    return found


def comparison_of(field: str, value: Any) -> Comparison | Not:  # noqa: ANN401 - pySigma's value
    """Return the comparison of a field with one value.

    Raises:
        RuleError: for a kind of value that the engine does not offer.
    """
    kind = next((one for one in type(value).__mro__ if one.__name__ in _MADE), None)
    if kind is None or getattr(value, "starts_with", False) is True or getattr(value, "ends_with", False) is True:
        allowed = ", ".join(_MADE)
        raise RuleError(f"{type(value).__name__} for field {field!r} is not allowed, allowed: {allowed}")
    return _MADE[kind.__name__](field, value)


def _text(field: str, value: Any) -> Comparison:  # noqa: ANN401 - pySigma's value
    cased = type(value).__name__ == "SigmaCasedString"
    if not all(isinstance(part, str) for part in value.s):
        return Comparison(field, Op.LIKE_CASED if cased else Op.LIKE, (_pattern(value),))
    return Comparison(field, Op.EQUALS_CASED if cased else Op.EQUALS, ("".join(value.s),))


def _regex(field: str, value: Any) -> Comparison:  # noqa: ANN401 - pySigma's value
    flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
    expression = str(value.regexp.to_plain() if hasattr(value.regexp, "to_plain") else value.regexp)
    return Comparison(field, Op.REGEX, (f"(?{flags}){expression}" if flags else expression,))


# By the name of pySigma's class, so that nothing of it is imported here; a subclass is its nearest base's.
_MADE: Final[dict[str, Callable[[str, Any], Comparison | Not]]] = {
    "SigmaString": _text,
    "SigmaBool": lambda field, value: Comparison(field, Op.EQUALS, ("true" if value.boolean else "false",)),
    "SigmaNumber": lambda field, value: Comparison(field, Op.EQUALS, (str(value.number),)),
    "SigmaNull": lambda field, _value: Comparison(field, Op.ABSENT),
    "SigmaExists": lambda field, value: (
        Not(Comparison(field, Op.ABSENT)) if value.exists else Comparison(field, Op.ABSENT)
    ),
    "SigmaRegularExpression": _regex,
    "SigmaCIDRExpression": lambda field, value: Comparison(field, Op.CIDR, (str(value.cidr),)),
    "SigmaCompareExpression": lambda field, value: Comparison(field, Op(value.op.name.lower()), (str(value.number),)),
    "SigmaFieldReference": lambda field, value: Comparison(field, Op.SAME, (value.field,)),
}


def _pattern(value: Any) -> str:  # noqa: ANN401 - pySigma's string
    from sigma.types import SpecialChars  # noqa: PLC0415 - as above

    found: list[str] = []
    for part in value.s:
        if isinstance(part, str):
            found.append(_escaped(part))
        elif part is SpecialChars.WILDCARD_MULTI:
            found.append("*")
        elif part is SpecialChars.WILDCARD_SINGLE:
            found.append("?")
        else:
            raise RuleError(f"placeholder {part!s} in {str(value)!r} is not allowed, allowed: values")
    return "".join(found)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
