"""Something of a server that is not as it is pinned, with a diff for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.invisible import shown
from sudo_mcp_guardrails.gateway.pins.diff import MISSING, Difference, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that is not as pinned.

    Attributes:
        server: Its name.
        kind: ``tools``, ``prompts``, ``resources``, ``resourceTemplates``, ``server`` or ``launch``.
        name: Of the item; the era for ``server``; empty where the server gave none.
        how: ``new``, ``changed`` or ``gone``.
        differences: Between what is pinned and what came.
    """

    server: str
    kind: str
    name: str
    how: str
    differences: tuple[Difference, ...]

    def lines(self) -> tuple[str, ...]:
        """Return it as a person reads it, at most 200 lines."""
        found = [line for each in self.differences for line in each.lines()]
        cut = [f"… {len(found) - _MOST_LINES} more lines"] if len(found) > _MOST_LINES else []
        return (f"{self.how}: {self.server} {self.kind}/{shown(self.name)}", *found[:_MOST_LINES], *cut)


def change_of(server: str, kind: str, name: str, pinned: Sequence[Any], came: object) -> Changed:
    """Return what differs: to the pinned definition that is nearest, where there are two.

    Args:
        server: Its name.
        kind: As in :class:`Changed`.
        name: As in :class:`Changed`.
        pinned: The definitions that are pinned under the name; none for what is new.
        came: What the server says now; :data:`~sudo_mcp_guardrails.gateway.pins.diff.MISSING` for what is gone.
    """
    if not pinned:
        return Changed(server, kind, name, "new", (Difference("", MISSING, came),))
    if came is MISSING:
        return Changed(server, kind, name, "gone", (Difference("", pinned[0], MISSING),))
    nearest = min((differences(each, came) for each in pinned), key=len)
    return Changed(server, kind, name, "changed", nearest)


def changes_between(server: str, before: dict[str, Any], after: dict[str, Any]) -> tuple[Changed, ...]:
    """Return what changed between two documents of a :class:`~sudo_mcp_guardrails.gateway.pins.lock.ServerPin`.

    Labels, accepted findings and what is dynamic are a person's, and not compared.
    """
    found: list[Changed] = []
    if before.get("launch") != after.get("launch"):
        found.append(change_of(server, "launch", "", [before.get("launch")], after.get("launch")))
    for field, kind in (("eras", "server"), *((each, each) for each in _KINDS)):
        old, new = before.get(field, {}), after.get(field, {})
        for name in sorted({*old, *new}):
            pinned = _definitions(kind, old[name]) if name in old else []
            came = _definitions(kind, new[name]) if name in new else []
            missing = [each for each in came if each not in pinned]
            if not came:
                found.append(change_of(server, kind, name, pinned, MISSING))
            found += [change_of(server, kind, name, pinned, each) for each in missing]
    return tuple(found)


_KINDS: Final = ("tools", "prompts", "resources", "resourceTemplates")


def _definitions(kind: str, item: dict[str, Any]) -> list[Any]:
    return [item] if kind == "server" else list(item["definitions"].values())
