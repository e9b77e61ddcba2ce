from __future__ import annotations

import pytest

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.sentence import MAX_SENTENCE, MAX_VALUE, check_sentence, filled

EVENT = {"a": "x", "b": {"c": [1, 2, 3, 4, 5, 6]}, "long": "y" * 999, "bad": "l\n\u202er\x1b[31m", "yes": True}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("plain", "plain"),
        ("{a} and {b.c}", "x and 1, 2, 3, 4, 5"),
        ("{missing}", "(none)"),
        ("{missing|b.missing|a}", "x"),
        ("{bad}", "l  r [31m"),
        ("{yes}", "true"),
        ("{count} of {a}", "7 of x"),
    ],
)
def test_fields_are_filled_in(sentence: str, expected: str) -> None:
    assert filled(check_sentence(sentence), EVENT, {"count": 7}) == expected


def test_values_are_cut_and_never_read_as_fields() -> None:
    assert len(filled("{long}", EVENT)) == MAX_VALUE
    assert filled("{a}", {"a": "{b}", "b": "secret"}) == "{b}"


@pytest.mark.parametrize("sentence", ["{", "}", "{a b}", "{}", "x" * (MAX_SENTENCE + 1), 5, None])
def test_a_sentence_that_cannot_be_filled_is_refused(sentence: object) -> None:
    with pytest.raises(RuleError):
        check_sentence(sentence)
