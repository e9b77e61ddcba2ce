"""What came of each step of a containment or a restoration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.record import RestoreRecord

MAX_DETAIL: Final = 400
"""Characters of a detail."""


class Outcome(str, Enum):
    """What came of one step."""

    DONE = "done"
    """It was carried out, and read again: it is as it should be."""
    ALREADY = "already"
    """Nothing had to be called."""
    LISTED = "listed"
    """It cannot be undone: its detail says what a restoration does not bring back."""
    UNCONFIRMED = "unconfirmed"
    """Every call was taken, and what is read afterwards does not show it yet; run it again to see."""
    FAILED = "failed"
    """It was not carried out, or in part; its detail says why. The others went on."""


_GOOD: Final = frozenset({Outcome.DONE, Outcome.ALREADY, Outcome.LISTED})


@dataclass(frozen=True)
class Done:
    """One step and what came of it.

    Attributes:
        step: its id.
        outcome: what came of it.
        detail: why, or what; one line.
    """

    step: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What came of all steps.

    Attributes:
        steps: in the order in which they were tried.
        record: the restore record as it stands now; the responder writes its digest down.
    """

    steps: tuple[Done, ...]
    record: RestoreRecord

    @property
    def complete(self) -> bool:
        """Whether every step is as it should be; where not, run the same again."""
        return all(step.outcome in _GOOD for step in self.steps)

    @property
    def already(self) -> bool:
        """Whether nothing had to be done."""
        return all(step.outcome in {Outcome.ALREADY, Outcome.LISTED} for step in self.steps)

    @property
    def failed(self) -> tuple[Done, ...]:
        """The steps that are not as they should be."""
        return tuple(step for step in self.steps if step.outcome not in _GOOD)


def said(error: Exception) -> str:
    """Return an error in one line: its type, AWS's code where it has one, and its text.

    Args:
        error: What a client raised.
    """
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    text = " ".join(f"{type(error).__name__} {code} {error}".split())
    return text[:MAX_DETAIL]
