"""One text for each JSON value, so that equal values have equal digests and different ones have not.

As RFC 8785 does it: no white space, names in order, strings escaped in one way. Other than there, numbers keep their
digits: ``0.1`` and ``0.10`` are different texts of one number and different values here, which costs an approval at
worst; rounded to a double, two different plans could share a digest. Names come in the order of their code points.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH: Final = 100
"""Deepest nesting; CloudFormation and Terraform stay far below."""
_BYTES: Final = "$bytes"
_quoted: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode


def parsed(text: str | bytes, what: str) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON without losing anything: decimals keep their digits, and a name that stands twice is refused.

    Args:
        text: UTF-8.
        what: it is, for the error.

    Raises:
        PlanError: it is no JSON, names something twice in one object, or is nested too deep.
    """
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=lambda pairs: _once(pairs, what)
        )
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise PlanError(f"{what} is not JSON: {reason}") from None
    except ArithmeticError:
        raise PlanError(f"{what} has a number with an exponent beyond what can be told apart") from None


def canonical(value: object) -> bytes:
    """Return a value's one text.

    Args:
        value: of what JSON has; bytes are written as an object of their digits.

    Raises:
        PlanError: it holds what JSON has no form for, such as half of a surrogate pair, or is nested too deep.
    """
    try:
        return "".join(_written(value, 0)).encode()
    except UnicodeEncodeError:
        raise PlanError("a text in the plan has half of a surrogate pair, which no UTF-8 has a form for") from None


def digest(kind: str, value: object) -> str:
    """Return the SHA-256 of a value's one text, 64 hexadecimal digits.

    Args:
        kind: what the value is, such as ``plan/1``: values of different kinds never share a digest.
        value: as for :func:`canonical`.

    Raises:
        PlanError: as :func:`canonical`.
    """
    return hashlib.sha256(b"sudo-mcp-guardrails/" + kind.encode() + b"\n" + canonical(value)).hexdigest()


def _written(value: object, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise PlanError(f"the plan is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        comma = "{"
        for name in sorted(_names(value)):
            # What looks like our form for bytes and is none gets one more dollar sign.
            yield f"{comma}{_quoted('$' + name if name.startswith('$') else name)}:"
            yield from _written(value[name], depth + 1)
            comma = ","
        yield "}" if value else "{}"
    elif isinstance(value, (list, tuple)):
        comma = "["
        for item in value:
            yield comma
            yield from _written(item, depth + 1)
            comma = ","
        yield "]" if value else "[]"
    else:
        yield _scalar(value)


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f'{{"{_BYTES}":"{value.hex()}"}}'
    if not isinstance(value, (float, Decimal)):
        raise PlanError(f"a value of type {type(value).__name__} has no form in JSON")
    if not isfinite(value):
        raise PlanError(f"number {value} is not finite")
    return str(value)


def _names(value: dict[Any, Any]) -> list[str]:
    for name in value:
        if not isinstance(name, str):
            raise PlanError(f"name {name!r} of an object is no text")
    return list(value)


def _once(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PlanError(f"{what} names {twice!r} twice in one object")
    return found


def _no_number(text: str) -> Any:  # noqa: ANN401 - it returns nothing
    raise ValueError(f"{text} is no number of JSON")
