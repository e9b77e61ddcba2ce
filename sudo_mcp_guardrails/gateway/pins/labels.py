"""What a person says of a tool once he has read it: the guard decides on this and never on annotations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL: Final = ("*",)
_FIELDS: Final = frozenset({"effect", "authority", "freeText", "reviewedBy"})


class Effect(str, Enum):
    """What a tool does."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Labels:
    """The reviewed labels of a tool; what nobody reviewed has the strictest ones.

    Attributes:
        effect: Whether calling it changes anything, here or elsewhere.
        authority: Arguments that say to whom, where or on what it acts (a recipient, an ARN, a range): dotted paths,
            ``items[].to`` for each item of a list; ``*`` for every argument.
        free_text: Fields of its result whose text anybody may have written; ``*`` for all of the result.
        reviewed_by: Who says so; empty for nobody.
    """

    effect: Effect = Effect.WRITE
    authority: tuple[str, ...] = ALL
    free_text: tuple[str, ...] = ALL
    reviewed_by: str = ""

    def document(self) -> dict[str, Any]:
        """Return the labels as the lock file has them."""
        return {
            "effect": self.effect.value,
            "authority": list(self.authority),
            "freeText": list(self.free_text),
            "reviewedBy": self.reviewed_by,
        }


UNREVIEWED: Final = Labels()


def labels_of(document: object, where: str) -> Labels:
    """Read labels of a lock file.

    Args:
        document: JSON; what is left out is the strictest.
        where: For the error.

    Raises:
        PinError: It is something else, or softens a label without saying who reviewed it.
    """
    if not isinstance(document, dict) or not _FIELDS.issuperset(document):
        raise PinError(f"{where} is {document!r}; expected an object with no fields but {sorted(_FIELDS)}")
    try:
        effect = Effect(document.get("effect", Effect.WRITE.value))
    except ValueError:
        raise PinError(f"{where}.effect is {document['effect']!r}; expected 'read' or 'write'") from None
    reviewer = document.get("reviewedBy", "")
    if not isinstance(reviewer, str):
        raise PinError(f"{where}.reviewedBy is {reviewer!r}; expected a text")
    labels = Labels(effect, _texts(document, "authority", where), _texts(document, "freeText", where), reviewer)
    if not reviewer and labels != UNREVIEWED:
        raise PinError(f"{where} softens the labels of a tool that nobody reviewed; name the person in reviewedBy")
    return labels


def _texts(document: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = document.get(name, list(ALL))
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise PinError(f"{where}.{name} is {value!r}; expected a list of texts such as 'items[].to', or ['*']")
    return tuple(value)
