from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.detection.compiled import dumps, loads, shipped
from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.rule import Counting, Level, Source
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from sudo_mcp_guardrails.detection.sigma import read_directory, read_rules

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
title: A rule
id: 5d7c2f50-0000-4000-8000-000000000001
name: a_rule
status: test
logsource: {product: aws, service: cloudtrail}
level: high
tags: [attack.t1562.008]
"""
CORRELATION = """---
title: Many
id: 5d7c2f50-0000-4000-8000-000000000002
name: many
level: medium
correlation:
  type: value_count
  rules: [a_rule]
  group-by: [userIdentity.arn]
  timespan: 5m
  condition: {gt: 9, field: requestParameters.secretId}
"""


def _fires(selection: str, event: dict[str, object], condition: str = "sel") -> bool:
    book = read_rules(f"{HEAD}detection:\n  sel: {selection}\n  condition: {condition}\n", "x.yml")
    (again,) = loads(dumps(book)).rules
    assert again == book.rules[0]
    return bool(Ruleset([again]).matching(event))


@pytest.mark.parametrize(
    ("selection", "event", "expected"),
    [
        ("{eventName: [GetX, PutX]}", {"eventName": "putx"}, True),
        ("{eventName|startswith: [Get, Put]}", {"eventName": "DeleteX"}, False),
        ("{a|contains|all: [x, y]}", {"a": "y and x"}, True),
        ("{a|contains|all: [x, y]}", {"a": "x"}, False),
        ("{a|endswith: '*'}", {"a": "star*"}, True),
        (r"{a: 'one\*'}", {"a": "one*"}, True),
        (r"{a: 'one\*'}", {"a": "one two"}, False),
        ("{a|cased: Foo}", {"a": "foo"}, False),
        ("{a|re: '^f.o$'}", {"a": "foo"}, True),
        ("{a|re|i: '^F.O$'}", {"a": "foo"}, True),
        ("{a|cidr: 10.0.0.0/8}", {"a": "10.1.2.3"}, True),
        ("{a|gte: 5}", {"a": 5}, True),
        ("{a|lt: 5}", {"a": 5}, False),
        ("{a: null}", {}, True),
        ("{a|exists: true}", {"a": 1}, True),
        ("{a|exists: false}", {"a": 1}, False),
        ("{a|fieldref: b}", {"a": "x", "b": "X"}, True),
        ("{a: false}", {"a": "false"}, True),
        ("{a: 5}", {"a": "5"}, True),
        ("[needle, other]", {"a": {"b": "the Needle"}}, True),
        ("[{a: 1}, {b: 2}]", {"b": 2}, True),
    ],
)
def test_sigma_says_what_it_means(selection: str, event: dict[str, object], expected: bool) -> None:  # noqa: FBT001
    assert _fires(selection, event) is expected


def test_conditions_join_selections() -> None:
    text = f"""{HEAD}detection:
  sel: {{eventName: X}}
  filter_main: {{errorCode|exists: true}}
  filter_more: {{userAgent: y}}
  condition: sel and not 1 of filter_*
"""
    (rule,) = read_rules(text, "x.yml").rules
    rules = Ruleset([rule])
    assert rules.matching({"eventName": "X"})
    assert not rules.matching({"eventName": "X", "errorCode": "z"})
    assert not rules.matching({"eventName": "X", "userAgent": "y"})
    assert (rule.level, rule.tags, rule.source, rule.contains) == (
        Level.HIGH,
        ("attack.t1562.008",),
        Source.RULE,
        False,
    )


def test_what_is_ours_beside_sigma() -> None:
    own = "sentence: '{userIdentity.arn} did it'\nlayer: invariant\ncontains: true\n"
    (rule,) = read_rules(f"{HEAD}{own}detection: {{sel: {{a: b}}, condition: sel}}\n", "x.yml").rules
    assert (rule.sentence, rule.source, rule.contains) == ("{userIdentity.arn} did it", Source.INVARIANT, True)


def test_a_correlation() -> None:
    book = read_rules(f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}\n{CORRELATION}", "x.yml")
    (one,) = book.correlations
    assert (one.counting, one.count, one.seconds) == (Counting.VALUE_COUNT, 10, 300)
    assert (one.rules, one.group_by, one.field) == (("a_rule",), ("userIdentity.arn",), "requestParameters.secretId")
    assert loads(dumps(book)) == book


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no rules|does not parse|no rule"),
        ("a: [", "does not parse"),
        ("just text", "does not parse"),
        ("title: x\n", "log source"),
        (f"{HEAD}detection: {{sel: {{a|nosuch: b}}, condition: sel}}", "rule 'A rule' in x.yml"),
        (f"{HEAD}detection: {{sel: {{a: b}}, condition: other}}", "rule 'A rule' in x.yml"),
        (f"{HEAD}detection: {{sel: {{a: b}}, condition: [sel, sel]}}", "2 conditions"),
        (f"{HEAD}detection: {{sel: {{a|re: '(a+)+'}}, condition: sel}}", "may be tried too often"),
        (f"{HEAD}detection: {{sel: {{a|expand: '%x%'}}, condition: sel}}", "placeholder"),
        (f"{HEAD}layer: magic\ndetection: {{sel: {{a: b}}, condition: sel}}", "layer 'magic'"),
        (f"{HEAD}contains: maybe\ndetection: {{sel: {{a: b}}, condition: sel}}", "contains 'maybe'"),
        (f"{HEAD}sentence: '{{a b}}'\ndetection: {{sel: {{a: b}}, condition: sel}}", "brace"),
        (
            f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}".replace("cloudtrail", "s3"),
            "log source 'aws', 's3'",
        ),
        (f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}".replace("level: high\n", ""), "level is missing"),
        (f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}".replace("name: a_rule\n", ""), "id, name and title"),
        (
            f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}\n{CORRELATION}".replace("gt: 9", "lt: 9"),
            "condition 'LT'",
        ),
        (
            f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}\n{CORRELATION}".replace("5m", "90d"),
            "timespan",
        ),
        (
            f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}\n{CORRELATION}".replace("gt: 9", "gt: 99999"),
            "count 100000",
        ),
        (CORRELATION.removeprefix("---"), "a_rule"),
        ("a: &x [1]\nb: [*x, *x]\n", "refers back"),
        ("title: x\nfilter: {}\n", "log source"),
        (f"{HEAD}detection: 5", "valid YAML map"),
        (f"{HEAD}detection: {{sel: 5}}", "rule 'A rule' in x.yml"),
        (f"{HEAD}detection: {{sel: {{a|base64offset|contains: {{}}}}, condition: sel}}", "rule 'A rule' in x.yml"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        read_rules(text, "x.yml")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="holds no rules"):
        read_directory(tmp_path)
    rule = f"{HEAD}detection: {{sel: {{a: b}}, condition: sel}}\n"
    (tmp_path / "b.yml").write_text(CORRELATION.removeprefix("---\n"))
    (tmp_path / "a.yml").write_text(rule)
    book = read_directory(tmp_path)
    assert (len(book.rules), len(book.correlations)) == (1, 1)
    (tmp_path / "c.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleError, match=r"c\.yml cannot be read"):
        read_directory(tmp_path)


def test_the_rules_that_come_with_the_package_are_what_their_sources_say() -> None:
    from sudo_mcp_guardrails.detection.sigma import __main__ as compiling

    sources = read_directory(compiling._ROOM / "rules")
    assert dumps(shipped()) == dumps(sources), "run python -m sudo_mcp_guardrails.detection.sigma"
    assert len(sources.rules) + len(sources.correlations) >= 30
