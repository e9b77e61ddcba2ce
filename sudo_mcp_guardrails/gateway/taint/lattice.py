"""The origins that a value can have, from the one that counts most to the one that counts nothing.

``INTENT`` > ``KEYED`` > ``SELECTED`` > ``NAMED`` > ``UNTRUSTED``. A value has the best origin for which there is
positive evidence, by comparison of the whole value; text that merely contains it is no evidence. A policy says which
origins an authority argument may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Origin(IntEnum):
    """Where a value comes from."""

    UNTRUSTED = 0
    """Nobody who may say so said it, or nobody can tell."""
    NAMED = 1
    """The only value of its form in a source that the intent names, in a call whose other authority is intent."""
    SELECTED = 2
    """The service lists it, and the intent leaves the choice among those to the agent ("each user")."""
    KEYED = 3
    """The service asserts it in a record, or an answer, that the intent picks by a value of its own."""
    INTENT = 4
    """It stands in the intent or the SOP."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How much is asked of a call.

    Attributes:
        scope: Whether a writing tool must be one that the intent speaks of.
        least: The least origin that an authority argument may have; None where none is looked at.
        bound: Whether a write must be tied to the intent by at least one of its arguments.
        links: Whether links in arguments must be the intent's, or asserted by a service.
        lock: Whether no write at all may follow a result with free text, whatever its arguments.
    """

    scope: bool = True
    least: Origin | None = Origin.NAMED
    bound: bool = True
    links: bool = True
    lock: bool = False


STANDARD = Policy()
LOCK = Policy(scope=False, least=None, bound=False, links=False, lock=True)
"""What holds where nobody handed over an intent or an SOP."""
