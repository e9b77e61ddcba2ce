"""The single values of a JSON document, each with its path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.taint.errors import TaintError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_DEPTH: Final = 64
MAX_LEAVES: Final = 20_000
_PART: Final = re.compile(r"\[\]|\{\}|[^.\[\]{}]+")


def leaves(value: object) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield each scalar with the names that lead to it; ``[]`` stands for any place in a list.

    Raises:
        TaintError: It is nested deeper than 64, or has more than 20,000 values.
    """
    waiting: list[tuple[tuple[str, ...], object]] = [((), value)]
    seen = 0
    while waiting:
        path, item = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise TaintError(f"a value is nested {len(path)} deep, allowed are {MAX_DEPTH}")
        if isinstance(item, dict):
            waiting.extend(((*path, str(name)), each) for name, each in reversed(list(item.items())))
        elif isinstance(item, (list, tuple)):
            waiting.extend(((*path, "[]"), each) for each in reversed(item))
        else:
            seen += 1
            if seen > MAX_LEAVES:
                raise TaintError(f"a value has more than {MAX_LEAVES} leaves")
            yield path, item


def parts(pattern: str) -> tuple[str, ...]:
    """Return the parts of a label's path: names, ``[]`` for each item, ``{}`` for each name of a map."""
    return tuple(_PART.findall(pattern))


def matches(path: Sequence[str], patterns: Sequence[tuple[str, ...]]) -> bool:
    """Tell whether a leaf lies at, or below, one of the paths of a label."""
    return any(_under(path, pattern) for pattern in patterns)


def _under(path: Sequence[str], pattern: tuple[str, ...]) -> bool:
    if pattern == ("*",):
        return True
    if len(path) < len(pattern):
        return False
    return all(wanted in {mine, "{}"} for mine, wanted in zip(path, pattern, strict=False))


def written(value: object) -> str:
    """Return a scalar as it is compared: text as it is, without white space around, numbers without a useless zero."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def unwrapped(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what stands under ``result`` where that is all there is, as servers wrap what is no object."""
    return value["result"] if isinstance(value, dict) and set(value) == {"result"} else value
