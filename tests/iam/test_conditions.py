"""Condition operators, one by one, as the IAM user guide describes them."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.iam import PolicyError
from sudo_mcp_guardrails.iam.conditions import conditions_hold, substitute
from sudo_mcp_guardrails.iam.operators import OPERATORS

Keys = dict[str, tuple[str, ...]]

# operator, wanted values, value given, holds
CASES = [
    ("StringEquals", ("a", "b"), "b", True),
    ("StringEquals", ("a",), "A", False),
    ("StringEquals", ("a*",), "abc", False),
    ("StringNotEquals", ("a", "b"), "c", True),
    ("StringNotEquals", ("a", "b"), "b", False),
    ("StringEqualsIgnoreCase", ("ab",), "AB", True),
    ("StringNotEqualsIgnoreCase", ("ab",), "AB", False),
    ("StringLike", ("a*", "b?"), "bc", True),
    ("StringLike", ("b?",), "b", False),
    ("StringLike", ("A*",), "ab", False),
    ("StringNotLike", ("a*",), "b", True),
    ("StringNotLike", ("a*",), "ab", False),
    ("ArnEquals", ("arn:aws:iam::*:role/x",), "arn:aws:iam::1:role/x", True),
    ("ArnLike", ("arn:*:iam::*:role/x/*",), "arn:aws:iam::1:role/x/y/z", True),
    # A wildcard of one part of an ARN does not reach into the next.
    ("ArnLike", ("arn:aws:*:::role/x",), "arn:aws:iam:here:1:role/x", False),
    # Less than an ARN: AWS does not say, and the worse case of an Allow is that it matches.
    ("ArnLike", ("arn:aws:*:role/x",), "arn:aws:iam::1:role/x", True),
    ("ArnNotLike", ("*",), "arn:aws:iam::1:role/x", True),
    ("ArnNotLike", ("arn:aws:iam::*:role/x",), "arn:aws:iam::1:role/y", True),
    ("ArnNotEquals", ("arn:aws:iam::1:role/x",), "arn:aws:iam::1:role/x", False),
    ("Bool", ("true",), "TRUE", True),
    ("Bool", ("true",), "false", False),
    ("NumericEquals", ("10",), "10.0", True),
    ("NumericNotEquals", ("10",), "10", False),
    ("NumericLessThan", ("10",), "9", True),
    ("NumericLessThan", ("10",), "10", False),
    ("NumericLessThanEquals", ("10",), "10", True),
    ("NumericGreaterThan", ("9",), "10", True),
    ("NumericGreaterThanEquals", ("10",), "9", False),
    ("NumericLessThan", ("10",), "many", False),
    ("DateLessThan", ("2026-11-23T00:00:00Z",), "2026-11-22T23:59:59Z", True),
    ("DateGreaterThan", ("2026-11-23",), "2026-11-22", False),
    ("DateEquals", ("1970-01-01T00:01:00Z",), "60", True),
    ("DateNotEquals", ("60",), "61", True),
    ("DateLessThanEquals", ("60",), "60", True),
    ("DateGreaterThanEquals", ("60",), "59", False),
    ("DateLessThan", ("2026-11-23",), "soon", False),
    ("IpAddress", ("10.0.0.0/8",), "10.1.2.3", True),
    ("IpAddress", ("2001:db8::/32",), "2001:db8::1", True),
    ("IpAddress", ("10.0.0.0/8",), "2001:db8::1", False),
    ("NotIpAddress", ("10.0.0.0/8",), "11.1.2.3", True),
    ("NotIpAddress", ("10.0.0.0/8",), "10.1.2.3", False),
    ("BinaryEquals", ("aGk=",), "aGk=", True),
    ("BinaryEquals", ("aGk=",), "aGo=", False),
    ("BinaryEquals", ("aGk=",), "?", False),
]


def holds(operator: str, wanted: tuple[str, ...], *given: str) -> bool:
    keys: Keys = {"aws:key": given} if given else {}
    return conditions_hold(((operator, "aws:Key", wanted),), keys, deny=False)


@pytest.mark.parametrize(("operator", "wanted", "given", "expected"), CASES)
def test_operator(operator: str, wanted: tuple[str, ...], given: str, *, expected: bool) -> None:
    assert holds(operator, wanted, given) == expected
    assert holds(operator.upper(), wanted, given) == expected, "operators ignore case"


def test_every_operator_has_a_case() -> None:
    assert {case[0].lower() for case in CASES} == set(OPERATORS)


@pytest.mark.parametrize("operator", sorted({case[0] for case in CASES}))
def test_absent_key(operator: str) -> None:
    negated = "Not" in operator
    assert holds(operator, ("1",)) == negated
    assert holds(f"{operator}IfExists", ("1",))
    assert holds(f"ForAllValues:{operator}", ("1",))
    assert not holds(f"ForAnyValue:{operator}", ("1",))


def test_if_exists_still_tests_a_present_key() -> None:
    assert not holds("StringEqualsIfExists", ("a",), "b")
    assert holds("StringEqualsIfExists", ("a",), "a")


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAnyValue:StringEquals", ("a", "c"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "c"), False),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringLike", ("x", "ab"), False),
    ],
)
def test_several_values(operator: str, given: tuple[str, ...], *, expected: bool) -> None:
    assert holds(operator, ("a", "b"), *given) == expected


def test_null() -> None:
    assert holds("Null", ("true",))
    assert not holds("Null", ("true",), "x")
    assert holds("Null", ("false",), "x")
    assert not holds("Null", ("false",))


def test_all_conditions_must_hold() -> None:
    both = (("StringEquals", "a", ("1",)), ("StringEquals", "b", ("2",)))
    assert conditions_hold(both, {"a": ("1",), "b": ("2",)}, deny=False)
    assert not conditions_hold(both, {"a": ("1",), "b": ("3",)}, deny=False)


@pytest.mark.parametrize("operator", ["StringMatches", "ForSomeValues:StringEquals", "", "IfExists"])
def test_unknown_operator(operator: str) -> None:
    with pytest.raises(PolicyError, match="is not known, expected Null or one of"):
        holds(operator, ("a",), "a")


VARIABLES: Keys = {"aws:principaltag/team": ("blue",), "aws:many": ("a", "b"), "aws:star": ("*",)}


class TestVariables:
    def test_replaced_whatever_the_case_of_the_key(self) -> None:
        assert substitute("x-${aws:PrincipalTag/Team}-y", VARIABLES) == "x-blue-y"

    def test_absent_or_multivalued_matches_nothing(self) -> None:
        assert substitute("${aws:username}", VARIABLES) is None
        assert substitute("${aws:many}", VARIABLES) is None

    def test_default(self) -> None:
        assert substitute("${aws:username, 'nobody'}", VARIABLES) == "nobody"
        assert substitute("${aws:principaltag/team, 'nobody'}", VARIABLES) == "blue"

    def test_nothing_to_replace(self) -> None:
        assert substitute("plain*", VARIABLES) == "plain*"

    @pytest.mark.parametrize(
        ("pattern", "value", "expected"),
        [("a${*}b", "a*b", True), ("a${*}b", "axb", False), ("a${?}", "a?", True), ("a${?}", "ax", False)],
    )
    def test_literal_wildcards(self, pattern: str, value: str, *, expected: bool) -> None:
        assert holds("StringLike", (pattern,), value) == expected

    def test_literal_dollar(self) -> None:
        assert holds("StringEquals", ("${$}{x}",), "${x}")

    def test_a_value_does_not_bring_wildcards(self) -> None:
        conditions = (("StringLike", "s3:prefix", ("home/${aws:star}",)),)
        assert not conditions_hold(conditions, {**VARIABLES, "s3:prefix": ("home/other",)}, deny=False)
        assert conditions_hold(conditions, {**VARIABLES, "s3:prefix": ("home/*",)}, deny=False)

    def test_a_value_is_not_replaced_again(self) -> None:
        assert substitute("${aws:a}", {"aws:a": ("${aws:b}",), "aws:b": ("x",)}) == "${aws:b}"
