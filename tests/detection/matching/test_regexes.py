from __future__ import annotations

import pytest

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.regexes import MAX_EXPRESSION, MAX_TEXT, finder, safe_regex


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+b",
        "(a*)*",
        "(a|a)*b",
        "(a|ab)+c",
        "(a?){40}b",
        "((a{1,9}){1,9}){1,9}b",
        "a.*b.*c",
        "^.*a.*b.*c",
        r"(a)\1",
        "(?:(?:a+)b?)+",
        "(?=a+)(?=a+)a+",
        "a?" * 30 + "a" * 30,
    ],
)
def test_an_expression_that_may_take_too_long_is_refused(expression: str) -> None:
    with pytest.raises(RuleError, match="may be tried too often"):
        safe_regex(expression)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("ab.*c", "xxabyyc"),
        ("^a.*b.*c$", "a1b2c"),
        ("(?i)Foo|bar", "a FOO"),
        (r"\d{12}", "account 123456789012"),
        ("[a-z]{1,10}-[0-9]+", "abc-123"),
    ],
)
def test_what_rules_need_is_allowed(expression: str, text: str) -> None:
    assert finder(expression)(text)
    assert not finder(expression)("")


@pytest.mark.parametrize("expression", ["(", "a**", "[z-a]", "(?P<n>a)(?P<n>b)"])
def test_what_does_not_parse_is_refused(expression: str) -> None:
    with pytest.raises(RuleError, match="does not parse"):
        safe_regex(expression)


def test_a_long_expression_is_refused() -> None:
    with pytest.raises(RuleError, match=f"allowed: {MAX_EXPRESSION} at most"):
        safe_regex("a" * (MAX_EXPRESSION + 1))


def test_of_a_long_text_the_beginning_and_the_end_are_looked_through() -> None:
    found = finder("needle")
    assert found("needle" + "x" * 5 * MAX_TEXT)
    assert found("x" * 5 * MAX_TEXT + "needle")


def test_an_anchor_under_multiline_begins_at_every_line() -> None:
    with pytest.raises(RuleError, match="may be tried too often"):
        safe_regex("(?m)^a.*b.*c")
