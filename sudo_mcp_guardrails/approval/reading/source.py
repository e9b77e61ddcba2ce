"""What comes in: bytes to JSON within bounds, and values of the kinds that a form asks for.

No error here repeats a value, which may be a secret: it says the place, the kind that came, and the kind that is
allowed.
"""

from __future__ import annotations

import codecs
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import MAX_DEPTH, canonical, parsed
from sudo_mcp_guardrails.approval.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_BYTES: Final = 16 * 1024 * 1024
"""Of one file. ``terraform show -json`` of a large root module has a few MB, a template at most 1 MB."""
MAX_NESTED: Final = MAX_DEPTH - 10
"""Deepest nesting of a file; a plan wraps a few levels around it."""
_FOREIGN: Final = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_KINDS: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def loaded(data: object, what: str) -> Any:  # noqa: ANN401 - JSON
    """Parse one file, or take what is parsed already.

    Args:
        data: UTF-8 as bytes, with or without a byte order mark; anything else is a value that was parsed elsewhere,
            which is copied, so that no plan changes with it.
        what: it is, for errors, such as ``the template``.

    Raises:
        PlanError: It is empty, over 16 MiB, not UTF-8, not JSON, has one name twice in an object, or is nested too
            deep.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        value = parsed(_text(bytes(data), what), what)
        check_depth(value, what)
        return value
    check_depth(data, what)
    return deepcopy(data)


def check_depth(value: object, what: str) -> None:
    """Refuse what is nested too deep; all that comes after may then walk down without counting.

    Raises:
        PlanError: It is.
    """
    level: list[Any] = [value]
    for _ in range(MAX_NESTED):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper += item.values()
            elif isinstance(item, (list, tuple)):
                deeper += item
        if not deeper:
            return
        level = deeper
    raise PlanError(f"{what} is nested more than {MAX_NESTED} deep")


def as_object(value: object, place: str) -> dict[str, Any]:
    """Return a value that must be an object; raises PlanError for any other."""
    if isinstance(value, dict):
        return value
    raise PlanError(f"{place}: expected an object, got {kind_of(value)}")


def as_list(value: object, place: str) -> list[Any]:
    """Return a value that must be a list; raises PlanError for any other."""
    if isinstance(value, list):
        return value
    raise PlanError(f"{place}: expected a list, got {kind_of(value)}")


def same(one: object, other: object) -> bool:
    """Return whether two values are the same JSON; in Python ``1``, ``1.0`` and ``True`` are equal."""
    return one == other and canonical(one) == canonical(other)


def maybe_object(value: object, place: str) -> dict[str, Any]:
    """Return an object, an empty one where there is none; raises PlanError for any other value."""
    return {} if value is None else as_object(value, place)


def maybe_list(value: object, place: str) -> list[Any]:
    """Return a list, an empty one where there is none; raises PlanError for any other value."""
    return [] if value is None else as_list(value, place)


def as_word(value: object, words: Collection[str], place: str) -> str:
    """Return a text that must be one of some; raises PlanError for any other value."""
    if isinstance(value, str) and value in words:
        return value
    raise PlanError(f"{place}: allowed are {', '.join(words)}")


def as_text(value: object, place: str) -> str:
    """Return a value that must be a text, and not an empty one; raises PlanError for any other."""
    if isinstance(value, str) and value:
        return value
    raise PlanError(f"{place}: expected a text, got {'an empty one' if value == '' else kind_of(value)}")


def kind_of(value: object) -> str:
    """Return what kind of value it is, in words, without saying which."""
    return _KINDS.get(type(value), "a number" if isinstance(value, (int, float)) else type(value).__name__)


def _text(data: bytes, what: str) -> str:
    if len(data) > MAX_BYTES:
        raise PlanError(f"{what} has {len(data)} bytes, allowed are {MAX_BYTES}")
    for name, marks in _FOREIGN.items():
        if data.startswith(marks):
            raise PlanError(f"{what} is {name}, expected UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError(f"{what} is not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise PlanError(f"{what} is empty")
    return text
