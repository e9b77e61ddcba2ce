"""Rules are reduced by what is known of an agent, too; nothing that they say changes by it."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.cases import shipped as shipped_cases
from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.condition import All, Comparison, Not, Op
from sudo_mcp_guardrails.detection.matching.specialise import specialised
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from tests.detection.events import called, document, rule

OUTSIDE = Comparison("agent.outside", Op.EQUALS, ("region",))
NAMED = Not(Comparison("agent.name", Op.ABSENT))


def test_all_rules_say_the_same_of_all_cases_as_one_by_one() -> None:
    rules = shipped().rules
    together = Ruleset(rules)
    tests = [(one, matcher(one.condition)) for one in rules]
    steps = [step for cases in shipped_cases().values() for case in cases.cases for step in case.steps[:3]]
    assert len(steps) > 900
    for step in steps:
        found = {one.name for one in together.matching(step.event, step.agent)}
        assert found == {one.name for one, test in tests if test(step.document)}


def test_a_list_of_facts_is_met_by_one_of_it() -> None:
    assert specialised(OUTSIDE, {"agent.outside": ("hours", "region")}) is True
    assert specialised(OUTSIDE, {"agent.outside": ("hours",)}) is False
    assert specialised(OUTSIDE, {"agent.outside": None}) is False


def test_a_fact_that_is_there_is_not_absent() -> None:
    assert specialised(NAMED, {}, None, ("agent.name",)) is True
    assert specialised(NAMED, {"agent.name": None}) is False
    other = Comparison("agent.name", Op.EQUALS, ("ci-bot",))
    assert specialised(All((other, NAMED)), {}, None, ("agent.name",)) == other


@pytest.mark.parametrize("outside", [{"region": 1}, [["region"]], [1], 1, []])
def test_facts_of_another_form_are_asked_one_by_one(outside: Any) -> None:
    rules = Ruleset([rule("o", OUTSIDE), rule("put", called("PutBucketPolicy"))])
    facts = {"by": "x", "outside": outside}
    fired = {one.name for one in rules.matching(document(), facts)}
    assert fired == ({"o", "put"} if outside == [["region"]] else {"put"})


def test_agents_with_different_facts_are_told_apart() -> None:
    rules = Ruleset([rule("o", OUTSIDE), rule("n", NAMED)])
    for facts, fired in (
        ({"by": "x", "name": "a"}, ["n"]),
        ({"by": "x", "outside": ["region"]}, ["o"]),
        ({"by": "x", "outside": ["hours"], "name": "b"}, ["n"]),
        ({"by": "x", "outside": ["hours", "region"], "name": "b"}, ["o", "n"]),
        ({"by": "x"}, []),
    ):
        assert [one.name for one in rules.matching(document(), facts)] == fired
