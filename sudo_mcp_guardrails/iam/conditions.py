"""IAM's condition operators.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators", "Multivalued context keys" and
"IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyError
from sudo_mcp_guardrails.iam.matching import arn_matches, glob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.iam.documents import Conditions, Strings

_VARIABLE: Final = re.compile(r"\$\{(\$|[^${}]*)\}")
_LITERAL: Final = {"*": "*", "?": "?", "$": "$"}
_WILD: Final = {"*": "\ue000", "?": "\ue001"}
"""``${*}`` and ``${?}`` mean the characters themselves; these stand for them until the pattern is compared."""


def substitute(pattern: str, keys: Mapping[str, Strings]) -> str | None:
    """Replace policy variables, ``${key}`` and ``${key, 'default'}``.

    Returns:
        The pattern, or None where a variable cannot be resolved: such a pattern matches nothing.
    """
    if "${" not in pattern:
        return pattern
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match[1].partition(",")
        if name in _LITERAL:
            return _WILD.get(name, "$")
        values = keys.get(name.strip().lower(), ())
        if len(values) == 1:
            # A value's own wildcards are literal: a caller must not widen a policy with a tag of "*".
            return values[0].translate({ord(c): wild for c, wild in _WILD.items()})
        if default.strip():
            return default.strip().strip("'")
        missing = True
        return ""

    replaced = _VARIABLE.sub(replace, pattern)
    return None if missing else replaced


def conditions_hold(conditions: Conditions, keys: Mapping[str, Strings], *, deny: bool) -> bool:
    """Return whether every condition of a statement holds.

    Args:
        conditions: (operator, key, values).
        keys: The request's keys, in lower case.
        deny: Whether the statement denies. A negated condition on a variable that cannot be resolved holds in a
            Deny and not in an Allow: the worse case for who asks, since AWS does not say.

    Raises:
        PolicyError: For an operator that IAM does not have.
    """
    return all(_holds(operator, key.lower(), values, keys, deny=deny) for operator, key, values in conditions)


def _holds(operator: str, key: str, wanted: Strings, keys: Mapping[str, Strings], *, deny: bool) -> bool:
    """Decide one condition."""
    quantifier, name, if_exists = _parse_operator(operator)
    given = keys.get(key)
    if name == "null":
        return (given is None) == (wanted[0].lower() == "true")
    negated, test = OPERATORS[name]
    if given is None:
        if if_exists or quantifier == "forallvalues":
            return True
        # A negated operator holds for an absent key; ForAnyValue needs a value, negated or not.
        return negated and quantifier != "foranyvalue"
    patterns = [p for p in (substitute(w, keys) for w in wanted) if p is not None]
    if negated and len(patterns) < len(wanted):
        return deny
    hits = [any(test(pattern, value) for pattern in patterns) is not negated for value in given]
    return any(hits) if quantifier == "foranyvalue" else all(hits)


@lru_cache(maxsize=1024)
def _parse_operator(operator: str) -> tuple[str, str, bool]:
    """Split an operator into its quantifier, its name in lower case, and IfExists."""
    quantifier, _, rest = operator.lower().rpartition(":")
    if_exists = rest.endswith("ifexists")
    name = rest[: -len("ifexists")] if if_exists else rest
    if quantifier not in {"", "foranyvalue", "forallvalues"} or (name not in OPERATORS and name != "null"):
        known = ", ".join(sorted(OPERATORS))
        raise PolicyError(f"condition operator {operator!r} is not known, expected Null or one of {known}")
    return quantifier, name, if_exists


def _plain(pattern: str) -> str:
    """Return a pattern in which nothing is a wildcard."""
    for char, wild in _WILD.items():
        pattern = pattern.replace(wild, char)
    return pattern


def match_pattern(pattern: str, value: str) -> bool:
    """Compare with wildcards, after substitution."""
    if any(wild in pattern for wild in _WILD.values()):
        value = value.translate({ord(char): wild for char, wild in _WILD.items()})
    return glob(pattern)(value)


def _numeric(pattern: str, value: str, compare: Callable[[float, float], bool]) -> bool:
    try:
        return compare(float(value), float(pattern))
    except ValueError:
        return False


def _instant(text: str) -> float:
    """Read an ISO 8601 date, or seconds since the epoch."""
    try:
        return float(text)
    except ValueError:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()


def _date(pattern: str, value: str, compare: Callable[[float, float], bool]) -> bool:
    try:
        return compare(_instant(value), _instant(pattern))
    except ValueError:
        return False


def _ip(pattern: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def _binary(pattern: str, value: str) -> bool:
    try:
        return base64.b64decode(pattern, validate=True) == base64.b64decode(value, validate=True)
    except binascii.Error:
        return False


def _arn(pattern: str, value: str) -> bool:
    return arn_matches(pattern, value) if ":" in pattern else match_pattern(pattern, value)


def _comparisons(prefix: str, test: Callable[[str, str, Callable[[float, float], bool]], bool]) -> dict[str, _Operator]:
    """Return the six ordered comparisons of numbers or dates."""
    return {
        f"{prefix}equals": (False, lambda p, v: test(p, v, lambda a, b: a == b)),
        f"{prefix}notequals": (True, lambda p, v: test(p, v, lambda a, b: a == b)),
        f"{prefix}lessthan": (False, lambda p, v: test(p, v, lambda a, b: a < b)),
        f"{prefix}lessthanequals": (False, lambda p, v: test(p, v, lambda a, b: a <= b)),
        f"{prefix}greaterthan": (False, lambda p, v: test(p, v, lambda a, b: a > b)),
        f"{prefix}greaterthanequals": (False, lambda p, v: test(p, v, lambda a, b: a >= b)),
    }


_Operator = tuple[bool, "Callable[[str, str], bool]"]
"""(negated, test of pattern against value)."""


def _equals(pattern: str, value: str) -> bool:
    return _plain(pattern) == value


def _equals_ignore_case(pattern: str, value: str) -> bool:
    return _plain(pattern).lower() == value.lower()


OPERATORS: Final[dict[str, _Operator]] = {
    "stringequals": (False, _equals),
    "stringnotequals": (True, _equals),
    "stringequalsignorecase": (False, _equals_ignore_case),
    "stringnotequalsignorecase": (True, _equals_ignore_case),
    "stringlike": (False, match_pattern),
    "stringnotlike": (True, match_pattern),
    "arnequals": (False, _arn),
    "arnlike": (False, _arn),
    "arnnotequals": (True, _arn),
    "arnnotlike": (True, _arn),
    "bool": (False, _equals_ignore_case),
    "ipaddress": (False, _ip),
    "notipaddress": (True, _ip),
    "binaryequals": (False, _binary),
    **_comparisons("numeric", _numeric),
    **_comparisons("date", _date),
}
