"""Terraform's marks: values of the same shape as what they mark, with ``true`` where a leaf is unknown or sensitive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def marked(marks: object) -> Iterator[tuple[str, ...]]:
    """Yield the paths that are marked; the empty path where all is.

    Args:
        marks: Such as ``{"password": true, "tags": {}}``.
    """
    left: list[tuple[tuple[str, ...], Any]] = [((), marks)]
    while left:
        path, item = left.pop()
        if item is True:
            yield path
        elif isinstance(item, dict):
            left += [((*path, name), inner) for name, inner in item.items()]
        elif isinstance(item, list):
            left += [((*path, str(number)), inner) for number, inner in enumerate(item)]


def at(value: object, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    """Return what stands at a path; None where nothing does."""
    for name in path:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
