"""What a tool call declares that it does, before any of it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Hole(Enum):
    """Stands where a value is not known."""

    VALUE = "?"

    def __repr__(self) -> str:
        return "?"


HOLE: Final = _Hole.VALUE
"""In parameters: any value, or none at all."""


@dataclass(frozen=True)
class DeclaredCall:
    """A call of AWS's API that may be made.

    Attributes:
        service: As SDKs call it, such as ``s3`` or ``stepfunctions``.
        operation: As the API calls it, such as ``ListObjectsV2``.
        region: Empty where the call does not name one, so that it goes where the session works.
        parameters: As the API has them, in JSON's types, with :data:`HOLE` where a value is not known.
        complete: Whether there are no parameters beside these.
        at_most: How often it is made; None where nobody can tell.
        line: In the script, from 1; in a list of commands, the number of the command.
    """

    service: str
    operation: str
    region: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = True
    at_most: int | None = 1
    line: int = 1

    @property
    def has_holes(self) -> bool:
        """Whether anything about its parameters is not known."""
        return not self.complete or has_hole(self.parameters)


@dataclass(frozen=True, order=True)
class Undecidable:
    """Why what a tool call does cannot be told before it is made.

    Attributes:
        line: As :attr:`DeclaredCall.line`; 0 for the whole.
        reason: In one line, without any text of the script but names.
    """

    line: int
    reason: str


def has_hole(value: object) -> bool:
    """Return whether a value, or anything in it, is not known."""
    left = [value]
    while left:
        item = left.pop()
        if item is HOLE:
            return True
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, (list, tuple)):
            left += item
    return False


def without_holes(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a value without what is not known in it."""
    if isinstance(value, dict):
        return {name: without_holes(item) for name, item in value.items() if item is not HOLE}
    if isinstance(value, (list, tuple)):
        return [without_holes(item) for item in value if item is not HOLE]
    return value
