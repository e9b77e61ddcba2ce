"""How each IAM action reaches: read, list, write, tag or manage permissions.

The catalogue that says so is a package of 15 MB, which a Lambda does not carry. So the levels are written into a text
when an asset is made, and read from it there; both ways give the same answers.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.iam.catalogue import all_actions, catalogue_version

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION: Final = 1


class ActionLevels:
    """The access level of each action.

    Args:
        levels: ``service:Action`` in lower case to the catalogue's level, such as ``Read``.
        version: of the catalogue, for reports.
    """

    def __init__(self, levels: Mapping[str, str], version: str) -> None:
        """Keep what was found."""
        self._levels = levels
        self.version = version

    def of(self, action: str) -> str | None:
        """Return the level of an action, None for one that the catalogue does not know. Case does not count."""
        return self._levels.get(action.lower())

    def write(self) -> str:
        """Return all of it as a text that :meth:`read` takes; the same levels give the same text."""
        grouped: dict[str, dict[str, list[str]]] = {}
        for action, level in sorted(self._levels.items()):
            service, _, name = action.partition(":")
            grouped.setdefault(level, {}).setdefault(service, []).append(name)
        packed = {level: {s: " ".join(names) for s, names in found.items()} for level, found in grouped.items()}
        return json.dumps({"format": _VERSION, "catalogue": self.version, "levels": packed}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> ActionLevels:
        """Read what :meth:`write` wrote.

        Raises:
            PlanError: it is something else.
        """
        try:
            raw = json.loads(text)
            if raw["format"] != _VERSION:
                raise PlanError(f"action levels of format {raw['format']!r} are not known, expected {_VERSION}")
            levels = {
                f"{service}:{name}": level
                for level, found in raw["levels"].items()
                for service, names in found.items()
                for name in names.split()
            }
            return cls(levels, str(raw["catalogue"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlanError(f"action levels cannot be read: {type(error).__name__}") from None


@cache
def catalogue_levels() -> ActionLevels:
    """Return the levels of the action catalogue, which reads all of it once."""
    return ActionLevels({action.name.lower(): action.level for action in all_actions()}, catalogue_version())
