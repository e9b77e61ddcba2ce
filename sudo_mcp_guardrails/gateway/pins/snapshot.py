"""What a server says of itself in one era of the protocol, as it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERAS: Final = ("2025-11-25", "2026-07-28")
"""Protocol versions that a server is asked in: the last one with a handshake, and the first one without."""
LISTS: Final = {
    "tools": ("tools/list", "name"),
    "prompts": ("prompts/list", "name"),
    "resources": ("resources/list", "uri"),
    "resourceTemplates": ("resources/templates/list", "uriTemplate"),
}
"""Kinds of what a server lists: the method, and the field that names an item."""
_CACHING: Final = frozenset({"ttlMs", "cacheScope", "resultType"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a server says of itself in one era.

    Attributes:
        era: One of :data:`ERAS`.
        introduction: The result of ``initialize`` or ``server/discover`` but for caching: protocol version, server
            info, capabilities, instructions, and whatever else stands there.
        lists: By kind, each item whole.
    """

    era: str
    introduction: Mapping[str, Any]
    lists: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def introduction_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an introduction that is pinned: all but how long a client may keep it."""
    return {name: item for name, item in result.items() if name not in _CACHING}


def named(kind: str, items: Sequence[Mapping[str, Any]], where: str) -> dict[str, Mapping[str, Any]]:
    """Return the items of a list by their name.

    Args:
        kind: One of :data:`LISTS`.
        items: As the server lists them.
        where: For the error, such as the server's name.

    Raises:
        PinError: An item has no name, or two items share one.
    """
    field_name = LISTS[kind][1]
    found: dict[str, Mapping[str, Any]] = {}
    for number, item in enumerate(items):
        name = item.get(field_name) if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise PinError(f"{kind}[{number}] of {where} has no {field_name}; expected a text that is not empty")
        if name in found:
            raise PinError(f"{where} lists two {kind} of the name {name!r}; expected each name once")
        found[name] = item
    return found
