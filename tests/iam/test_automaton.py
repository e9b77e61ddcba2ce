"""The walk against brute force: every combination of patterns that some string has, has a representative."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.automaton import (
    ANY,
    DIGIT,
    MAX_STATES,
    NO_COLON,
    SEGMENT,
    CapError,
    Token,
    by_beginning,
    ignoring_case,
    like,
    literal,
    representatives,
    some,
)
from sudo_mcp_guardrails.iam.matching import glob
from sudo_mcp_guardrails.iam.operators import WILD

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.automaton import Tokens

ALPHABET = "aB1/:"
STRINGS = tuple("".join(chars) for length in range(6) for chars in product(ALPHABET, repeat=length))
"""All strings of up to five characters, one or two of each kind that a wildcard tells apart."""
CLASSES = {ANY: ".", NO_COLON: "[^:]", SEGMENT: "[^:/]", DIGIT: "[0-9]"}


def expression(tokens: Tokens) -> re.Pattern[str]:
    """Return the regular expression that means the same: an implementation that shares nothing with the walk."""
    out = []
    for token in tokens:
        one = CLASSES[token.wild] if token.wild else f"[{re.escape(token.chars)}]" if token.chars else "(?!)"
        out.append(one + "*" if token.repeated else one)
    return re.compile("".join(out), re.DOTALL)


def classes(patterns: tuple[Tokens, ...], strings: tuple[str, ...]) -> set[tuple[bool, ...]]:
    """Return which combinations of patterns match any of some strings."""
    tests = [expression(pattern) for pattern in patterns]
    return {tuple(test.fullmatch(text) is not None for test in tests) for text in strings}


def check(universe: Tokens, patterns: tuple[Tokens, ...], found: tuple[str, ...]) -> None:
    """Compare what was found with what is true of every short string."""
    inside = expression(universe)
    assert all(inside.fullmatch(text) for text in found)
    assert len(set(found)) == len(found)
    short = tuple(text for text in STRINGS if inside.fullmatch(text))
    missed = classes(patterns, short) - classes(patterns, found)
    assert missed == set()


texts = st.text("aB1/:*?", max_size=5)
wilds = st.sampled_from((ANY, NO_COLON, SEGMENT, DIGIT))
patterns_of_kinds = st.one_of(
    st.builds(like, texts, wilds),
    st.builds(lambda text: ignoring_case(literal(text)), st.text("aAbB1", max_size=4)),
    st.builds(
        lambda a, b, c: (*like(a), *some(b), *like(c)), st.text("a/:*", max_size=2), wilds, st.text("B1:*", max_size=2)
    ),
)


@settings(max_examples=150, deadline=None)
@given(patterns_of_kinds, st.lists(patterns_of_kinds, max_size=4))
@example(like("*"), [like("*a*"), like("?"), like("")])
@example(some(SEGMENT), [like("a*"), like("*/*")])
@example((*some(DIGIT), Token(":"), *some(ANY)), [like("1:*"), like("*:1")])
@example((*some(SEGMENT), *like("*")), [like("?")])
def test_every_class_that_some_string_is_in_is_found(universe: Tokens, patterns: list[Tokens]) -> None:
    check(universe, tuple(patterns), representatives((universe,), tuple(patterns)))


@settings(max_examples=60, deadline=None)
@given(st.lists(patterns_of_kinds, min_size=1, max_size=3), st.lists(patterns_of_kinds, max_size=3))
def test_several_universes(universes: list[Tokens], patterns: list[Tokens]) -> None:
    found = representatives(universes, tuple(patterns))
    for universe in universes:
        inside = expression(universe)
        short = tuple(text for text in STRINGS if inside.fullmatch(text))
        assert classes(tuple(patterns), short) <= classes(tuple(patterns), found)
    assert all(any(expression(u).fullmatch(text) for u in universes) for text in found)


def test_the_brute_force_can_tell() -> None:
    patterns = (like("a*"), like("*B"))
    with pytest.raises(AssertionError, match="True, True"):
        check(like("*"), patterns, ("", "a", "B"))


UNIVERSES = (
    like("*"),
    some(ANY),
    some(SEGMENT),
    some(NO_COLON),
    (*literal("a/"), *some(SEGMENT)),
    (*literal("a:"), *some(ANY), *literal("/B"), *some(ANY)),
    (*literal("1"), *some(SEGMENT), *literal(":"), *some(SEGMENT)),
    (Token("", DIGIT),) * 2,
    literal("aB"),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(UNIVERSES), st.lists(st.text("aB1/:", max_size=5).flatmap(lambda t: st.sampled_from((t, t + "*"))))
)
@example(like("*"), [])
@example(like("*"), ["*", ""])
@example(some(ANY), ["a", "a*", "aB", "aB*"])
@example((*literal("a/"), *some(SEGMENT)), ["a*", "a/*", "a/B", "a/BB*", "B*"])
@example((*literal("a:"), *some(ANY), *literal("/B"), *some(ANY)), ["a:a", "a:aa*", "a:a/Ba"])
def test_beginnings_are_told_apart_as_by_the_walk(universe: Tokens, patterns: list[str]) -> None:
    quick = by_beginning(universe, tuple(patterns))
    if quick is None:
        return
    told_apart = tuple(map(like, patterns))
    walked = representatives((universe,), told_apart)
    assert all(expression(universe).fullmatch(text) for text in quick)
    assert classes(told_apart, quick) == classes(told_apart, walked)


@pytest.mark.parametrize(
    ("universe", "expected"),
    [
        (like("*"), {"x", "a/Bx"}),
        (some(ANY), {"x", "a/B", "a/Bx"}),
        ((*literal("a/"), *some(SEGMENT)), {"a/x", "a/B", "a/Bx"}),
        ((*literal("a/"), *some(ANY), *literal(":"), *some(ANY)), {"a/x:x", "a/B:x", "a/Bx:x"}),
        ((*literal("b/"), *some(ANY)), {"b/x"}),
    ],
)
def test_beginnings_need_no_walk(universe: Tokens, expected: set[str]) -> None:
    found = by_beginning(universe, ("a/B*",))
    assert found is not None
    assert set(found) == expected


@pytest.mark.parametrize(
    ("universe", "patterns"),
    [
        (like("*"), ("a*b",)),
        (like("*"), ("a?",)),
        (like("*"), (f"a{WILD['*']}",)),
        (like("*"), ("xyzqwvkjnabcdefghilmoprstuXYZQWVKJNABCDEFGHILMOPRSTU_-.~ø",)),
        (some(SEGMENT), ("a/b",)),
        (some(DIGIT), ("1*",)),
        (literal("a"), ("a",)),
        ((Token("aA"), *some(ANY)), ("a*",)),
    ],
)
def test_what_the_quick_way_leaves_to_the_walk(universe: Tokens, patterns: tuple[str, ...]) -> None:
    assert by_beginning(universe, patterns) is None


class TestTokens:
    def test_stars_in_a_row_are_one(self) -> None:
        assert like("a***b") == like("a*b")
        assert len(like("*" * 1000)) == 1

    def test_escaped_wildcards_are_literal(self) -> None:
        pattern = like(f"a{WILD['*']}{WILD['?']}")
        assert pattern == literal("a*?")
        assert "a*?" in representatives((like("a??"),), (pattern,))

    def test_either_case(self) -> None:
        assert set(representatives((like("??"),), (ignoring_case(literal("a1")),))) >= {"a1"}
        check(
            like("??"),
            (ignoring_case(literal("a1")), literal("a1"), literal("A1")),
            (*map("".join, product("aA1", repeat=2)), "zz"),
        )

    def test_a_pattern_that_matches_nothing(self) -> None:
        nothing: Tokens = (Token(""),)
        assert representatives((nothing,), (like("*"),)) == ()
        assert len(representatives((like("*"),), (nothing,))) == 1


def test_the_shortest_string_comes_first() -> None:
    assert representatives((like("*"),), (like("*aa*"),)) == ("", "aa")


def test_a_fresh_character_is_one_that_no_pattern_names() -> None:
    found = representatives((some(SEGMENT),), (like("x*"),))
    assert sorted(text.startswith("x") for text in found) == [False, True]


class TestCaps:
    def test_too_many_classes(self) -> None:
        # Any set of 15 letters is a class of its own.
        with pytest.raises(CapError, match=f"telling 15 patterns apart takes more than {MAX_STATES} states"):
            representatives((like("*"),), tuple(like(f"*{letter}*") for letter in "abcdefghijklmno"))

    @pytest.mark.parametrize(
        "patterns",
        [
            ("*a*b*c" * 100,),
            ("*a" * 300, "*b" * 300),
            ("?" * 500 + "*", "*a?" * 200),
            tuple("*" + "a" * n + "?" * 12 + "b*" for n in range(1, 12)),
            ("*a" + "?" * 40 + "b*", "*b" + "?" * 40 + "a*"),
        ],
        ids=["one", "two", "question marks", "many", "windows"],
    )
    @pytest.mark.usefixtures("no_hang")
    def test_patterns_built_to_explode_end_soon(self, patterns: tuple[str, ...]) -> None:
        try:
            found = representatives((like("*"),), tuple(map(like, patterns)))
        except CapError:
            found = ()
        tests = [glob(pattern) for pattern in patterns]
        # An answer is a whole one: each pattern matches somewhere, and one string matches none.
        assert not found or all(any(map(test, found)) for test in tests)
        assert not found or not all(any(test(text) for test in tests) for text in found)
