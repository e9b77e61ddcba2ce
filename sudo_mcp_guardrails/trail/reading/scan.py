"""Walk JSON text without losing where each value stands."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined] # the decoder's own reader of strings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LONGEST_NUMBER: Final = 400


def _number(text: str) -> int | float:
    """Read an integer; Python refuses those of thousands of digits."""
    return int(text) if len(text) < _LONGEST_NUMBER else float("inf")


DECODER: Final = json.JSONDecoder(parse_int=_number)
"""Takes all that is JSON, and NaN."""


def skip_space(text: str, at: int) -> int:
    """Return where the next token begins."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield the members of the object that begins at ``start``: the name, and where the value begins.

    Raises:
        ValueError: where the text breaks off, or is no JSON, after the members before that.
        RecursionError: for a value nested deeper than can be read.
    """
    at = skip_space(text, start + 1)
    while text.startswith('"', at):
        name, at = scanstring(text, at + 1)
        at = skip_space(text, at)
        if not text.startswith(":", at):
            raise ValueError("a colon is missing")
        at = skip_space(text, at + 1)
        yield name, at
        _, at = DECODER.raw_decode(text, at)
        at = skip_space(text, at)
        if not text.startswith(",", at):
            return
        at = skip_space(text, at + 1)
