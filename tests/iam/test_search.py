"""The search against brute force, on small questions of every shape."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.search import MAX_CHOICES, Candidate, Name, Question, Variable, best, solutions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.search import Choice

BITS = 6
ALL = (1 << BITS) - 1


def variable(number: int, masks: tuple[int, ...]) -> Variable:
    """Return a variable; as in a proof, a mask has every bit that no statement of the variable uses."""
    candidates = tuple(Candidate(~excluded, (f"{number}.{place}",)) for place, excluded in enumerate(masks))
    concerned = 0
    for excluded in masks:
        concerned |= excluded
    return Variable(Name(None, f"key{number}"), candidates, concerned)


def satisfied(question: Question, chosen: tuple[Candidate, ...]) -> bool:
    """Say whether a choice satisfies a question, from what the question means."""
    mask = -1
    for candidate in chosen:
        mask &= candidate.mask
    allowed = all(any(all(mask & group for group in route) for route in routes) for routes in question.goals)
    return allowed and not mask & question.denies


def by_force(question: Question) -> list[tuple[Candidate, ...]]:
    every = product(*(v.candidates for v in question.variables))
    return [chosen for chosen in every if satisfied(question, chosen)]


def of(question: Question, choice: Choice) -> tuple[Candidate, ...]:
    """Return the candidates of a choice."""
    return tuple(next(c for c in v.candidates if c.value == choice[v.name]) for v in question.variables)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    masks = st.integers(0, ALL)
    denies = draw(masks)
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    variables = tuple(
        variable(number, tuple(draw(st.lists(masks, min_size=count, max_size=count))))
        for number, count in enumerate(counts)
    )
    # What must allow is never what must not apply.
    group = masks.map(lambda mask: mask & ~denies) | st.just(-1)
    route = st.lists(group, max_size=3).map(tuple)
    goals = draw(st.lists(st.lists(route, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2))
    return Question(variables, denies, tuple(goals))


@settings(max_examples=200, deadline=None)
@given(questions())
@example(Question((variable(0, (0,)),), 1, (((),),)))
@example(Question((), 0, (((-1,),),)))
@example(Question((), 0, (((0,),),)))
def test_it_finds_all_solutions_and_nothing_else(question: Question) -> None:
    expected = by_force(question)
    found = [of(question, choice) for choice in solutions(question)]
    assert sorted(found, key=str) == sorted(expected, key=str)


@settings(max_examples=200, deadline=None)
@given(questions())
def test_leaving_out_the_worse_candidates_loses_no_solution(question: Question) -> None:
    pruned = Question(
        tuple(Variable(v.name, best(v.candidates, question.denies), v.concerned) for v in question.variables),
        question.denies,
        question.goals,
    )
    assert all(
        set(p.candidates) <= set(v.candidates) for p, v in zip(pruned.variables, question.variables, strict=True)
    )
    assert bool(list(solutions(pruned))) == bool(by_force(question))


class TestBest:
    def test_more_allows_and_fewer_denies_win(self) -> None:
        deny, allow = 1, 2
        plain, denied, open_, both = (Candidate(mask, (str(mask),)) for mask in (0, deny, allow, allow | deny))
        assert best((plain, denied, open_, both), deny) == (open_,)

    def test_what_cannot_be_compared_stays(self) -> None:
        one, other = Candidate(0b01, ("1",)), Candidate(0b10, ("2",))
        assert set(best((one, other), 0)) == {one, other}

    def test_of_equals_one_stays(self) -> None:
        assert len(best((Candidate(3, ("1",)), Candidate(3, ("2",))), 1)) == 1


def test_a_deny_that_no_variable_concerns_always_applies() -> None:
    question = Question((variable(0, (0b10, 0)),), 0b01, (((-1,),),))
    assert list(solutions(question)) == []


def test_too_many_choices_are_an_error_and_no_answer() -> None:
    # The Deny is settled by the last variable alone, so that no branch is cut.
    deny = 1
    pair = (Candidate(-1, ("a",)), Candidate(-1, ("b",)))
    variables = tuple(Variable(Name(None, str(n)), pair, deny) for n in range(18))
    with pytest.raises(CapError, match=f"^more than {MAX_CHOICES} combinations of values$"):
        list(solutions(Question(variables, deny, (((-1,),),))))
