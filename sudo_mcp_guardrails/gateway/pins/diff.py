"""What changed between two definitions, for a person who has to decide about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.invisible import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING: Final = object()
"""Stands for what is not there."""
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two JSON values differ.

    Attributes:
        path: Of JSON Pointer's form, such as ``/inputSchema/properties/path/description``.
        before: What is pinned; :data:`MISSING` where nothing was.
        after: What came; :data:`MISSING` where nothing is.
    """

    path: str
    before: object
    after: object

    def lines(self) -> tuple[str, ...]:
        """Return it as a person reads it, what cannot be seen written as its code point."""
        return (
            f"@ {shown(self.path) or '/'}",
            *([] if self.before is MISSING else [f"- {_printed(self.before)}"]),
            *([] if self.after is MISSING else [f"+ {_printed(self.after)}"]),
        )


def differences(before: object, after: object, path: str = "") -> tuple[Difference, ...]:
    """Return every place where two values of JSON differ, in order; numbers and booleans are never the same."""
    return tuple(_differences(before, after, path))


def _differences(before: object, after: object, path: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            inner = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            yield from _differences(before.get(name, MISSING), after.get(name, MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            one = before[number] if number < len(before) else MISSING
            other = after[number] if number < len(after) else MISSING
            yield from _differences(one, other, f"{path}/{number}")
    elif before is not after and (isinstance(before, bool) is not isinstance(after, bool) or before != after):
        yield Difference(path, before, after)


def _printed(value: object) -> str:
    text = shown(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
