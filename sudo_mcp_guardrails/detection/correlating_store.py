"""Correlations that several processes count together: each group is an item of a store, written if nobody else has.

A process reads a group when an event first touches it, counts, and writes it at the end of its batch on the condition
that it is as it was read. Where it is not, another process counted meanwhile: everything is read and counted again,
which changes nothing of what was counted already, since an event counts once.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sudo_mcp_guardrails.detection.correlating import Group, Seen
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.rule import Correlation

MAX_GROUPS: Final = 10_000
"""How many groups one batch may touch; a batch that touches more is refused, and comes again in smaller ones."""
KEPT_SECONDS: Final = 86_400
"""How long a group is kept behind its window: for events that come late, and trail files that come twice."""


class Stored(NamedTuple):
    """A group as it is stored.

    Attributes:
        text: as :func:`dumps` wrote it.
        version: how often it was written.
    """

    text: str
    version: int


class GroupTable(Protocol):
    """Where groups are kept."""

    def load(self, key: str) -> Stored | None:
        """Return a group as it is now, or None."""
        ...

    def save(self, key: str, new: Stored, *, seconds: int) -> bool:
        """Write a group of which the version before is there (0 for none); tell whether it was.

        Args:
            key: of the group.
            new: the group, with its new version.
            seconds: how long it is to be kept, at least.
        """
        ...


class StoredGroups:
    """Groups of correlations in a table, for one batch after the other.

    Args:
        table: where they are kept.
    """

    def __init__(self, table: GroupTable) -> None:
        self._table = table
        self._groups: dict[str, tuple[Correlation, Group, Stored]] = {}

    def begin(self) -> None:
        """Forget what was read: others may have counted since."""
        self._groups = {}

    def group(self, correlation: Correlation, key: tuple[str, ...]) -> Group:
        """Return a group as all have counted so far, and with what this batch counts.

        Raises:
            DetectionError: for a batch that touches more than :data:`MAX_GROUPS`.
        """
        name = group_key(correlation, key)
        held = self._groups.get(name)
        if held is None:
            if len(self._groups) >= MAX_GROUPS:
                raise DetectionError(f"a batch touches more than {MAX_GROUPS} groups, allowed: {MAX_GROUPS} at most")
            stored = self._table.load(name) or Stored(dumps(Group()), 0)
            held = self._groups[name] = (correlation, loads(stored.text), stored)
        return held[1]

    def commit(self) -> bool:
        """Write what has changed; return False where another process was quicker: then begin again."""
        for name, (correlation, group, stored) in sorted(self._groups.items()):
            text = dumps(group)
            if text == stored.text:
                continue
            new = Stored(text, stored.version + 1)
            if not self._table.save(name, new, seconds=correlation.seconds + KEPT_SECONDS):
                return False
            self._groups[name] = (correlation, group, new)
        return True


def group_key(correlation: Correlation, key: tuple[str, ...]) -> str:
    """Return the name of a group: what stands in it was chosen by callers, so that it is a hash."""
    text = json.dumps([correlation.id, *key])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def dumps(group: Group) -> str:
    """Return a group as text."""
    return json.dumps([group.quiet_until, [list(one) for one in group.seen]], separators=(",", ":"))


def loads(text: str) -> Group:
    """Return the group that :func:`dumps` wrote.

    Raises:
        DetectionError: for anything else.
    """
    try:
        quiet, seen = json.loads(text)
        return Group([Seen(int(time), str(event), str(value)) for time, event, value in seen], int(quiet))
    except (ValueError, TypeError) as error:
        raise DetectionError(f"stored group {text[:60]!r} does not parse: {error}") from None
