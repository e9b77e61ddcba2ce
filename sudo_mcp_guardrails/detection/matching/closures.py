"""A condition as one function of an event."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.condition import All, Comparison, Not, Op
from sudo_mcp_guardrails.detection.matching.patterns import like
from sudo_mcp_guardrails.detection.matching.regexes import finder
from sudo_mcp_guardrails.detection.matching.values import getter, text_of, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sudo_mcp_guardrails.detection.matching.condition import Condition

    Predicate = Callable[[Any], bool]
    Matcher = Callable[[Mapping[str, Any]], bool]

_COMPARED: Final[dict[Op, Callable[[float, float], bool]]] = {
    Op.BELOW: lambda value, bound: value < bound,
    Op.AT_MOST: lambda value, bound: value <= bound,
    Op.ABOVE: lambda value, bound: value > bound,
    Op.AT_LEAST: lambda value, bound: value >= bound,
}


def matcher(condition: Condition) -> Matcher:
    """Return a function that tells whether an event meets a condition.

    Args:
        condition: as read; nothing of it is changed.

    Raises:
        RuleError: for a value that its operator cannot take.
    """
    if isinstance(condition, Comparison):
        return _compare(condition)
    if isinstance(condition, Not):
        part = matcher(condition.part)
        return lambda event: not part(event)
    parts = tuple(matcher(part) for part in condition.parts)
    return _all(parts) if isinstance(condition, All) else _any(parts)


def _all(parts: Sequence[Matcher]) -> Matcher:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:  # noqa: PLR2004 - the commonest, without a loop
        first, second = parts
        return lambda event: first(event) and second(event)

    def every(event: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 - a generator would take twice the time
            if not part(event):
                return False
        return True

    return every


def _any(parts: Sequence[Matcher]) -> Matcher:
    if len(parts) == 1:
        return parts[0]

    def some(event: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 - as above
            if part(event):
                return True
        return False

    return some


def _compare(test: Comparison) -> Matcher:
    if not test.field:
        fits = predicate(test)
        return lambda event: any(fits(text) for text in texts(event))
    get = getter(test.field)
    if test.op is Op.ABSENT:
        return lambda event: get(event) is None
    if test.op is Op.SAME:
        return _same(get, [getter(other) for other in test.values])
    fits = predicate(test)

    def tested(event: Mapping[str, Any]) -> bool:
        value = get(event)
        if value is None:
            return False
        if value.__class__ is list:
            return any(map(fits, value))
        return fits(value)

    return tested


def _same(get: Callable[[Mapping[str, Any]], Any], others: Sequence[Callable[[Mapping[str, Any]], Any]]) -> Matcher:
    def same(event: Mapping[str, Any]) -> bool:
        mine = _texts_of(get(event))
        return any(mine & _texts_of(other(event)) for other in others)

    return same


def _texts_of(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if value is None:
        return set()
    return {text_of(one).lower() for one in (value if value.__class__ is list else [value])}


def predicate(test: Comparison) -> Predicate:
    """Return what tells whether one value of a field fits.

    Raises:
        RuleError: as :func:`matcher`.
    """
    make = _PREDICATES.get(test.op)
    if make is None:
        raise RuleError(f"operator {test.op.value!r} of field {test.field!r} compares no single value")
    return make(test)


def _like(test: Comparison) -> Predicate:
    fits = [like(value.lower()) for value in test.values]
    if len(fits) == 1:
        only = fits[0]
        return lambda value: only(text_of(value).lower())
    return _any_pattern(fits)


def _like_cased(test: Comparison) -> Predicate:
    fits = [like(value) for value in test.values]
    return lambda value: any(one(text_of(value)) for one in fits)


def _regex(test: Comparison) -> Predicate:
    found = [finder(value) for value in test.values]
    return lambda value: any(one(text_of(value)) for one in found)


def _any_pattern(fits: Sequence[Callable[[str], bool]]) -> Predicate:
    def some(value: object) -> bool:
        text = text_of(value).lower()
        return any(one(text) for one in fits)

    return some


def _equal_cased(test: Comparison) -> Predicate:
    exact = frozenset(test.values)
    return lambda value: text_of(value) in exact


def _equal(test: Comparison) -> Predicate:
    wanted = frozenset(value.lower() for value in test.values)

    def equal(value: Any) -> bool:  # noqa: ANN401 - any JSON
        return (value.lower() if value.__class__ is str else text_of(value).lower()) in wanted

    return equal


def _inside(test: Comparison) -> Predicate:
    try:
        networks = [ipaddress.ip_network(value, strict=False) for value in test.values]
    except ValueError as error:
        raise RuleError(f"network of field {test.field!r} is not allowed: {error}") from None

    def inside(value: object) -> bool:
        try:
            address = ipaddress.ip_address(text_of(value))
        except ValueError:  # a service's name, as CloudTrail writes it for calls that a service makes
            return False
        return any(address in network for network in networks)

    return inside


def _compared(test: Comparison) -> Predicate:
    compare = _COMPARED[test.op]
    try:
        bounds = [float(value) for value in test.values]
    except ValueError:
        raise RuleError(f"value {test.values!r} of field {test.field!r} is no number, allowed: a number") from None

    def compared(value: object) -> bool:
        try:
            number = float(text_of(value))
        except ValueError:
            return False
        return any(compare(number, bound) for bound in bounds)

    return compared


_PREDICATES: Final[dict[Op, Callable[[Comparison], Predicate]]] = {
    Op.EQUALS: _equal,
    Op.EQUALS_CASED: _equal_cased,
    Op.LIKE: _like,
    Op.LIKE_CASED: _like_cased,
    Op.REGEX: _regex,
    Op.CIDR: _inside,
    **dict.fromkeys(_COMPARED, _compared),
}
