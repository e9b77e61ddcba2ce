"""Reading a JSON configuration, field by field, each error with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum
    from pathlib import Path

T = TypeVar("T")
E = TypeVar("E", bound="Enum")
_MOST_BYTES = 4_000_000


class Fields:
    """One object of a configuration. What is not asked for is an error: a misspelt field is never ignored.

    Args:
        value: JSON.
        where: Its place.

    Raises:
        InputError: It is no object.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{where} is {str(value)[:80]!r}, expected an object")
        self._value: dict[str, Any] = value
        self._asked: set[str] = set()
        self.where = where

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; raises InputError where it is none, or missing without a default."""
        return str(self._of(name, str, default, "a text"))

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number; raises InputError likewise."""
        return int(self._of(name, int, default, "a whole number"))

    def yes(self, name: str) -> bool:
        """Return whether something is true; false where it is missing."""
        return bool(self._of(name, bool, False, "true or false"))  # noqa: FBT003 - a default

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty where it is missing."""
        found = self._of(name, list, [], "a list of texts")
        if not all(isinstance(item, str) for item in found):
            raise InputError(f"{self.where}.{name} is {str(found)[:80]!r}, expected a list of texts")
        return tuple(found)

    def one(self, name: str, kind: type[E], default: E | None = None) -> E:
        """Return one of an enumeration; raises InputError likewise."""
        value = self._of(name, str, None if default is None else default.value, "a text")
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(str(each.value) for each in kind)
            raise InputError(f"{self.where}.{name} is {value[:80]!r}, expected of {allowed}") from None

    def inner(self, name: str) -> Fields:
        """Return an object in it; an empty one where it is missing."""
        return Fields(self._of(name, dict, {}, "an object"), f"{self.where}.{name}")

    def each(self, name: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """Return what a list of objects holds, each read."""
        found = self._of(name, list, [], "a list of objects")
        return tuple(_whole(Fields(item, f"{self.where}.{name}[{n}]"), read) for n, item in enumerate(found))

    def by_name(self, name: str, read: Callable[[Fields, str], T]) -> dict[str, T]:
        """Return what an object holds by names that are free, each read."""
        inner = self.inner(name)
        found = {each: read(inner, each) for each in inner.names}
        inner.done()
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its fields."""
        return tuple(self._value)

    def has(self, name: str) -> bool:
        """Return whether a field stands there."""
        return name in self._value

    def done(self) -> None:
        """Raise InputError for what was not asked for."""
        unknown = sorted(set(self._value) - self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise InputError(f"{self.where} has field {unknown[0][:80]!r}, expected of {known}")

    def _of(self, name: str, kind: type, default: object, what: str) -> Any:  # noqa: ANN401 - JSON
        self._asked.add(name)
        value = self._value.get(name, default)
        if value is None and name not in self._value:
            raise InputError(f"{self.where}.{name} is missing, expected {what}")
        if type(value) is not kind:
            raise InputError(f"{self.where}.{name} is {str(value)[:80]!r}, expected {what}")
        return value


def _whole(fields: Fields, read: Callable[[Fields], T]) -> T:
    found = read(fields)
    fields.done()
    return found


def read_json(path: Path) -> Fields:
    """Return the object in a file; raises InputError where there is none, with the line of a mistake."""
    try:
        with path.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise InputError(f"{str(path)!r} has more than {_MOST_BYTES} bytes, expected a configuration")
        return Fields(json.loads(text, object_pairs_hook=_once), str(path))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"field {twice[:80]!r} stands twice in one object")
    return dict(pairs)
