"""On which line of a JSON text a value stands, so that a finding can point at it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


def json_lines(text: str) -> Mapping[str, int]:
    """Return the line, from 1, of every value of a JSON text by its path.

    Args:
        text: JSON that a parser has accepted. A path is written ``Statement[0].Action``; the whole is the empty path.
    """
    lines: dict[str, int] = {"": 1}
    # For each open object its key, for each open list its place; None waits for an object's next key.
    stack: list[tuple[str, int | None]] = []
    path, line, key_next = "", 1, False
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark == "\n":
            line += 1
        elif mark in "{[":
            lines.setdefault(path, line)
            stack.append((path, None if mark == "{" else 0))
            key_next = mark == "{"
            path = path if key_next else f"{path}[0]"
        elif mark in "}]":
            path, _ = stack.pop()
            key_next = False
        elif mark == ",":
            parent, place = stack[-1]
            key_next = place is None
            if place is not None:
                stack[-1] = (parent, place + 1)
                path = f"{parent}[{place + 1}]"
        elif mark[0] == '"' and key_next:
            parent, _ = stack[-1]
            key = json.loads(mark)
            path = f"{parent}.{key}" if parent else key
            lines[path] = line
            key_next = False
        elif mark != ":":
            lines.setdefault(path, line)
    return lines


def line_of(lines: Mapping[str, int], place: str) -> int:
    """Return the line of a place, or of the nearest one around it that the text has."""
    while place not in lines:
        # A single statement may stand without its list, and so without the place in it.
        place = place.removesuffix("[0]") if place.endswith("[0]") else place.rpartition(".")[0]
    return lines[place]
