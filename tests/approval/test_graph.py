"""The graph of a plan: its edges, and what breaks with what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.graph import Graph, touched
from tests.approval.risky import call, made, plan, updated

NAMES = ("A", "B", "C", "D", "E", "F")


def closure(edges: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        for each in edges.get(left.pop(), set()):
            if each not in found:
                found.add(each)
                left.append(each)
    return found


@pytest.mark.parametrize(
    "value",
    [
        {"X": {"Ref": "A"}},
        {"X": {"Fn::GetAtt": ["A", "Arn"]}},
        {"X": {"Fn::GetAtt": "A.Arn"}},
        {"X": [{"Y": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${A}/*"}}]},
        {"X": {"Fn::Sub": ["${A.Arn}", {}]}},
        {"X": "bot-bucket"},
        {"X": {"Fn::Join": ["", ["x", {"Ref": "A"}]]}},
    ],
    ids=["ref", "get-att", "get-att as text", "sub", "sub with values", "name", "join"],
)
def test_a_reference_is_an_edge(value: dict[str, Any]) -> None:
    graph = Graph(
        plan(made("AWS::S3::Bucket", id="A", physical_id="bot-bucket"), made("AWS::SQS::Queue", value, id="B"))
    )
    assert graph.needed_by == {"A": ("B",), "B": ()}


@pytest.mark.parametrize("value", [{"X": "A"}, {"Ref": "A", "Y": 1}, {"X": {"Ref": "B"}}, {"X": {"Fn::Sub": "${!A}"}}])
def test_what_is_no_reference_is_no_edge(value: dict[str, Any]) -> None:
    graph = Graph(plan(made("AWS::S3::Bucket", id="A"), made("AWS::SQS::Queue", value, id="B")))
    assert graph.needed_by["A"] == ()


def test_what_depends_on_something_says_so_in_a_template_and_in_a_change_set() -> None:
    for options in ({"DependsOn": ["A"]}, {"DependsOn": "A"}, {"AfterAttributes": {"DependsOn": "A"}}):
        graph = Graph(plan(made("AWS::S3::Bucket", id="A"), made("AWS::SQS::Queue", id="B", options=options)))
        assert graph.needed_by["A"] == ("B",)


def test_a_nested_stacks_names_are_its_own() -> None:
    inner = made("AWS::SQS::Queue", {"X": {"Ref": "A"}}, id="Nested/B")
    graph = Graph(plan(made("AWS::S3::Bucket", id="A"), made("AWS::S3::Bucket", id="Nested/A"), inner))
    assert graph.needed_by["A"] == ()
    assert graph.needed_by["Nested/A"] == ("Nested/B",)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=4)))
def test_dependents_are_those_of_a_plain_search(edges: dict[str, set[str]]) -> None:
    changes = [updated("AWS::SQS::Queue", {}, {}, id=each, dependent=tuple(edges.get(each, ()))) for each in NAMES]
    graph = Graph(plan(*changes))
    assert graph.complete
    for each in NAMES:
        found = closure(edges, each)
        assert graph.dependents([each]) == found - {each}
        assert graph.counts[each] == len(found | {each}) - 1
    assert graph.dependents(NAMES[:2]) == (closure(edges, "A") | closure(edges, "B")) - {"A", "B"}


def test_a_chain_of_ten_thousand_is_counted() -> None:
    changes = [updated("AWS::SQS::Queue", {}, {"X": {"Ref": f"Q{n - 1}"}}, id=f"Q{n}") for n in range(10_000)]
    graph = Graph(plan(*changes))
    assert graph.counts["Q0"] == 9_999
    assert graph.counts["Q9999"] == 0


def test_what_two_plans_touch_in_common() -> None:
    queue = "arn:aws:sqs:eu-central-1:111111111111:bot-q"
    one, other = call("sqs:SendMessage", queue), call("sqs:PurgeQueue", queue)
    assert touched(plan(one, target="")) == touched(plan(other, target="")) == {f"arn {queue}"}
    objects = [touched(plan(call("s3:PutObject", f"arn:aws:s3:::bot-x/{key}"), target="")) for key in "ab"]
    assert objects[0] == objects[1]
    assert touched(plan(made("AWS::SQS::Queue"))) & touched(plan(made("AWS::SNS::Topic", id="Other")))
    assert not touched(plan(made("AWS::SQS::Queue"))) & touched(plan(made("AWS::SQS::Queue"), target="bot-other"))
    assert not touched(plan(made("AWS::SQS::Queue"))) & touched(plan(made("AWS::SQS::Queue"), region="us-east-1"))
    assert touched(plan(call("ec2:RunInstances", "*"), target="")) == frozenset()
