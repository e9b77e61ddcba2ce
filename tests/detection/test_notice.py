"""Texts of findings: what each service may be sent, whatever an event has in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from sudo_mcp_guardrails.detection.asff import MAX_TEXT as MAX_ASFF
from sudo_mcp_guardrails.detection.asff import to_asff
from sudo_mcp_guardrails.detection.notice import MAX_BLOCK, MAX_LINE, MAX_TEXT, notice, plain
from sudo_mcp_guardrails.detection.rule import Level
from tests.detection.test_finding import _alert, _finding

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def texts(sentence: str, title: str = "A title", level: Level = Level.HIGH) -> dict[str, str]:
    return notice(_finding(replace(_alert(), sentence=sentence, title=title, level=level)))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.CRITICAL, ("critical", "Highest", "1", "1")),
        (Level.HIGH, ("error", "High", "1", "2")),
        (Level.MEDIUM, ("warning", "Medium", "2", "2")),
        (Level.LOW, ("info", "Low", "3", "3")),
        (Level.INFORMATIONAL, ("info", "Low", "3", "3")),
    ],
)
def test_how_grave_it_is_in_each_service_s_words(level: Level, expected: tuple[str, ...]) -> None:
    found = texts("s", level=level)
    names = ("pager_duty_severity", "jira_priority", "service_now_urgency", "service_now_impact")
    assert tuple(found[name] for name in names) == expected


def test_what_is_too_long_is_cut_and_an_entity_is_not() -> None:
    found = texts("&<>" * 5000, "t" * 500)
    assert (len(found["line"]), len(found["text"])) == (MAX_LINE, MAX_TEXT)
    slack = found["slack"]
    assert MAX_BLOCK - 5 <= len(slack) <= MAX_BLOCK
    assert slack.endswith(("&amp;…", "&lt;…", "&gt;…"))
    short = texts("&" * 500)["slack"]
    assert "&amp;" * 500 in short
    assert "…" not in short


@pytest.mark.parametrize("text", ["", " \n\t ", "\u202e\u200b", "\ud800"])
def test_no_text_is_empty(text: str) -> None:
    assert plain(text, 10) == "(none)"
    found = texts(text, title=text)
    assert all(found.values())


def test_what_turns_hides_or_breaks_a_line_is_taken_out() -> None:
    found = texts("a\r\nb\u202ec\u200bd\u2028e\x1bf\ud83d")
    assert found["text"].startswith("a b c d e f")
    found["text"].encode()  # half a character would not be Unicode


def test_a_finding_for_security_hub_is_never_blank() -> None:
    alert = replace(_alert(eventTime="yesterday"), sentence="\n", title="A\nb")
    found = to_asff(_finding(alert), account="999999999999", region="eu-west-1", partition="aws", now=NOW)
    assert (found["Title"], found["Description"]) == ("A b", "(none)")
    assert found["CreatedAt"] == found["LastObservedAt"] == found["UpdatedAt"]
    long = to_asff(
        _finding(replace(alert, sentence="x" * 5000)), account="9" * 12, region="r", partition="aws", now=NOW
    )
    assert len(long["Description"]) == MAX_ASFF


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("attack.t1537", "Effects/Data Exfiltration"),
        ("attack.t1485", "Effects/Data Destruction"),
        ("attack.t1098.001", "TTPs/Privilege Escalation"),
        ("attack.t9999", "Unusual Behaviors/User"),
    ],
)
def test_types_are_those_of_the_taxonomy(tag: str, expected: str) -> None:
    alert = replace(_alert(), tags=(tag,))
    found = to_asff(_finding(alert), account="999999999999", region="eu-west-1", partition="aws", now=NOW)
    assert found["Types"] == [expected]
