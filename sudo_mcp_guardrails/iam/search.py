"""Is there a choice of values that satisfies what must allow and nothing that denies?

A question is a set of variables, each with candidate values, and a set of statements, each a bit. A candidate's
mask has the bit of every statement that its value leaves possible. A choice of one candidate for each variable
leaves the statements of the masks' conjunction: those apply. The search is depth first, and cuts every branch in
which a Deny is settled or no route to an Allow is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.iam.automaton import CapError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHOICES: Final = 200_000
"""Candidates looked at before the search gives up."""


class Name(NamedTuple):
    """What a variable is: a condition key, or with the empty key the resource.

    Args:
        step: The number of the step that it belongs to; None where all steps share it.
        key: The condition key in lower case.
    """

    step: int | None
    key: str


class Target(NamedTuple):
    """A resource and the account that owns it.

    Args:
        resource: Its ARN.
        owner: The account.
        told: Whether the request says so, in ``aws:ResourceAccount``: of some services' requests do not.
    """

    resource: str
    owner: str
    told: bool = True


class Candidate(NamedTuple):
    """One value of a variable, and the mask of the statements that it leaves possible."""

    mask: int
    value: Target | tuple[str, ...]


Choice = dict[Name, "Target | tuple[str, ...]"]


@dataclass(frozen=True)
class Variable:
    """One thing about the request that is open.

    Args:
        name: What it is.
        candidates: Its values.
        concerned: The bits of the statements that depend on it.
    """

    name: Name
    candidates: tuple[Candidate, ...]
    concerned: int


Route = tuple[int, ...]
"""Groups of bits, of each of which one must be left: what has to allow."""


@dataclass(frozen=True)
class Question:
    """Variables, and what must come out.

    Args:
        variables: What is open.
        denies: Bits of the statements that must not apply.
        goals: For each step the routes by which it may be allowed; one of them must be satisfied for every step.
    """

    variables: tuple[Variable, ...]
    denies: int
    goals: tuple[tuple[Route, ...], ...]


def best(candidates: Sequence[Candidate], denies: int) -> tuple[Candidate, ...]:
    """Leave out candidates that another one is at least as good as: that allows as much and denies as little.

    Sound because a statement applies where all its variables agree: more possible Allow statements and fewer
    possible Deny statements can only help.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: ((c.mask & denies).bit_count(), -c.mask.bit_count())):
        if not any(candidate.mask & ~k.mask & ~denies == 0 and k.mask & ~candidate.mask & denies == 0 for k in kept):
            kept.append(candidate)
    return tuple(kept)


def solutions(question: Question) -> Iterator[Choice]:
    """Yield choices, a value for each variable's name, under which the question is satisfied.

    Raises:
        CapError: After :data:`MAX_CHOICES` candidates.
    """
    variables = sorted(question.variables, key=lambda v: len(v.candidates))
    open_after: list[int] = []
    later = 0
    for variable in reversed(variables):
        open_after.append(later)
        later |= variable.concerned
    open_after.reverse()
    if question.denies & ~later:
        return
    looked = 0
    chosen: list[Candidate] = []

    def possible(mask: int) -> bool:
        return all(any(all(mask & group for group in route) for route in routes) for routes in question.goals)

    def walk(depth: int, mask: int) -> Iterator[Choice]:
        nonlocal looked
        if depth == len(variables):
            yield {variable.name: candidate.value for variable, candidate in zip(variables, chosen, strict=True)}
            return
        settled = question.denies & ~open_after[depth]
        for candidate in variables[depth].candidates:
            looked += 1
            if looked > MAX_CHOICES:
                raise CapError(f"more than {MAX_CHOICES} combinations of values")
            left = mask & candidate.mask
            if left & settled or not possible(left):
                continue
            chosen.append(candidate)
            yield from walk(depth + 1, left)
            chosen.pop()

    everything = -1
    if possible(everything):
        yield from walk(0, everything)
