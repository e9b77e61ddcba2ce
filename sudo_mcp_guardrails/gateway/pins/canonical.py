"""The one text of a definition, as RFC 8785 writes JSON, and its digest.

Other than there, whole numbers beyond 2**53 keep their digits: rounded to a double, as the RFC asks, a schema's
``maximum`` could change without its digest. It is written for speed, unlike the one of the approval room, since every
list of tools passes through it.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 100
"""Deepest nesting of a definition."""
_WIDEST: Final = 1e21
_EXACT: Final = 2**53
_SMALLEST: Final = 1e-6
_quoted: Callable[[str], str] = json.encoder.encode_basestring


def canonical(value: object) -> bytes:
    """Return a value's text: no white space, names in the order of their UTF-16 code units, numbers as ECMAScript.

    Args:
        value: JSON.

    Raises:
        PinError: It is nested deeper than :data:`MAX_DEPTH`, or holds what JSON has no form for, such as NaN or half
            of a surrogate pair.
    """
    try:
        return _text(value, 0).encode()
    except UnicodeEncodeError:
        raise PinError("a text in the definition has half of a surrogate pair, which UTF-8 has no form for") from None


def digest(value: object) -> str:
    """Return ``sha256:`` and the 64 hexadecimal digits of the SHA-256 of a value's text.

    Raises:
        PinError: As :func:`canonical`.
    """
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def _text(value: object, depth: int) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            raise PinError(f"the definition is nested more than {MAX_DEPTH} deep")
        names = _ordered(value)
        return "{" + ",".join([f"{_quoted(name)}:{_text(value[name], depth + 1)}" for name in names]) + "}"
    if isinstance(value, (list, tuple)):
        if depth >= MAX_DEPTH:
            raise PinError(f"the definition is nested more than {MAX_DEPTH} deep")
        return "[" + ",".join([_text(item, depth + 1) for item in value]) + "]"
    return _scalar(value)


def _ordered(value: dict[str, object]) -> list[str]:
    try:
        if all(map(str.isascii, value)):
            return sorted(value)
        return sorted(value, key=lambda name: name.encode("utf-16-be"))
    except TypeError:
        raise PinError(f"a name among {list(value)[:5]!r} of an object is no text") from None


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        raise PinError(f"a value of type {type(value).__name__} has no form in JSON")
    if not isfinite(value):
        raise PinError(f"number {value} is not finite")
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if _SMALLEST <= abs(value) < _WIDEST:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return repr(value).replace("e-0", "e-")
