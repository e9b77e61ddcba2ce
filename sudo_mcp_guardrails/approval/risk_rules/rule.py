"""What a rule is, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.agents import RiskClass
    from sudo_mcp_guardrails.approval.risk_rules.view import Looked, Seen

MAX_TEXT: Final = 400
"""Characters of a reason."""


@dataclass(frozen=True)
class Reason:
    """Why a plan is as dangerous as it is.

    Args:
        rule: id of the rule that says so.
        risk: how dangerous that alone makes the plan.
        where: id of the change, with the path of the value where there is one; empty for the plan as a whole.
        text: in one line, without values that nobody is to be shown.
    """

    rule: str
    risk: RiskClass
    where: str
    text: str

    def document(self) -> dict[str, str]:
        """Return it as JSON."""
        return {"rule": self.rule, "risk": self.risk.value, "where": self.where, "text": self.text}


@dataclass(frozen=True)
class RiskRule:
    """A rule.

    Args:
        id: stable and kebab-case.
        title: what it looks for, in a sentence.
        risks: the classes that it can come to.
        sources: what it rests on.
        of_change: finds reasons in one change; None where it looks at plans alone.
        of_plan: finds reasons in a plan as a whole; None where it looks at changes alone.
    """

    id: str
    title: str
    risks: tuple[RiskClass, ...]
    sources: tuple[str, ...]
    of_change: Callable[[Seen], Iterator[Found]] | None = None
    of_plan: Callable[[Looked], Iterator[Found]] | None = None


@dataclass(frozen=True)
class Found:
    """What a rule found; the rule's name is added by who asks.

    Args:
        risk: as in :class:`Reason`.
        text: as in :class:`Reason`.
        path: of the value in the change, or for the plan as a whole the id of a change.
    """

    risk: RiskClass
    text: str
    path: str = ""


def cut(text: object) -> str:
    """Return a text at a length that a reason can bear, on one line."""
    found = " ".join(str(text).split())
    return found if len(found) <= MAX_TEXT // 4 else f"{found[: MAX_TEXT // 4]}…"
