"""IAM's condition operators without their quantifiers: what one value is compared with.

Source: IAM user guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.matching import any_glob, arn_glob

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[str], bool | None]
    """Whether a value meets any of the patterns; None where it is no value of the operator's kind."""

WILD: Final = {"*": "\ue000", "?": "\ue001"}
"""``${*}`` and ``${?}`` mean the characters themselves; these stand for them until the pattern is compared."""
_TO_WILD: Final = {ord(char): wild for char, wild in WILD.items()}
_FROM_WILD: Final = {ord(wild): char for char, wild in WILD.items()}
_WILDS: Final = frozenset(WILD.values())

STRING_KIND: Final = "string"
NUMBER_KIND: Final = "number"
DATE_KIND: Final = "date"
ADDRESS_KIND: Final = "address"

OPERATORS: Final[dict[str, tuple[str, bool, str]]] = {
    "stringequals": ("equals", False, STRING_KIND),
    "stringnotequals": ("equals", True, STRING_KIND),
    "stringequalsignorecase": ("equals-ignore-case", False, STRING_KIND),
    "stringnotequalsignorecase": ("equals-ignore-case", True, STRING_KIND),
    "stringlike": ("like", False, STRING_KIND),
    "stringnotlike": ("like", True, STRING_KIND),
    "arnequals": ("arn", False, STRING_KIND),
    "arnlike": ("arn", False, STRING_KIND),
    "arnnotequals": ("arn", True, STRING_KIND),
    "arnnotlike": ("arn", True, STRING_KIND),
    "bool": ("bool", False, STRING_KIND),
    "binaryequals": ("binary", False, STRING_KIND),
    "ipaddress": ("address", False, ADDRESS_KIND),
    "notipaddress": ("address", True, ADDRESS_KIND),
    **{
        f"{kind}{name}": (f"{kind}-{comparison}", negated, NUMBER_KIND if kind == "numeric" else DATE_KIND)
        for kind in ("numeric", "date")
        for name, comparison, negated in (
            ("equals", "eq", False),
            ("notequals", "eq", True),
            ("lessthan", "lt", False),
            ("lessthanequals", "le", False),
            ("greaterthan", "gt", False),
            ("greaterthanequals", "ge", False),
        )
    },
}
"""Operator in lower case: (comparison, whether it is negated, kind of the values)."""

_ORDERED: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "eq": lambda value, wanted: value == wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
}


def escaped(value: str) -> str:
    """Return a value whose own wildcards are literal: a caller must not widen a policy with a tag of ``*``."""
    return value.translate(_TO_WILD)


def plain(pattern: str) -> str:
    """Return a pattern in which nothing is a wildcard any more."""
    return pattern.translate(_FROM_WILD)


@lru_cache(maxsize=65_536)
def comparison(name: str, patterns: tuple[str, ...]) -> Test:
    """Return the test of one value against any of several patterns.

    Args:
        name: A comparison named in :data:`OPERATORS`, such as ``"like"``.
        patterns: The condition's values, variables replaced. One that is not of the comparison's kind never
            matches.
    """
    if name in _COMPARISONS:
        return _COMPARISONS[name](patterns)
    kind, _, order = name.partition("-")
    return _ordered(instant if kind == "date" else number, order, patterns)


def _equals(patterns: tuple[str, ...]) -> Test:
    return frozenset(map(plain, patterns)).__contains__


def _bool(patterns: tuple[str, ...]) -> Test:
    wanted = frozenset(plain(p).lower() for p in patterns)

    def test(value: str) -> bool | None:
        given = value.lower()
        return given in wanted if given in {"true", "false"} else None

    return test


def _equals_ignore_case(patterns: tuple[str, ...]) -> Test:
    lowered = frozenset(plain(p).lower() for p in patterns)
    return lambda value: value.lower() in lowered


def like(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test of ``StringLike`` and of a Resource element."""
    test = any_glob(patterns)
    if any(_WILDS.intersection(pattern) for pattern in patterns):
        return lambda value: test(escaped(value))
    return test


def _arn(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test of ``ArnLike``, which is also that of ``ArnEquals``."""
    literal = any(_WILDS.intersection(pattern) for pattern in patterns)
    # What has no colon at all is no ARN pattern but for wildcards, and is compared as a string.
    arns = tuple(arn_glob(p) for p in patterns if ":" in p)
    rest = any_glob(tuple(p for p in patterns if ":" not in p))

    def test(value: str) -> bool:
        value = escaped(value) if literal else value
        return any(matches(value) for matches in arns) or rest(value)

    return test


def number(text: str) -> Decimal | None:
    """Read a number; None for anything else."""
    try:
        read = Decimal(text)
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


@lru_cache(maxsize=4096)
def instant(text: str) -> Decimal | None:
    """Read an ISO 8601 date, or seconds since the epoch, as seconds; None for anything else."""
    seconds = number(text)
    if seconds is not None:
        return seconds
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return Decimal(str((parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()))


def _ordered(read: Callable[[str], Decimal | None], order: str, patterns: tuple[str, ...]) -> Test:
    """Return a comparison of numbers or dates."""
    compare = _ORDERED[order]
    wanted = [w for w in map(read, patterns) if w is not None]

    def test(value: str) -> bool | None:
        given = read(value)
        return None if given is None else any(compare(given, w) for w in wanted)

    return test


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network | None:
    """Read an address or a range, of both families; None for anything else."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _address(patterns: tuple[str, ...]) -> Test:
    """Return the test of ``IpAddress``; an address of the other family is in no range."""
    networks = [n for n in map(network, patterns) if n is not None]

    def test(value: str) -> bool | None:
        given = _address_of(value)
        return None if given is None else any(given in n for n in networks)

    return test


def decoded(text: str) -> bytes | None:
    """Read Base64; None for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _binary(patterns: tuple[str, ...]) -> Test:
    """Return the test of ``BinaryEquals``, which compares the bytes."""
    wanted = frozenset(map(decoded, patterns)) - {None}

    def test(value: str) -> bool | None:
        given = decoded(value)
        return None if given is None else given in wanted

    return test


_COMPARISONS: Final[dict[str, Callable[[tuple[str, ...]], Test]]] = {
    "bool": _bool,
    "equals": _equals,
    "equals-ignore-case": _equals_ignore_case,
    "like": like,
    "arn": _arn,
    "address": _address,
    "binary": _binary,
}
