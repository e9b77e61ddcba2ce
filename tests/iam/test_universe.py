"""What an action can be about; every short cut is checked against ARNs that are written out."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.automaton import literal, representatives
from sudo_mcp_guardrails.iam.crossing import runs_on
from sudo_mcp_guardrails.iam.operators import WILD, like
from sudo_mcp_guardrails.iam.universe import (
    ANYTHING,
    NOTHING_NAMED,
    any_may_meet,
    covers,
    formats_of,
    may_meet,
    relevant,
    tokens,
    universes,
)

OWN, OTHER = "111111111111", "222222222222"
QUEUE = "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"
BUCKET = "arn:${Partition}:s3:::${BucketName}"
OBJECT = "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
ROLE = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"
FORMATS = (QUEUE, BUCKET, OBJECT, ROLE, NOTHING_NAMED, ANYTHING)
ARNS = {
    QUEUE: tuple(
        f"arn:aws:sqs:{region}:{account}:{name}"
        for region in ("us", "eu")
        for account in (OWN, OTHER)
        for name in ("a", "ab", "ba")
    ),
    BUCKET: tuple(f"arn:aws:s3:::{name}" for name in ("a", "ab", "ba")),
    OBJECT: tuple(f"arn:aws:s3:::{bucket}/{key}" for bucket in ("a", "ba") for key in ("a", "b/a", "a:b", "x:ab/a")),
    ROLE: tuple(
        f"arn:aws:iam::{account}:role/{name}" for account in (OWN, OTHER, "aws") for name in ("a", "b/a", "x:ab")
    ),
    NOTHING_NAMED: ("*",),
}
ARNS[ANYTHING] = tuple(arn for arns in ARNS.values() for arn in arns)

patterns = st.one_of(
    st.sampled_from(
        ("*", "**", "?", "arn:*", "arn:aws:s3:::*", "arn:aws:iam::*", "*:role/*", f"{WILD['*']}", f"{WILD['*']}*")
    ),
    st.builds(
        "arn:{}:{}:{}:{}:{}".format,
        st.sampled_from(("aws", "*", "a?s", "aws-cn")),
        st.sampled_from(("sqs", "s3", "iam", "*", "s*")),
        st.sampled_from(("us", "*", "", "?u")),
        st.sampled_from((OWN, "*", "", "1*", "aws")),
        st.one_of(st.text("ab*?/:", max_size=4), st.sampled_from(("role/*", "role/a", "role*", "ro?e/b*"))),
    ),
)


def matched(arn_format: str, pattern: str) -> set[str]:
    """Return the ARNs of a format that a pattern matches."""
    test = like((pattern,))
    return {arn for arn in ARNS[arn_format] if test(arn)}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), patterns)
@example(NOTHING_NAMED, f"{WILD['*']}*")
def test_what_may_not_meet_does_not(arn_format: str, pattern: str) -> None:
    if matched(arn_format, pattern):
        assert may_meet(arn_format, "aws", pattern)
    if covers(arn_format, "aws", pattern):
        assert matched(arn_format, pattern) == set(ARNS[arn_format])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FORMATS[:-1]), min_size=1, max_size=2), st.lists(patterns, max_size=3))
def test_what_is_left_out_does_not_matter(formats: list[str], wanted: list[str]) -> None:
    left = relevant(tuple(wanted), tuple(formats), "aws")
    for arn_format in formats:
        before = {arn for pattern in wanted for arn in matched(arn_format, pattern)}
        assert {arn for pattern in left for arn in matched(arn_format, pattern)} == before
    assert any_may_meet(tuple(formats), "aws", tuple(wanted)) or not left


class TestShortCutsAreTaken:
    """They would be right and useless if they never decided."""

    def test_other_services(self) -> None:
        assert not may_meet(QUEUE, "aws", "arn:aws:s3:::*")
        assert not may_meet(BUCKET, "aws", "arn:aws:s3")
        assert not may_meet(NOTHING_NAMED, "aws", "arn:aws:*")

    def test_partitions(self) -> None:
        assert not may_meet(QUEUE, "aws", "arn:aws-cn:sqs:*:*:*")
        assert may_meet(QUEUE, "aws-cn", "arn:aws-cn:sqs:*:*:*")

    def test_whole_formats(self) -> None:
        assert covers(OBJECT, "aws", "arn:aws:s3:::*")
        assert covers(ROLE, "aws", "arn:aws:iam::*:role/*")
        assert not covers(ROLE, "aws", f"arn:aws:iam::{OWN}:role/*")
        assert relevant(("arn:aws:s3:::*", "arn:aws:s3:::a"), (BUCKET, OBJECT), "aws") == ("*",)
        assert relevant(("arn:aws:sqs:*", "arn:aws:s3:::a"), (BUCKET,), "aws") == ("arn:aws:s3:::a",)


@pytest.mark.parametrize("arn_format", FORMATS)
def test_tokens_are_the_format(arn_format: str) -> None:
    for arn in ARNS[arn_format]:
        assert arn in representatives(universes(arn_format, "aws"), (literal(arn),))


@pytest.mark.parametrize(
    ("arn_format", "other"),
    [
        (QUEUE, "arn:aws:sqs:us:11111111111:a"),
        (QUEUE, f"arn:aws:sqs:us:{OWN}:"),
        (QUEUE, f"arn:aws:sqs:u/s:{OWN}:a"),
        (QUEUE, f"arn:aws-cn:sqs:us:{OWN}:a"),
        (BUCKET, "arn:aws:s3:::a/b"),
        (NOTHING_NAMED, "**"),
    ],
)
def test_what_is_not_of_the_format(arn_format: str, other: str) -> None:
    found = representatives((tokens(arn_format, "aws"),), (literal(other),))
    assert found
    assert other not in found


class TestActions:
    def test_formats(self) -> None:
        assert formats_of("sqs:SendMessage") == formats_of("SQS:sendmessage") == (QUEUE,)
        assert formats_of("sqs:ListQueues") == (NOTHING_NAMED,)

    def test_an_unknown_action_can_be_about_anything(self) -> None:
        assert formats_of("sqs:Unheard") == formats_of("new-service:Do") == (ANYTHING,)

    def test_every_format_is_one(self) -> None:
        # Several formats in one string would be one that no resource has.
        for action in ("apigateway:POST", "s3:GetObject", "ec2:RunInstances", "lambda:DeleteFunction", "iam:PassRole"):
            assert all(f == NOTHING_NAMED or re.fullmatch(r"arn:[^\s,]+", f) for f in formats_of(action))

    def test_what_runs_on(self) -> None:
        assert runs_on("arn:aws:iam::*:role/a")
        assert not runs_on("arn:aws:iam::1:role/*")
