from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection import ruleset
from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.condition import AnyOf, Comparison, Not, Op
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from tests.detection.events import attributed, called, document, rule

FAILED = Not(Comparison("errorCode", Op.ABSENT))
RULES = (
    rule("puts", called("PutBucketPolicy")),
    rule("denied", called("Put*", Op.LIKE), FAILED),
    rule("public", called("PutBucketPolicy"), Comparison("requestParameters.policy", Op.LIKE, ("*public*",))),
    rule("any_agent", Not(Comparison("agent.name", Op.ABSENT))),
    rule("no_agent", Comparison("agent.name", Op.ABSENT), called("Nothing")),
    rule("keyword", Comparison("", Op.LIKE, ("*needle*",))),
    rule("either", AnyOf((called("GetObject"), Comparison("userAgent", Op.EQUALS, ("x",))))),
)


def _names(rules: Any) -> set[str]:
    return {one.name for one in rules}


def test_the_rules_that_fire_are_told() -> None:
    rules = Ruleset(RULES)
    assert _names(rules.matching(document())) == {"puts"}
    assert _names(rules.matching(document(errorCode="AccessDenied"))) == {"puts", "denied"}
    assert _names(rules.matching(document(requestParameters={"policy": "Public"}))) == {"puts", "public"}
    assert _names(rules.matching(document(eventName="Nothing"))) == {"no_agent"}
    assert _names(rules.matching(document(eventName="Nothing"), {"name": "a"})) == {"any_agent"}
    assert _names(rules.matching(document(eventName="X", note=["a needle"]))) == {"keyword"}


def test_the_event_that_the_reader_hands_on_gives_the_same() -> None:
    rules = Ruleset(RULES)
    for fields in ({}, {"errorCode": "x"}, {"requestParameters": {"policy": "public"}}, {"eventName": "GetObject"}):
        for agent in (None, {"name": "a"}):
            found = attributed(**fields)
            fired, seen = rules.matching_event(found.event, agent)
            assert _names(fired) == _names(rules.matching(document(**fields), agent))
            assert bool(fired) is bool(seen)


@pytest.mark.parametrize("field", ["eventName", "eventSource", "eventType", "errorCode", "userIdentity"])
@pytest.mark.parametrize("value", [["PutBucketPolicy"], {"a": 1}, 5, True, None])
def test_what_is_no_text_is_looked_at_all_the_same(field: str, value: object) -> None:
    event = document(**{field: value})
    expected = {one.name for one in RULES if matcher(one.condition)(event)}
    assert _names(Ruleset(RULES).matching(event)) == expected


texts = st.sampled_from(["PutBucketPolicy", "putbucketpolicy", "GetObject", "Nothing", "", None])


@given(name=texts, error=texts, agent=st.sampled_from([None, {"name": "a"}, {}]), program=texts)
def test_reducing_the_rules_changes_nothing(
    name: str | None, error: str | None, agent: dict[str, str] | None, program: str | None
) -> None:
    event = document(eventName=name, errorCode=error, userAgent=program)
    whole = event if agent is None else {**event, "agent": agent}
    expected = {one.name for one in RULES if matcher(one.condition)(whole)}
    rules = Ruleset(RULES)
    assert _names(rules.matching(event, agent)) == expected
    assert _names(rules.matching(event, agent)) == expected


def test_combinations_beyond_those_remembered_are_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruleset, "MAX_COMBINATIONS", 3)
    rules = Ruleset(RULES)
    for index in range(20):
        assert _names(rules.matching(document(eventName=f"Put{index}", errorCode="x"))) == {"denied"}
        assert _names(rules.matching_event(attributed(eventName=f"Put{index}", errorCode="x").event)[0]) == {"denied"}
    assert len(rules._reduced) == 3


def test_a_name_or_an_id_occurs_once() -> None:
    with pytest.raises(RuleError, match="rule name 'a' occurs twice"):
        Ruleset([rule("a", called("x")), rule("a", called("y"))])


def test_an_event_without_the_fields_that_are_left_is_never_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Ruleset([rule("public", Comparison("requestParameters.policy", Op.LIKE, ("*public*",)))])
    assert _names(rules.matching_event(attributed(requestParameters={"policy": "public"}).event)[0]) == {"public"}

    def parsed(_: object) -> dict[str, Any]:
        raise AssertionError("parsed")

    monkeypatch.setattr("sudo_mcp_guardrails.trail.event.Event.document", parsed)
    assert rules.matching_event(attributed(requestParameters={"other": "public"}).event)[0] == ()
    # A name that is written with JSON's escapes is found all the same.
    with pytest.raises(AssertionError, match="parsed"):
        rules.matching_event(attributed(requestParameters={"pol\u00efcy": "public"}).event)
