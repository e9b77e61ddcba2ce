from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Not, Op, to_data
from sudo_mcp_guardrails.detection.mutants import TRUE, of_condition, of_correlation
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level
from tests.detection.matching.test_conditions import conditions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition

A, B, C = (Comparison(name, Op.EQUALS, ("1",)) for name in "abc")


def mutated(condition: Condition) -> list[Condition]:
    return [one.condition for one in of_condition(condition)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (A, [TRUE]),
        (Comparison("a", Op.EQUALS, ("1", "2")), [TRUE, Comparison("a", Op.EQUALS, ("2",)), A]),
        (Not(A), [A, TRUE, Not(TRUE)]),
        (All((A, B)), [AnyOf((A, B)), All((TRUE, B)), All((A, TRUE))]),
        (AnyOf((A, B)), [AnyOf((B,)), AnyOf((TRUE, B)), AnyOf((A,)), AnyOf((A, TRUE))]),
    ],
)
def test_what_is_left_out(condition: Condition, expected: list[Condition]) -> None:
    assert mutated(condition) == expected


def test_mutants_reach_every_depth() -> None:
    condition = All((A, Not(AnyOf((B, C)))))
    assert All((A, Not(AnyOf((B,))))) in mutated(condition)
    assert All((A, Not(AnyOf((C,))))) in mutated(condition)
    assert All((A, AnyOf((B, C)))) in mutated(condition)


@given(conditions)
def test_each_mutant_is_one_of_its_own_and_can_be_asked(condition: Condition) -> None:
    found = mutated(condition)
    keys = [repr(to_data(one)) for one in found]
    assert len(keys) == len(set(keys))
    assert repr(to_data(condition)) not in keys
    assert all(matcher(one)({}) in (True, False) for one in found)


def test_true_is_always_met() -> None:
    assert matcher(TRUE)({})


def correlation(counting: Counting, **more: Any) -> Correlation:
    common = {"rules": ("a", "b"), "group_by": ("x", "y"), "seconds": 60, "count": 5}
    return Correlation("id", "c", "title", Level.HIGH, counting=counting, **{**common, **more})


def test_mutants_of_a_correlation_that_counts() -> None:
    found = {one.what: one.correlation for one in of_correlation(correlation(Counting.VALUE_COUNT, field="z"))}
    assert {one.seconds for one in found.values()} == {59, 60, 61}
    assert {one.count for one in found.values()} == {4, 5, 6}
    assert {one.rules for one in found.values()} == {("a", "b"), ("a",), ("b",)}
    assert {one.group_by for one in found.values()} == {("x", "y"), ("x",), ("y",)}
    assert found["events counted instead of values of z"].counting is Counting.EVENT_COUNT
    assert len(found) == 9


def test_mutants_of_a_correlation_in_order() -> None:
    found = [one.correlation for one in of_correlation(correlation(Counting.TEMPORAL_ORDERED, count=2))]
    assert {(one.rules, one.count) for one in found} == {(("a", "b"), 2), (("a",), 1), (("b",), 1)}
    assert Counting.TEMPORAL in {one.counting for one in found}


def test_nothing_is_counted_less_than_once() -> None:
    found = of_correlation(correlation(Counting.EVENT_COUNT, count=1))
    assert {one.correlation.count for one in found} == {1, 2}
