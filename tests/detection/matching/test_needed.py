from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.condition import AnyOf, Comparison, Not, Op
from sudo_mcp_guardrails.detection.matching.needed import needed
from tests.detection.matching.test_conditions import FIELDS, conditions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition

NAMES = frozenset(field.rpartition(".")[2] for field in FIELDS)


def test_what_may_be_met_by_an_event_without_a_field() -> None:
    one, other = Comparison("a.b", Op.EQUALS, ("x",)), Comparison("c", Op.EQUALS, ("x",))
    assert needed(one, "agent.") == frozenset({"b"})
    assert needed(AnyOf((one, other)), "agent.") == frozenset({"b", "c"})
    for free in (
        Not(one),
        Comparison("a", Op.ABSENT),
        Comparison("", Op.LIKE, ("*x*",)),
        Comparison("agent.name", Op.EQUALS, ("x",)),
        Comparison("policy.public", Op.EQUALS, ("true",)),
        AnyOf((one, Not(other))),
    ):
        assert needed(free, "agent.") is None


@given(condition=conditions, there=st.sets(st.sampled_from(sorted(NAMES))), value=st.sampled_from(["a", "A", "b"]))
def test_no_event_without_a_needed_field_meets_the_condition(condition: Condition, there: set[str], value: str) -> None:
    names = needed(condition, "nothing.")
    event: dict[str, Any] = {}
    for field in FIELDS:
        parent, _, name = field.rpartition(".")
        if name in there:
            (event.setdefault(parent, {}) if parent else event)[name] = value
    if names is not None and not names & there:
        assert not matcher(condition)(event)
