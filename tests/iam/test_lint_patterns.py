"""Patterns against patterns, held against trying all short strings."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.lint_rules.patterns import covers, overlap
from sudo_mcp_guardrails.iam.matching import glob

PATTERNS = st.text("ab*?", max_size=5)
# Two patterns of at most five characters that share a string share one of at most ten, and wildcards can be
# filled with letters of the alphabet: one letter more, `c`, shows what only a wildcard matches.
STRINGS = ["".join(letters) for n in range(6) for letters in itertools.product("abc", repeat=n)]


@given(PATTERNS, PATTERNS)
def test_overlap_agrees_with_trying(first: str, second: str) -> None:
    shared = any(glob(first)(s) and glob(second)(s) for s in STRINGS)
    if shared:
        assert overlap(first, second)
    assert overlap(first, second) is overlap(second, first)
    if "*" not in first or "*" not in second:  # then a shared string is no longer than the shorter pattern
        assert overlap(first, second) is shared


@given(PATTERNS, PATTERNS)
def test_covers_never_claims_too_much(wide: str, narrow: str) -> None:
    if covers(wide, narrow):
        assert all(glob(wide)(s) for s in STRINGS if glob(narrow)(s))


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("s3:*", "s3:Get*", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:*", False),
        ("s3:?et*", "s3:Get*", False),  # cannot tell, so no
        ("s3:?et*", "s3:?et*", True),
        ("S3:get*", "s3:GetObject", True),
    ],
)
def test_covers(wide: str, narrow: str, *, expected: bool) -> None:
    assert covers(wide, narrow, ignore_case=True) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("arn:aws:s3:::x", "arn:*:s3:::*", True),
        ("arn:aws:s3:::x", "arn:*:s3:::*/*", False),
        ("*", "", True),
        ("", "", True),
        ("", "?", False),
        ("*a*b", "b*a", False),
    ],
)
def test_overlap(first: str, second: str, *, expected: bool) -> None:
    assert overlap(first, second) is expected


@pytest.mark.usefixtures("no_hang")
def test_patterns_built_to_explode_end_soon() -> None:
    assert not overlap("*a" * 500 + "b", "*a" * 500 + "c")
    assert overlap("*a" * 5000, "b")  # longer than any ARN: not walked, and so not called impossible
