"""What a proof comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.request import Request


class Verdict(str, Enum):
    """What came of a question."""

    PROVED = "PROVED"
    """No request is allowed."""
    WITNESS = "WITNESS"
    """A request is allowed, and here it is."""
    NOT_PROVED = "NOT PROVED"
    """Not known, for the reason given. To be taken as unsafe."""


@dataclass(frozen=True)
class Proof:
    """The answer to one question.

    Args:
        verdict: See :class:`Verdict`.
        requests: For a witness, one request for each step, which the evaluator allowed.
        statements: (layer, Sid): for a witness what lets it through, for a proof what blocks it.
        reason: In words.
    """

    verdict: Verdict
    requests: tuple[Request, ...] = ()
    statements: tuple[tuple[str, str], ...] = ()
    reason: str = ""
