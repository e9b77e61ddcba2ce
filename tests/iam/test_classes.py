"""Values of keys against brute force: each way in which conditions can come out has a value."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timezone
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.classes import MAX_VALUES, kind_of, sets, values
from sudo_mcp_guardrails.iam.operators import comparison

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = list[tuple[str, str]]
SHORT = tuple("".join(chars) for length in range(5) for chars in product("aAb", repeat=length))
PARTS = ("arn", "aws", "a", "b", "ab", "")
ARNS = tuple(
    ":".join(parts) for parts in product(("arn", "x"), ("aws", "b"), ("a",), ("", "a"), ("a", "ab"), ("a", "a:b", "b"))
)


def outcomes(pairs: Pairs, given_values: Iterable[str]) -> set[tuple[bool | None, ...]]:
    """Return the ways in which comparisons come out for some values."""
    tests = [comparison(name, (pattern,)) for name, pattern in pairs]
    return {tuple(test(value) for test in tests) for value in given_values}


def check(pairs: Pairs, possible: Iterable[str]) -> None:
    """Every way in which the comparisons come out for a possible value is among those found."""
    assert outcomes(pairs, possible) <= outcomes(pairs, values(frozenset(pairs)))


texts = st.text("aAb", max_size=4)
strings = st.one_of(
    st.tuples(st.sampled_from(("equals", "equals-ignore-case")), texts),
    st.tuples(st.just("like"), st.text("aAb*?", max_size=4)),
)
orders = st.sampled_from(("eq", "lt", "le", "gt", "ge"))


@settings(max_examples=150, deadline=None)
@given(st.lists(strings, max_size=4))
@example([("like", "*"), ("equals", "")])
@example([("like", "a*"), ("like", "*a"), ("equals-ignore-case", "a")])
def test_strings(pairs: Pairs) -> None:
    check(pairs, SHORT)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.just("arn"),
            st.lists(st.sampled_from(("arn", "aws", "a", "b", "*", "a*", "?", "")), min_size=6, max_size=7).map(
                ":".join
            ),
        ),
        max_size=3,
    )
)
@example([("arn", "arn:aws:a::a*:b"), ("arn", "arn:*:a:*:a:*"), ("arn", "arn:aws:a::a:a*")])
def test_arns(pairs: Pairs) -> None:
    check(pairs, ARNS)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(orders.map("numeric-{}".format), st.integers(0, 6).map(str) | st.sampled_from(("1.5", "-3", "x"))),
        max_size=4,
    )
)
@example([("numeric-lt", "0")])
@example([("numeric-gt", "5"), ("numeric-lt", "6")])
def test_numbers(pairs: Pairs) -> None:
    check(pairs, [str(number / 4) for number in range(-20, 40)])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            orders.map("date-{}".format),
            st.integers(1, 6).map("2026-11-0{}T00:00:00Z".format)
            | st.sampled_from(("1793750400", "2026-11-03", "2026-11-02T23:59:59+02:00", "never")),
        ),
        max_size=4,
    )
)
@example([("date-gt", "2026-11-01T00:00:00Z"), ("date-lt", "2026-11-01T00:00:01Z")])
def test_dates(pairs: Pairs) -> None:
    start = int(datetime(2026, 10, 31, tzinfo=timezone.utc).timestamp())
    possible = [str(start + hour * 3600) for hour in range(0, 9 * 24, 3)]
    check(pairs, [*possible, "2026-11-01T00:00:00.5Z", "2026-11-01T00:00:01Z", "2026-11-02T21:59:59Z"])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.just("address"),
            st.tuples(st.integers(0, 15), st.integers(28, 32)).map(lambda p: f"10.0.0.{p[0]}/{p[1]}")
            | st.sampled_from(("10.0.0.3", "0.0.0.0/0", "::/0", "2001:db8::/126", "2001:db8::1", "x")),
        ),
        max_size=4,
    )
)
@example([("address", "255.255.255.255/32"), ("address", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")])
@example([("address", "0.0.0.0/1"), ("address", "128.0.0.0/1")])
def test_addresses(pairs: Pairs) -> None:
    four = [str(ipaddress.IPv4Address(0x0A000000 - 2 + n)) for n in range(20)]
    six = [f"2001:db8::{n:x}" for n in range(6)]
    check(pairs, [*four, *six, "0.0.0.0", "128.0.0.0", "255.255.255.254", "255.255.255.255", "::", "ffff::"])  # noqa: S104 - compared, not bound


class TestKinds:
    def test_a_switch_is_on_or_off(self) -> None:
        assert values(frozenset({("bool", "true")})) == ("true", "false")

    def test_a_switch_that_is_compared_as_text_too_may_be_any(self) -> None:
        check([("bool", "true"), ("equals", "x"), ("like", "t*")], ["true", "false", "x", "t", "", "y"])

    def test_without_a_comparison_any_value_does(self) -> None:
        assert len(values(frozenset())) == 1

    def test_bytes(self) -> None:
        check([("binary", "YQ=="), ("binary", "Yg==")], ["YQ==", "Yg==", "Yw=="])

    @pytest.mark.parametrize(
        "pair", [("numeric-lt", "1"), ("date-lt", "2026-11-23"), ("address", "10.0.0.0/8")], ids=lambda p: p[0]
    )
    def test_different_kinds_of_one_key_are_not_decided(self, pair: tuple[str, str]) -> None:
        with pytest.raises(CapError, match=r"^a key is compared as \w+ and as \w+$"):
            values(frozenset({pair, ("like", "a*")}))

    def test_every_comparison_has_a_kind(self) -> None:
        kinds = {name: kind_of(name) for name in ("like", "arn", "numeric-eq", "date-lt", "address", "binary")}
        assert set(kinds.values()) == {"string", "number", "date", "address"}

    def test_too_many_patterns(self) -> None:
        with pytest.raises(CapError, match="takes more than"):
            values(frozenset(("like", f"*{letter}*") for letter in "abcdefghijklmno"))


class TestSets:
    def test_every_set_but_the_empty_one(self) -> None:
        assert sorted(sets("abc")) == [("a",), ("a", "b"), ("a", "b", "c"), ("a", "c"), ("b",), ("b", "c"), ("c",)]
        assert len(sets(map(str, range(MAX_VALUES)))) == 2**MAX_VALUES - 1

    def test_too_many(self) -> None:
        with pytest.raises(CapError, match=f"has {MAX_VALUES + 1} classes of them, over the cap of {MAX_VALUES}"):
            sets(map(str, range(MAX_VALUES + 1)))
