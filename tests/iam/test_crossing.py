"""Wildcards that stand for colons, and what is called disjoint for all that."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.crossing import disjoint, runs_across
from sudo_mcp_guardrails.iam.operators import like
from sudo_mcp_guardrails.iam.universe import formats_of
from tests.iam.test_universe import FORMATS, OBJECT, OWN, QUEUE, ROLE, matched, patterns


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(FORMATS[:-1]),
    st.lists(patterns, min_size=1, max_size=2),
    st.lists(patterns, min_size=1, max_size=2),
)
@example(OBJECT, ["arn:aws:s3:::a*"], ["arn:aws:s3:*:*:ab/*"])
@example(ROLE, [f"arn:aws:iam::{OWN}:role/x:ab"], ["arn:aws:iam::*:ab"])
@example(QUEUE, [f"arn:aws:sqs:us:{OWN}:a"], [f"arn:*:us:{OWN}:a", f"arn:aws:*:us:{OWN}:a"])
def test_what_is_called_disjoint_is(arn_format: str, first: list[str], second: list[str]) -> None:
    if disjoint((arn_format,), "aws", tuple(first), tuple(second)):
        one = {arn for pattern in first for arn in matched(arn_format, pattern)}
        other = {arn for pattern in second for arn in matched(arn_format, pattern)}
        assert not one & other


def test_a_star_that_runs_on_is_not_called_disjoint() -> None:
    arn = f"arn:aws:lambda:us:{OWN}:function:app-x"
    pattern = "arn:aws:*:*:function:app-*"
    assert like((pattern,))(arn)
    assert not disjoint(formats_of("lambda:DeleteFunction"), "aws", (arn,), (pattern,))


def test_a_star_that_runs_on_is_not_called_disjoint_in_another_partition() -> None:
    arn, other = f"arn:aws-cn:lambda:cn-north-1:{OWN}:function:app-x", "arn:aws-cn:*:*:function:app-*"
    assert like((other,))(arn)
    assert not disjoint(formats_of("lambda:DeleteFunction"), "aws-cn", (arn,), (other,))


@pytest.mark.parametrize(
    ("arn_format", "pattern", "expected"),
    [
        # A star that stands for the Region's colon, where the rest fits the parts that follow.
        ("arn:${Partition}:dms:${Region}:${Account}:task:*", "arn:aws:dms:eu-west**2222222:*:*", True),
        ("arn:${Partition}:dms:${Region}:${Account}:rep:*", "arn:aws??ms:us-east-1::rep:z", True),
        (
            "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}",
            "arn:*:eu-west-1:1*:log-grou?:x",
            True,
        ),
        ("arn:${Partition}:neptune-graph:${Region}:${Account}:graph/${Id}", "arn:aws:neptune-graph:eu*h/1:*1:*", True),
        ("arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}", "arn:*:lambda:*:function:a-*", True),
        # What fits as it stands, and a name that would hold a type, a service or an account.
        ("arn:${Partition}:lambda:${Region}:${Account}:function:${Name}", "arn:*:lambda:*:*:function:a-*", False),
        ("arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}", "arn:aws:ec2:*:*:vpc/*", False),
        ("arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}", "arn:aws:ec2:*:*:vp?/*", True),
        ("arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", "arn:*:s3:::a*", False),
        ("arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", f"arn:aws:sqs:*:{OWN}:a*", False),
        ("arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", "arn:*:us-east-1:*:a*", True),
    ],
)
def test_what_runs_across(arn_format: str, pattern: str, *, expected: bool) -> None:
    assert runs_across(arn_format, "aws", pattern) is expected


def test_apart() -> None:
    others = ("arn:aws:iam::1:role/b/*", "arn:aws:iam::1:user/*")
    assert disjoint((ROLE,), "aws", ("arn:aws:iam::1:role/a",), others)
    assert not disjoint((ROLE,), "aws", ("arn:aws:iam::1:role/a*",), ("arn:aws:iam::1:role/ab*",))
    assert not disjoint((ROLE,), "aws", ("*",), ("arn:aws:iam::1:role/b/*",))
