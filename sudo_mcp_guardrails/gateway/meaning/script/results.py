"""What builtins and methods make of values that are known."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.meaning.script.values import (
    ABSENT,
    ANYTHING,
    MAX_ALTERNATIVES,
    MAX_TEXT,
    Map,
    Plain,
    Seq,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.meaning.script.values import (
        Alternatives,
    )

MAX_ITEMS: Final = 256
_CHANGING_CASE: Final[dict[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "strip": str.strip,
    "title": str.title,
    "upper": str.upper,
}
_REPLACED: Final = 2


def elements(alternatives: Alternatives) -> list[Alternatives] | None:
    """Return what one gets by iterating, in order; None where nobody can tell."""
    if len(alternatives) != 1:
        return None
    (value,) = alternatives
    found: list[Alternatives] | None = None
    if isinstance(value, Seq):
        found = list(value.items)
    elif isinstance(value, Map) and value.complete:
        found = _listed(value, [(key,) for key in value.entries])
    return found if found is not None and len(found) <= MAX_ITEMS else None


def called(name: str, arguments: list[Alternatives], *, named: bool) -> Alternatives:  # noqa: PLR0911 - a table
    """Return what a builtin makes of its arguments.

    Args:
        name: Of the builtin.
        arguments: The positional ones.
        named: Whether it has others.
    """
    if name == "range" and not named:
        return _range(arguments)
    if name == "str" and len(arguments) == 1 and not named:
        simple = all(value is None or isinstance(value, (str, int)) for value in arguments[0])
        return tuple(dict.fromkeys(map(str, arguments[0]))) if simple else ANYTHING
    found = [elements(argument) for argument in arguments]
    items = [each for each in found if each is not None]
    if not items or len(items) != len(found):
        return ANYTHING
    if name == "zip" and not named:
        return (Seq(tuple((Seq(tuple(row), fixed=True),) for row in zip(*items))),)  # noqa: B905 - as zip itself does
    if len(items) != 1:
        return ANYTHING
    if name in {"list", "tuple"} and not named:
        return (Seq(tuple(items[0]), fixed=name == "tuple"),)
    if name == "enumerate" and not named:
        return (Seq(tuple((Seq(((number,), item), fixed=True),) for number, item in enumerate(items[0]))),)
    if name == "reversed" and not named:
        return (Seq(tuple(reversed(items[0]))),)
    if name in {"set", "frozenset", "sorted"}:
        # In which order is not told: each of them may be anywhere.
        return _unordered(items[0])
    return ANYTHING


def method(holder: Any, name: str, arguments: list[Alternatives]) -> Alternatives:  # noqa: ANN401, PLR0911 - a table
    """Return what a method of a value that is known makes of its arguments."""
    if isinstance(holder, Map):
        return _of_map(holder, name, arguments)
    # What is beyond ASCII may change its case in another way in another version of Python.
    if not isinstance(holder, str) or not holder.isascii():
        return ANYTHING
    changing = _CHANGING_CASE.get(name)
    if changing is not None and not arguments:
        return (changing(holder),)
    if name == "join" and len(arguments) == 1:
        return _joined_texts(holder, elements(arguments[0]))
    texts = [text for argument in arguments if (text := _text(argument)) is not None]
    if len(texts) != len(arguments):
        return ANYTHING
    if name == "split" and len(texts) <= 1 and texts != [""]:
        parts = holder.split(texts[0]) if texts else holder.split()
        return (Seq(tuple((part,) for part in parts[: MAX_ITEMS + 1])),)
    if name == "replace" and len(texts) == _REPLACED and len(holder) * (1 + len(texts[1])) <= MAX_TEXT:
        return (holder.replace(texts[0], texts[1]),)
    return ANYTHING


def _of_map(  # noqa: PLR0911 - a table
    holder: Map, name: str, arguments: list[Alternatives]
) -> Alternatives:
    if name == "get" and arguments:
        return _got(holder, arguments)
    if arguments or not holder.complete:
        return ANYTHING
    if name == "copy":
        return (holder,)
    if name == "keys":
        return (Seq(tuple(_listed(holder, [(key,) for key in holder.entries]))),)
    rest = [tuple(one for one in item if one is not ABSENT) for item in holder.entries.values()]
    if name == "values":
        return (Seq(tuple(_listed(holder, rest))),)
    if name == "items":
        entries = zip(holder.entries, rest, strict=True)
        pairs: list[Alternatives] = [(Seq(((key,), item), fixed=True),) for key, item in entries]
        return (Seq(tuple(_listed(holder, pairs))),)
    return ANYTHING


def _got(holder: Map, arguments: list[Alternatives]) -> Alternatives:
    """Return what ``get`` returns."""
    if len(arguments[0]) != 1 or not isinstance(arguments[0][0], Plain):
        return ANYTHING
    default = arguments[1] if len(arguments) > 1 else (None,)
    item = holder.entries.get(arguments[0][0], (ABSENT,) if holder.complete else ANYTHING)
    rest = tuple(one for one in item if one is not ABSENT)
    return joined(rest, default) if ABSENT in item else item


def _listed(holder: Map, items: list[Alternatives]) -> list[Alternatives]:
    """Return what stands where: where entries may be missing, all may stand anywhere."""
    if any(ABSENT in item for item in holder.entries.values()):
        return [joined(*items)] * len(items)
    return items


def _unordered(items: list[Alternatives]) -> Alternatives:
    any_of_them = joined(*items)
    return (Seq((any_of_them,) * len(items)),)


def _range(arguments: list[Alternatives]) -> Alternatives:
    numbers = [argument[0] for argument in arguments if len(argument) == 1 and type(argument[0]) is int]
    if len(numbers) != len(arguments) or not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and not numbers[2]):  # noqa: PLR2004
        return ANYTHING
    found = range(*numbers)
    # A range may be longer than what len() can say.
    if found[MAX_ITEMS : MAX_ITEMS + 1]:
        return ANYTHING
    return (Seq(tuple((number,) for number in found)),)


def _text(argument: Alternatives) -> str | None:
    return argument[0] if len(argument) == 1 and isinstance(argument[0], str) else None


def _joined_texts(between: str, items: list[Alternatives] | None) -> Alternatives:
    if items is None or not all(isinstance(value, str) for value in chain.from_iterable(items)):
        return ANYTHING
    total = 1
    for item in items:
        total *= len(item)
        if total > MAX_ALTERNATIVES:
            return ANYTHING
    texts = tuple(dict.fromkeys(between.join(parts) for parts in product(*items)))
    return ANYTHING if any(len(text) > MAX_TEXT for text in texts) else texts
