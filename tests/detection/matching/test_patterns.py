from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.matching.patterns import like


@given(pattern=st.text("ab*?", max_size=8), text=st.text("ab", max_size=10))
def test_a_pattern_fits_as_the_regular_expression_of_the_same_meaning(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern.replace("*", ".*").replace("?", "."), text) is not None
    assert like(pattern)(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        (r"a\?b", "a?b", True),
        (r"a\?b", "axb", False),
        (r"a\\*", "a\\x", True),
        (r"a\b", r"a\b", True),
        (r"*\*", "x*", True),
        (r"*\*", "x", False),
        ("", "", True),
        ("", "x", False),
        ("**", "anything", True),
        ("ab*ba", "aba", False),
    ],
)
def test_signs_can_be_taken_literally(pattern: str, text: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert like(pattern)(text) is fits


@pytest.mark.parametrize("pattern", ["*a*a*a*a*a*a*a*b", "*a?a*a?a*a?a*b"])
def test_no_text_makes_a_pattern_slow(pattern: str) -> None:
    # A regular expression of the same meaning would take longer than anybody waits; no time is asserted.
    started = time.monotonic()
    assert like(pattern)("a" * 4000) is False
    assert time.monotonic() >= started
