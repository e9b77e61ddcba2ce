"""From our values to JSON and back, by their types: what is written is read again as the same value, and nothing else.

A document has every field of its type and no other one, so that nobody can slip in what a reader would pass over.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, moment, written

T = TypeVar("T")
_MAX_TEXT: Final = 65_536
_MAX_ITEMS: Final = 10_000
_KNOWN: Final[dict[type[Any], dict[str, Any]]] = {}


class Documented:
    """A dataclass that is written as JSON."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return document(self)


def document(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of ours
    """Return a dataclass as JSON, names in camelCase, times as text."""
    found: dict[str, Any] = {}
    for name, kind in _hints(type(value)).items():
        found[_camel(name)] = _written(kind, getattr(value, name))
    return found


def read(kind: type[T], data: object, what: str) -> T:
    """Read a dataclass from JSON.

    Args:
        kind: the dataclass.
        data: what :func:`document` wrote.
        what: it is, for the error.

    Raises:
        DecisionError: a field is missing, unknown or of another type, or the value itself refuses it.
    """
    if not isinstance(data, dict):
        raise DecisionError(f"{what} is {_short(data)}, allowed: an object")
    hints = _hints(kind)
    names = {_camel(name): name for name in hints}
    for name in names:
        if name not in data:
            raise DecisionError(f"{what} has no {name!r}")
    for name in data:
        if name not in names:
            raise DecisionError(f"{what} has {_short(name)}, allowed are {', '.join(names)}")
    return kind(**{name: _read(hints[name], data[known], f"{what} {known}") for known, name in names.items()})


def _hints(kind: type[Any]) -> dict[str, Any]:
    if kind not in _KNOWN:
        hints = get_type_hints(kind, include_extras=True)
        _KNOWN[kind] = {field.name: hints[field.name] for field in fields(kind)}
    return _KNOWN[kind]


def _written(kind: Any, value: Any) -> Any:  # noqa: ANN401 - a type and its value
    if value is None:
        return None
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return document(value)
    if isinstance(value, tuple):
        (item, _) = get_args(kind)
        return [_written(item, each) for each in value]
    return written(value) if _needed(kind) == Time else value


def _read(kind: Any, data: Any, what: str) -> Any:  # noqa: ANN401, PLR0911 - one return for each type there is
    if data is None and _needed(kind) is not kind:
        return None
    kind = _needed(kind)
    if kind == Time:
        return moment(_text(data, what))
    if get_origin(kind) is tuple:
        (item, _) = get_args(kind)
        if not isinstance(data, list) or len(data) > _MAX_ITEMS:
            raise DecisionError(f"{what} is {_short(data)}, allowed: a list of up to {_MAX_ITEMS} items")
        return tuple(_read(item, each, f"{what}[{number}]") for number, each in enumerate(data))
    if is_dataclass(kind):
        return read(kind, data, what)  # type: ignore[arg-type]
    if issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError:
            allowed = ", ".join(str(one.value) for one in kind)
            raise DecisionError(f"{what} is {_short(data)}, allowed are {allowed}") from None
    if kind is str:
        return _text(data, what)
    if type(data) is not kind:  # True is 1 to Python, and no number here
        allowed = "true or false" if kind is bool else "a whole number"
        raise DecisionError(f"{what} is {_short(data)}, allowed: {allowed}")
    return data


def _text(data: object, what: str) -> str:
    if not isinstance(data, str) or len(data) > _MAX_TEXT:
        raise DecisionError(f"{what} is {_short(data)}, allowed: a text of up to {_MAX_TEXT} characters")
    return data


def _needed(kind: Any) -> Any:  # noqa: ANN401 - a type
    """Return the type without its None."""
    if get_origin(kind) is Annotated or get_origin(kind) not in (Union, types.UnionType):
        return kind
    (needed,) = (each for each in get_args(kind) if each is not type(None))
    return needed


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _short(data: object) -> str:
    """Return how a wrong value is named: never whole, since it may be long."""
    text = repr(data) if isinstance(data, (str, int, float, bool, type(None))) else f"a {type(data).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004
