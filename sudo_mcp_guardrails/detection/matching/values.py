"""A field of an event: the value at a path, with lists on the way looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.matching.computed import computed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_FOUND: Final = 10_000
"""How many values of one path, or of a whole event, are looked at."""


def getter(field: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what reads a field: a scalar, None where it is absent, or a list of scalars.

    A name with a dot in it is found too, where the path as a whole is a key: some events have such keys, such as
    ``additionalEventData``'s. Fields that follow from others are in :mod:`.computed`.
    """
    return computed(field) or _of_event(field)


def _of_event(field: str) -> Callable[[Mapping[str, Any]], Any]:
    names = field.split(".")
    if len(names) == 1:
        name = names[0]

        def one(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
            value = event.get(name)
            return value if value.__class__ is not list else _through([value], ())

        return one

    if len(names) == 2:  # noqa: PLR2004 - the commonest depth, without a loop
        first, second = names

        def two(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
            value = event.get(first)
            if value.__class__ is dict:
                value = value.get(second)
                return value if value.__class__ is not list else _through([value], ())
            return _through(value, (second,)) if value.__class__ is list else None

        return two

    head, rest = names[0], tuple(names[1:])

    def deep(event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        value = event.get(head)
        for index, name in enumerate(rest):
            if value.__class__ is dict:
                value = value.get(name)
            elif value.__class__ is list:
                return _through(value, rest[index:])
            else:
                return None
        return value if value.__class__ is not list else _through([value], ())

    return deep


def _through(value: Any, names: tuple[str, ...]) -> list[Any] | None:  # noqa: ANN401 - any JSON
    """Return all values at a path below a list; None where there is none."""
    level = [value]
    for name in (*names, None):
        found: list[Any] = []
        for one in level:
            found.extend(_flat(one))
        if name is not None:
            found = [one[name] for one in found if one.__class__ is dict and name in one]
        level = found[:MAX_FOUND]
    return [one for one in level if one is not None] or None


def _flat(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    if value.__class__ is list:
        for one in value:
            yield from _flat(one)
    else:
        yield value


def texts(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of every value of an event, at most :data:`MAX_FOUND`."""
    stack: list[Any] = [event]
    left = MAX_FOUND
    while stack and left:
        value = stack.pop()
        if value.__class__ is dict:
            stack.extend(value.values())
        elif value.__class__ is list:
            stack.extend(value)
        elif value is not None:
            left -= 1
            yield text_of(value)


def text_of(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a value as the text that rules compare: truth values as ``true`` and ``false``."""
    if value.__class__ is str:
        return str(value)
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)
