from __future__ import annotations

from dataclasses import replace

import pytest

from sudo_mcp_guardrails.detection import cases, compiled, selftest
from sudo_mcp_guardrails.detection.cases import Case, Cases, Step
from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.matching.condition import Comparison, Op
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level
from tests.detection.events import called, rule

PUTS = rule("puts", called("PutObject"), Comparison("errorCode", Op.ABSENT))
MANY = Correlation("id", "many", "many", Level.HIGH, ("puts",), Counting.EVENT_COUNT, ("who",), 60, 2)
BOOK = RuleBook((PUTS,), (MANY,))


def steps(*events: tuple[int, dict[str, str]]) -> tuple[Step, ...]:
    return tuple(Step({"eventID": str(at), **event}, None, at) for at, event in events)


def fires(*events: tuple[int, dict[str, str]]) -> Case:
    return Case(f"{len(events)} events, fires", fires=True, steps=steps(*events))


def silent(*events: tuple[int, dict[str, str]]) -> Case:
    return Case(f"{len(events)} events, silent", fires=False, steps=steps(*events))


PUT, GET = {"eventName": "PutObject", "who": "a"}, {"eventName": "GetObject", "who": "a"}
FAILED = {**PUT, "errorCode": "AccessDenied"}
OF_PUTS = Cases("puts", (fires((0, PUT)), silent((0, GET)), silent((0, FAILED))))
OF_MANY = Cases(
    "many",
    (
        fires((0, PUT), (60, PUT)),
        silent((0, PUT), (61, PUT)),
        silent((0, PUT)),
        silent((0, PUT), (5, {**PUT, "who": "b"})),
    ),
    sequences=True,
)
ALL = {"puts": OF_PUTS, "many": OF_MANY}


def test_cases_that_hold_and_catch_every_mutant() -> None:
    report = selftest.run(BOOK, ALL)
    assert report.ok
    assert (report.rules, report.cases, report.failed, report.mutants, report.killed) == (2, 7, 0, 8, 8)


@pytest.mark.parametrize(("index", "survives"), [(1, "eventName equals PutObject"), (2, "errorCode absent")])
def test_a_mutant_survives_without_its_negative(index: int, survives: str) -> None:
    fewer = replace(OF_PUTS, cases=OF_PUTS.cases[:index] + OF_PUTS.cases[index + 1 :])
    report = selftest.run(BOOK, {**ALL, "puts": fewer})
    assert not report.ok
    assert f"{survives} dropped" in [one.what for one in report.survivors]
    assert report.killed == report.mutants - len(report.survivors)


@pytest.mark.parametrize(("index", "survives"), [(1, "window of 61 s"), (2, "count 1"), (3, "group by who dropped")])
def test_a_correlations_mutant_survives_without_its_negative(index: int, survives: str) -> None:
    fewer = replace(OF_MANY, cases=OF_MANY.cases[:index] + OF_MANY.cases[index + 1 :])
    # Whatever is counted alone comes true on every sequence, so a single one is caught by any negative.
    if survives == "count 1":
        fewer = replace(OF_MANY, cases=OF_MANY.cases[:1])
    report = selftest.run(BOOK, {**ALL, "many": fewer})
    assert survives in [one.what for one in report.survivors]


def test_a_case_that_does_not_hold_is_told() -> None:
    wrong = Cases("puts", (*OF_PUTS.cases, silent((0, PUT)), fires((0, GET))))
    told = [one.why for one in selftest.run(BOOK, {**ALL, "puts": wrong}).failures]
    assert told == ["fires on 1 events, silent", "silent on 1 events, fires"]
    late = Cases("many", (*OF_MANY.cases, fires((0, PUT))), sequences=True)
    assert [one.rule for one in selftest.run(BOOK, {**ALL, "many": late}).failures] == ["many"]


@pytest.mark.parametrize(
    ("given", "rule_name"),
    [
        ({"many": OF_MANY}, "puts"),
        ({**ALL, "puts": Cases("puts", OF_PUTS.cases[1:])}, "puts"),
        ({**ALL, "puts": replace(OF_PUTS, sequences=True)}, "puts"),
        ({**ALL, "other": OF_PUTS}, "other"),
    ],
    ids=["none", "negatives alone", "sequences for a rule", "no such rule"],
)
def test_a_rule_needs_cases_and_cases_a_rule(given: dict[str, Cases], rule_name: str) -> None:
    report = selftest.run(BOOK, given)
    assert [one.rule for one in report.failures] == [rule_name]


def test_all_rules_of_the_package_hold() -> None:
    report = selftest.run(compiled.shipped(), cases.shipped())
    assert report.failures == ()
    assert report.survivors == ()
    assert report.rules >= 30
    assert report.mutants > report.cases
