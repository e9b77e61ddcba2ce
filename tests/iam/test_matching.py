"""The matcher against a reference that is slow and obvious."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.matching import action_matches, arn_matches, glob, resource_matches


def reference(pattern: str, value: str) -> bool:
    """By dynamic programming: row i says whether the pattern so far matches the first i characters."""
    row = [True] + [False] * len(value)
    for char in pattern:
        after = [char == "*" and row[0]]
        for i, seen in enumerate(value, start=1):
            after.append(row[i] or after[i - 1] if char == "*" else row[i - 1] and char in {"?", seen})
        row = after
    return row[-1]


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?:/\n[.", max_size=10), st.text("ab:/\n[.", max_size=10))
def test_glob_is_the_reference(pattern: str, value: str) -> None:
    assert glob(pattern)(value) == reference(pattern, value)


@settings(max_examples=200, deadline=None)
@given(st.text("abAB*?", max_size=8), st.text("abAB", max_size=8))
def test_ignoring_case(pattern: str, value: str) -> None:
    assert glob(pattern, ignore_case=True)(value) == reference(pattern.lower(), value.lower())


def test_the_reference_is_no_echo() -> None:
    assert reference("a*b?", "axxbc")
    assert not reference("a*b?", "axxb")
    assert not reference("", "a")


def test_thousands_of_wildcards_stay_quick() -> None:
    """A backtracking matcher would not come back from this within the life of the universe."""
    assert not glob("*a" * 3000 + "b")("a" * 6000)


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("S3:get*", "s3:GetObject", True),
        ("s3:Get", "s3:GetObject", False),
        ("s3:*Object", "s3:GetObject", True),
        ("iam:*", "s3:GetObject", False),
    ],
)
def test_actions(pattern: str, action: str, *, expected: bool) -> None:
    assert action_matches(pattern, action) == expected


def test_arns_compare_part_by_part_and_resources_whole() -> None:
    pattern, arn = "arn:aws:s*:bucket", "arn:aws:s3:::bucket"
    assert resource_matches(pattern, arn)
    assert not arn_matches(pattern, arn)
    assert arn_matches("arn:aws:s3:::*", "arn:aws:s3:::a:b/c")
    assert not arn_matches("arn:aws:s3:::*", "bucket")
    assert not resource_matches("arn:aws:s3:::Bucket", arn)
