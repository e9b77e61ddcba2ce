"""What a condition may say: operators, keys, the values that each operator takes, and policy variables.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators" and "IAM policy elements: Variables and
tags". What would never match is refused here: in a Deny it would be a guardrail that does not exist.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.conditions import VARIABLE, parse_operator, variables
from sudo_mcp_guardrails.iam.documents import PolicyError
from sudo_mcp_guardrails.iam.operators import (
    ADDRESS_KIND,
    DATE_KIND,
    NUMBER_KIND,
    OPERATORS,
    decoded,
    instant,
    network,
)
from sudo_mcp_guardrails.iam.reading import cut, show

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_OPERATOR: Final = 64
# What follows the first colon may be a tag's name, with colons and blanks of its own.
_KEY: Final = re.compile(r"[A-Za-z0-9._/-]+:[^\x00-\x1f*?${}]+")
# Python reads more: other digits, "1_000", "nan".
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
# Python 3.10 reads three or six digits of a fraction.
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
# Python also reads a netmask after the slash, and the zone of a local address.
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?")


def check_operator(operator: str, place: str) -> None:
    """Refuse an operator that IAM does not have.

    Raises:
        PolicyError: With the path; also for ``Null`` with a quantifier or ``IfExists``, which IAM does not take.
    """
    known = len(operator) <= _MAX_OPERATOR and not operator.startswith(":")
    if not known:
        raise PolicyError(f"{place}: {show(operator)} is not known, expected a condition operator such as StringEquals")
    try:
        quantifier, name, if_exists = parse_operator(operator)
    except PolicyError as error:
        raise PolicyError(f"{place}: {error}") from None
    if name == "null" and (quantifier or if_exists):
        raise PolicyError(f"{place}: {show(operator)} is not allowed, expected Null without quantifier and IfExists")


def check_key(key: str, place: str) -> None:
    """Refuse what cannot be a condition key, such as ``aws:PrincipalTag/team``.

    Raises:
        PolicyError: With the path.
    """
    if not _KEY.fullmatch(key):
        raise PolicyError(f"{place}: {show(key)} is not allowed, expected 'service:Key' without wildcards or variables")


def check_value(operator: str, value: str, place: str, *, variable: bool) -> None:
    """Refuse a value that an operator cannot compare with.

    Args:
        operator: As in the policy; known.
        value: The value.
        place: Its path.
        variable: Whether the language version has variables; a value with one is known at the request only.

    Raises:
        PolicyError: With the path and what the operator takes.
    """
    rule = _rule(operator)
    if rule is None or (variable and "${" in value and operator.lower() != "null"):
        return
    test, allowed = rule
    if not test(value):
        raise PolicyError(f"{place}: {show(value)} is not allowed, expected {allowed}")


def check_variables(text: str, place: str) -> str:
    """Return text whose policy variables are well formed, such as ``${aws:PrincipalTag/team, 'none'}``.

    Raises:
        PolicyError: For a variable without an end or a name, which would be compared as plain text.
    """
    # A variable leaves a mark, since what stands around it must not become one.
    if "${" in text and ("${" in VARIABLE.sub("\0", text) or "" in variables(text)):
        raise PolicyError(f"{place}: {cut(text)!r} is not allowed, expected variables of the form '${{service:Key}}'")
    return text


def _is_date(value: str) -> bool:
    form = _DATE if "-" in value[1:] else _NUMBER
    return form.fullmatch(value) is not None and instant(value) is not None


def _is_address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None and network(value) is not None


Rule = tuple["Callable[[str], object]", str]
"""(test of a value, what it allows in words)."""

_TRUTH: Final[Rule] = (lambda value: value.lower() in {"true", "false"}, "'true' or 'false'")
_RULES: Final[dict[str, Rule]] = {
    "null": _TRUTH,
    "bool": _TRUTH,
    "binaryequals": (lambda value: decoded(value) is not None, "Base64"),
    NUMBER_KIND: (_NUMBER.fullmatch, "a number such as 3600"),
    DATE_KIND: (_is_date, "a date such as 2026-11-23T00:00:00Z, or seconds since 1970"),
    ADDRESS_KIND: (_is_address, "an address or a range such as 203.0.113.0/24"),
}
"""By operator where it has its own rule, otherwise by the kind of its values."""


@lru_cache(maxsize=1024)
def _rule(operator: str) -> Rule | None:
    """Return the rule for an operator's values; None where any string will do."""
    name = parse_operator(operator)[1]
    return _RULES.get(name) or _RULES.get(OPERATORS[name][2])
