from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.condition import (
    MAX_DEPTH,
    All,
    AnyOf,
    Comparison,
    Not,
    Op,
    fields_of,
    from_data,
    to_data,
)
from sudo_mcp_guardrails.detection.matching.specialise import specialised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.matching.condition import (
        Condition,
    )

FIELDS = ("eventName", "userIdentity.type", "requestParameters.x", "agent.name")
comparisons = st.builds(
    Comparison,
    st.sampled_from(FIELDS),
    st.sampled_from([Op.EQUALS, Op.EQUALS_CASED, Op.LIKE]),
    st.lists(st.sampled_from(["a", "A", "b", "a*"]), min_size=1, max_size=2).map(tuple),
) | st.builds(Comparison, st.sampled_from(FIELDS), st.just(Op.ABSENT))
conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
values = st.sampled_from(["a", "A", "b", "ab", None])


def _meets(condition: Condition, event: Mapping[str, Any]) -> bool:
    return matcher(condition)(event)


@pytest.mark.parametrize(
    ("op", "wanted", "value", "expected"),
    [
        (Op.EQUALS, "GetObject", "getobject", True),
        (Op.EQUALS, "true", True, True),
        (Op.EQUALS, "false", "false", True),
        (Op.EQUALS, "5", 5, True),
        (Op.EQUALS, "x", ["a", "X"], True),
        (Op.EQUALS, "x", {"x": 1}, False),
        (Op.EQUALS_CASED, "GetObject", "getobject", False),
        (Op.EQUALS_CASED, "GetObject", "GetObject", True),
        (Op.LIKE, "*Public*", "made public", True),
        (Op.LIKE, "get*", ["put", "GetX"], True),
        (Op.LIKE_CASED, "Get*", "getx", False),
        (Op.REGEX, "^a.c$", "abc", True),
        (Op.CIDR, "0.0.0.0/0", "203.0.113.7", True),
        (Op.CIDR, "10.0.0.0/8", "11.0.0.1", False),
        (Op.CIDR, "10.0.0.0/8", "s3.amazonaws.com", False),
        (Op.CIDR, "2001:db8::/32", "2001:db8::1", True),
        (Op.CIDR, "2001:db8::/32", "10.0.0.1", False),
        (Op.ABOVE, "5", 6, True),
        (Op.ABOVE, "5", 5, False),
        (Op.AT_LEAST, "5", "5", True),
        (Op.BELOW, "5", 4.5, True),
        (Op.AT_MOST, "5", "many", False),
    ],
)
def test_how_values_compare(op: Op, wanted: str, value: object, expected: bool) -> None:  # noqa: FBT001 - a table
    condition = Comparison("requestParameters.x", op, (wanted,))
    assert _meets(condition, {"requestParameters": {"x": value}}) is expected
    assert _meets(condition, {}) is False
    assert _meets(condition, {"requestParameters": {"x": None}}) is False


def test_absent_is_missing_or_null() -> None:
    absent = Comparison("errorCode", Op.ABSENT)
    assert _meets(absent, {})
    assert _meets(absent, {"errorCode": None})
    assert not _meets(absent, {"errorCode": ""})


def test_two_fields_may_be_the_same() -> None:
    same = Comparison("a", Op.SAME, ("b.c",))
    assert _meets(same, {"a": "x", "b": {"c": ["y", "X"]}})
    assert not _meets(same, {"a": "x", "b": {"c": "y"}})
    assert not _meets(same, {"b": {"c": "y"}})
    assert not _meets(same, {})


def test_a_keyword_is_found_in_any_value() -> None:
    keyword = Comparison("", Op.LIKE, ("*needle*",))
    assert _meets(keyword, {"a": [{"b": "a Needle here"}]})
    assert not _meets(keyword, {"needle": "x"})


@pytest.mark.parametrize(
    "condition",
    [
        Comparison("a", Op.CIDR, ("10.0.0.0/99",)),
        Comparison("a", Op.ABOVE, ("many",)),
        Comparison("a", Op.REGEX, ("(a+)+",)),
        All((Not(Comparison("a", Op.REGEX, ("(",))),)),
    ],
)
def test_a_value_that_its_operator_cannot_take_is_refused(condition: Condition) -> None:
    with pytest.raises(RuleError):
        matcher(condition)


@given(conditions)
def test_a_condition_survives_being_written(condition: Condition) -> None:
    assert from_data(to_data(condition)) == condition
    assert fields_of(condition) <= set(FIELDS)


@pytest.mark.parametrize("data", [None, "x", [], ["test"], ["test", "a", "magic"], ["test", "a", "equals", 1], ["or"]])
def test_what_is_no_condition_is_refused(data: object) -> None:
    with pytest.raises(RuleError):
        from_data(data)


def test_deep_nesting_is_refused() -> None:
    data: list[Any] = ["test", "a", "absent"]
    for _ in range(MAX_DEPTH + 1):
        data = ["not", data]
    with pytest.raises(RuleError, match="nested deeper"):
        from_data(data)


@given(condition=conditions, name=values, kind=values, x=values, agent=values)
def test_what_is_left_says_the_same(
    condition: Condition, name: str | None, kind: str | None, x: str | None, agent: str | None
) -> None:
    event: dict[str, Any] = {"eventName": name, "userIdentity": {"type": kind}, "requestParameters": {"x": x}}
    known = {"eventName": name, "userIdentity.type": kind}
    if agent is not None:
        event["agent"] = {"name": agent}
    rest = specialised(condition, known, None if agent is not None else "agent.")
    assert (rest if isinstance(rest, bool) else _meets(rest, event)) is _meets(condition, event)
    if not isinstance(rest, bool):
        assert not fields_of(rest) & set(known)
