"""How many people, of how many groups, one class of risk takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.request import MAX_LIFE
from sudo_mcp_guardrails.approval.errors import DecisionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PEOPLE: Final = 10
_HOUR: Final = 3600


@dataclass(frozen=True)
class Quorum:
    """What one class takes in one kind of environment.

    Attributes:
        risk: the class; R4 has no quorum, since nobody can approve it.
        production: whether it is about production.
        people: how many approve.
        groups: how many different groups they are of: each of so many is of another one.
        rule: whether a rule may decide instead, where the agent has earned it; never for R3. When it has is said by the
            policy of trust: R1 from T2 on, R2 at T3 alone, each within its budget.
        expires_after: seconds that a request lives, up to four hours.

    Raises:
        DecisionError: a value is out of bounds.
    """

    risk: RiskClass
    production: bool
    people: int
    groups: int = 0
    rule: bool = False
    expires_after: int = MAX_LIFE

    def __post_init__(self) -> None:
        """Validate."""
        place = f"quorum of {self.risk.value} {'in' if self.production else 'outside'} production"
        if self.risk is RiskClass.R4:
            raise DecisionError(f"{place} is not allowed: nobody approves what is forbidden")
        if not (0 if self.risk is RiskClass.R0 else 1) <= self.people <= MAX_PEOPLE:
            raise DecisionError(f"{place} is of {self.people} people, allowed are 1 to {MAX_PEOPLE}, none for R0")
        if not 0 <= self.groups <= self.people:
            raise DecisionError(f"{place} is of {self.groups} groups, allowed are 0 to {self.people}, its people")
        if self.rule and self.risk is RiskClass.R3:
            raise DecisionError(f"{place} lets a rule decide, allowed are people alone")
        if not 1 <= self.expires_after <= MAX_LIFE:
            raise DecisionError(f"{place} expires after {self.expires_after} seconds, allowed are 1 to {MAX_LIFE}")


QUORUMS: Final[tuple[Quorum, ...]] = (
    Quorum(RiskClass.R0, production=False, people=0, expires_after=_HOUR),
    Quorum(RiskClass.R0, production=True, people=0, expires_after=_HOUR),
    Quorum(RiskClass.R1, production=False, people=1, rule=True),
    Quorum(RiskClass.R1, production=True, people=1, rule=True),
    Quorum(RiskClass.R2, production=False, people=1, rule=True),
    Quorum(RiskClass.R2, production=True, people=1, rule=True),
    Quorum(RiskClass.R3, production=False, people=2, expires_after=2 * _HOUR),
    Quorum(RiskClass.R3, production=True, people=2, groups=2, expires_after=2 * _HOUR),
)
"""Quorums of a policy that names none: with them the table of tiers and classes alone says where a rule decides."""


@dataclass(frozen=True)
class Vote:
    """An approval that counts.

    Attributes:
        people: who is used up by it: the approver, and whom he stands in for.
        groups: that he may act for here.
        break_glass: whether he decided alone.
    """

    people: frozenset[str]
    groups: tuple[str, ...]
    break_glass: bool = False


def lacking(votes: Sequence[Vote], quorum: Quorum) -> tuple[int, int]:
    """Return how many people and how many different groups are still needed."""
    return max(0, quorum.people - len(votes)), max(0, quorum.groups - different_groups(vote.groups for vote in votes))


def different_groups(groups: Iterable[Sequence[str]]) -> int:
    """Return for how many of some people a group can be found that stands for none of the others.

    Somebody who is in two groups stands for one of them, whichever leaves more to the others: the largest matching of
    people and groups, by augmenting paths.
    """
    taken: dict[str, int] = {}
    people = [tuple(each) for each in groups]

    def place(person: int, tried: set[str]) -> bool:
        for group in people[person]:
            if group not in tried:
                tried.add(group)
                if group not in taken or place(taken[group], tried):
                    taken[group] = person
                    return True
        return False

    return sum(place(person, set()) for person in range(len(people)))
