"""What a change does, property by property, as rows that may be shown: before, after, and what is hidden.

Whether two values differ is told by the values themselves, what is shown by the masked ones: a password that changes
shows as a change, and not as what it was or becomes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.secret_names import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.plan import Change

MAX_ROWS: Final = 60
"""Rows of one change in a list of changes."""
MAX_ALL_ROWS: Final = 5_000
"""Rows of one change that is shown alone."""
MAX_VALUE: Final = 4_000
"""Characters of one value; how many more there are is told."""
_NOTHING: Final = object()


@dataclass(frozen=True)
class Row:
    """One property.

    Attributes:
        path: names down to it; empty for a value as a whole.
        what: ``added``, ``removed`` or ``changed``.
        before: its masked value as text; None where it has none.
        after: likewise.
        hidden: whether the mask stands for what differs.
        cut: characters that are left out of the two values.
    """

    path: tuple[str, ...]
    what: str
    before: str | None
    after: str | None
    hidden: bool
    cut: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "path": list(self.path),
            "what": self.what,
            "before": self.before,
            "after": self.after,
            "hidden": self.hidden,
            "cut": self.cut,
        }


def changed_rows(change: Change, masked: dict[str, Any]) -> Iterator[Row]:
    """Yield what differs between a change's two sides, in the order of the properties.

    Args:
        change: as it is.
        masked: its document with secrets masked.
    """
    real = [_NOTHING if side is None else side for side in (change.before, change.after)]
    shown = [_NOTHING if side is None else side for side in (masked["before"], masked["after"])]
    yield from _rows(real[0], real[1], shown[0], shown[1], ())


def _rows(before: Any, after: Any, old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Row]:  # noqa: ANN401 - JSON
    if _same(before, after):
        return
    names = _names(before, after, old, new)
    if names is None:
        yield _row(old, new, path)
        return
    for name in names:
        yield from _rows(_at(before, name), _at(after, name), _at(old, name), _at(new, name), (*path, name))


def _names(*sides: Any) -> list[str] | None:  # noqa: ANN401 - JSON
    """Return the names to go down by; None where the values are to be shown as a whole."""
    there = [side for side in sides if side is not _NOTHING]
    if all(isinstance(side, dict) for side in there) and any(there):
        return sorted({name for side in there for name in side})
    if all(isinstance(side, (list, tuple)) and side for side in there) and len({len(side) for side in there}) == 1:
        return [str(number) for number in range(len(there[0]))]
    return None


def _at(side: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    if side is _NOTHING:
        return _NOTHING
    return side.get(name, _NOTHING) if isinstance(side, dict) else side[int(name)]


def _same(before: Any, after: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether two values are one; true is not 1 here, as it is not in JSON."""
    if before is _NOTHING or after is _NOTHING:
        return before is after
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_same(before[name], after[name]) for name in before)
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        return len(before) == len(after) and all(map(_same, before, after))
    return type(before) is type(after) and bool(before == after)


def _row(old: Any, new: Any, path: tuple[str, ...]) -> Row:  # noqa: ANN401 - JSON
    what = "added" if old is _NOTHING else "removed" if new is _NOTHING else "changed"
    (before, first), (after, second) = _text(old), _text(new)
    hidden = MASK in (before or "") + (after or "")
    return Row(path, what, before, after, hidden, first + second)


def _text(value: Any) -> tuple[str | None, int]:  # noqa: ANN401 - JSON
    """Return a value as it is shown, and how many characters are left out."""
    if value is _NOTHING:
        return None, 0
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)
    return text[:MAX_VALUE], max(0, len(text) - MAX_VALUE)
