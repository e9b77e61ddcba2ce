"""What an expression may be: a few values that are known, or one that is not.

A value is a text, a number, a flag or None as such, a :class:`Seq`, a :class:`Map`, or :data:`HOLE`. What an expression
may be is a tuple of values, its alternatives, one of which it is at any time; :data:`ANYTHING` says that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_ALTERNATIVES: Final = 64
MAX_TEXT: Final = 20_000
"""Characters of a text that is put together."""

Alternatives = tuple[Any, ...]
ANYTHING: Final[Alternatives] = (HOLE,)
Plain = (str, int, float, bool, bytes, type(None))


class _Absent:
    """Stands for an entry that may not be there."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, eq=False)
class Seq:
    """A list, a tuple, or a set.

    Attributes:
        items: Alternatives of each of its elements, in order.
        fixed: Whether it is a tuple, whose elements nobody can set.
    """

    items: tuple[Alternatives, ...]
    fixed: bool = False


@dataclass(frozen=True, eq=False)
class Map:
    """A dictionary.

    Attributes:
        entries: Alternatives of each of its values, by key; :data:`ABSENT` among them where it may not be there.
        complete: Whether it has no other keys.
    """

    entries: Mapping[Any, Alternatives]
    complete: bool = True


def joined(*several: Alternatives) -> Alternatives:
    """Return the alternatives of what may be any of several; of too many, anything."""
    found: dict[Any, Any] = {}
    for alternatives in several:
        for value in alternatives:
            if value is HOLE:
                return ANYTHING
            found[(type(value), value) if isinstance(value, Plain) else id(value)] = value
            if len(found) > MAX_ALTERNATIVES:
                return ANYTHING
    return tuple(found.values())


def is_plain(alternatives: Iterable[Any]) -> bool:
    """Return whether no alternative can be changed in place, as far as is known of each."""
    return all(
        isinstance(value, Plain)
        or value is ABSENT
        or (isinstance(value, Seq) and value.fixed and all(map(is_plain, value.items)))
        for value in alternatives
    )


def is_flat(value: object) -> bool:
    """Return whether a container holds nothing that can be changed in place."""
    if isinstance(value, Seq):
        return all(map(is_plain, value.items))
    return isinstance(value, Map) and all(map(is_plain, value.entries.values()))


def expanded(value: Any, limit: int = MAX_ALTERNATIVES) -> list[Any]:  # noqa: ANN401 - JSON
    """Return all that one value may be as JSON, with holes; one hole where that is too much.

    Args:
        value: A container with alternatives in it, or a plain value.
        limit: How many at most.
    """
    if isinstance(value, Map):
        if not value.complete or not all(isinstance(key, str) for key in value.entries):
            return [HOLE]
        choices = [_choices(alternatives, limit) for alternatives in value.entries.values()]
        return [
            {key: item for key, item in zip(value.entries, chosen, strict=True) if item is not ABSENT}
            for chosen in _product(choices, limit)
        ]
    if isinstance(value, Seq):
        return [list(chosen) for chosen in _product([_choices(each, limit) for each in value.items], limit)]
    return [value] if value is ABSENT or isinstance(value, Plain) else [HOLE]


def _choices(alternatives: Alternatives, limit: int) -> list[Any]:
    found = [item for value in alternatives for item in expanded(value, limit)]
    return [HOLE] if len(found) > limit or HOLE in found else found


def _product(choices: list[list[Any]], limit: int) -> Iterator[tuple[Any, ...]]:
    """Yield the combinations; where there are too many, the longest lists of choices become holes."""
    choices = list(choices)
    while _count(choices) > limit:
        longest = max(range(len(choices)), key=lambda place: len(choices[place]))
        choices[longest] = [HOLE]
    return product(*choices)


def _count(choices: list[list[Any]]) -> int:
    total = 1
    for each in choices:
        total *= max(1, len(each))
    return total
