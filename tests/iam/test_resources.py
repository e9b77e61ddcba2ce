"""Resources against brute force: every combination of patterns that an ARN of the format has is found."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.operators import like
from sudo_mcp_guardrails.iam.resources import MAX_COMBINATIONS, classified, resources
from sudo_mcp_guardrails.iam.universe import ANYTHING, NOTHING_NAMED

OWN, OTHER = "111111111111", "222222222222"
QUEUE = "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"
BUCKET = "arn:${Partition}:s3:::${BucketName}"
OBJECT = "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
ROLE = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"
SNAPSHOT = "arn:${Partition}:rds:${Region}:${Account}:snapshot:${SnapshotName}"
SHORT = tuple("".join(chars) for length in (1, 2, 3) for chars in product("abc", repeat=length))
FILLINGS = {
    "Partition": ("aws",),
    "Region": ("us", "eu"),
    "Account": (OWN, OTHER, "3" * 12),
    "QueueName": SHORT,
    "BucketName": SHORT,
    # Who makes these may write what is in them.
    "ObjectName": (*SHORT, "a:b", "/a", "x:a/b", ":c"),
    "RoleNameWithPath": (*SHORT, "a/b", "b/a", "x:role/a/b", "a:b/c"),
    "SnapshotName": (*SHORT, "rds:a", "rds:b-2026-11-23-04-05"),
}


def filled(arn_format: str) -> tuple[str, ...]:
    """Return ARNs of a format."""
    pieces = re.split(r"\$\{(\w+)\}", arn_format)
    options = [FILLINGS[piece] if number % 2 else (piece,) for number, piece in enumerate(pieces)]
    return tuple(map("".join, product(*options)))


ARNS = {arn_format: filled(arn_format) for arn_format in (QUEUE, BUCKET, OBJECT, ROLE, SNAPSHOT)}


def account_of(arn: str) -> str:
    return arn.split(":")[4]


def check(arn_format: str, patterns: list[str], accounts: tuple[str, ...] = ()) -> None:
    """Every combination of patterns and account that an ARN of the format has is among those found."""
    tests = [like((pattern,)) for pattern in patterns]
    try:
        found = resources((arn_format,), "aws", tuple(patterns), accounts)
    except CapError:
        reject()  # too many ways for wildcards to run on; it says so, and that is not what is tested here

    def classes(arns: tuple[str, ...]) -> set[tuple[object, ...]]:
        return {(*(test(arn) for test in tests), *(account_of(arn) == account for account in accounts)) for arn in arns}

    assert classes(ARNS[arn_format]) <= classes(found)
    beginning = arn_format.replace("${Partition}", "aws").split("${", 1)[0]
    assert all(arn.startswith(beginning) for arn in found)


lasts = st.text("abc*?/", max_size=4)
queues = st.builds(
    "arn:{}:{}:{}:{}:{}".format,
    st.sampled_from(("aws", "*", "aws-cn", "a?s")),
    st.sampled_from(("sqs", "*", "s*", "sns")),
    st.sampled_from(("us", "*", "e*", "")),
    st.sampled_from((OWN, "*", f"{OWN[:5]}*", "?" * 12, "")),
    lasts,
)
buckets = st.one_of(
    st.builds("arn:aws:s3:::{}".format, lasts),
    st.builds("arn:aws:s3:::{}/{}".format, st.text("ab*", max_size=2), st.text("ab*/:", max_size=3)),
    st.sampled_from(("*", "arn:*", "arn:aws:s3:*:*:a/*", "arn:*:s3:::a*", "arn:aws:s3:::", "arn:aws:s3:*:a/b")),
)
roles = st.builds(
    "arn:aws:iam::{}:{}".format,
    st.sampled_from((OWN, "*", OTHER)),
    st.one_of(st.text("ab/*", max_size=3).map("role/{}".format), st.sampled_from(("*", "user/*", "role*", "r?le/*"))),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(queues, max_size=4), st.sampled_from(((), (OWN,), (OTHER, OWN))))
@example([f"arn:aws:sqs:*:{OWN}:a*", f"arn:aws:sqs:us:{OTHER}:*", "arn:*:sqs:*:*:ab"], (OWN, OTHER))
def test_queues(patterns: list[str], accounts: tuple[str, ...]) -> None:
    check(QUEUE, patterns, accounts)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from((BUCKET, OBJECT)), st.lists(buckets, max_size=3))
@example(OBJECT, ["arn:aws:s3:*:*:a/*", "arn:aws:s3:::c/*"])
@example(OBJECT, ["arn:aws:s3:::a/*", "arn:aws:s3:::*/b", "arn:aws:s3:::a*"])
def test_buckets_and_objects(arn_format: str, patterns: list[str]) -> None:
    check(arn_format, patterns)


@settings(max_examples=100, deadline=None)
@given(st.lists(roles, max_size=3), st.sampled_from(((), (OWN,))))
@example(["arn:aws:iam::*:role/a/*", "arn:aws:iam::111111111111:role/x*"], (OWN,))
def test_roles_whose_paths_may_hold_anything(patterns: list[str], accounts: tuple[str, ...]) -> None:
    check(ROLE, patterns, accounts)


def test_names_with_colons() -> None:
    check(SNAPSHOT, ["arn:aws:rds:*:*:snapshot:rds:*", "arn:aws:rds:*:*:snapshot:a*", "arn:aws:rds:us:*:*:*-04-05"])


@pytest.mark.parametrize(
    "pattern",
    [
        "arn:aws:*:*:snapshot:a*",
        "arn:*:*:*:snapshot:a*",
        f"arn:aws:rds:us:{OWN}:*:a",
        "arn:aws:rds:*:snapshot:a*:*",
        "arn:*:snapshot:*",
    ],
)
def test_a_star_in_one_part_runs_on_into_the_next(pattern: str) -> None:
    # IAM user guide, "AWS JSON policy elements: Resource": the last character of a segment "can expand past colons".
    check(SNAPSHOT, [pattern, "arn:aws:rds:*:*:snapshot:ab*"], (OWN,))


@pytest.mark.parametrize("format_", [QUEUE, ROLE])
def test_resources_that_aws_itself_owns(format_: str) -> None:
    for account in "", "aws":
        exactly = format_.replace("${Partition}", "aws").replace("${Region}", "us").replace("${Account}", account)
        exactly = re.sub(r"\$\{\w+\}", "a", exactly)
        assert exactly in resources((format_,), "aws", (exactly,), (OWN,))


def test_what_takes_no_resource_is_about_the_star() -> None:
    assert resources((NOTHING_NAMED,), "aws", ("arn:aws:sqs:*", "*"), (OWN,)) == ("*",)


def test_anything_may_be_anything() -> None:
    found = resources((ANYTHING,), "aws", ("arn:aws:s3:::a", "b*"), (OWN,))
    assert found[0] == "*"
    assert "arn:aws:s3:::a" in found
    assert any(text.startswith("b") for text in found)
    assert any(text.count(":") >= 5 and account_of(text) == OWN for text in found)


def test_several_formats_are_each_looked_at() -> None:
    found = resources((BUCKET, QUEUE), "aws", ("arn:aws:s3:::a", f"arn:aws:sqs:us:{OWN}:q"), ())
    assert {"arn:aws:s3:::a", f"arn:aws:sqs:us:{OWN}:q"} <= set(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(queues | buckets, max_size=3, unique=True))
def test_masks_say_which_patterns_match(patterns: list[str]) -> None:
    try:
        found = classified((QUEUE, BUCKET), "aws", tuple(patterns), (OWN,))
    except CapError:
        reject()
    for text, mask in found:
        assert [bool(mask >> place & 1) for place in range(len(patterns))] == [like((p,))(text) for p in patterns]


class TestCaps:
    def test_too_many_combinations_of_parts(self) -> None:
        # Any set of 17 letters is a class of names of its own.
        letters = "abcdefghijklmnopq"
        patterns = tuple(f"arn:aws:sqs:{letter}*:{OWN}:*{letter}*" for letter in letters)
        with pytest.raises(CapError, match=r"takes more than \d+ (cases|states)"):
            resources((QUEUE,), "aws", patterns, ())

    def test_the_cap_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sudo_mcp_guardrails.iam.resources.MAX_COMBINATIONS", 8)
        patterns = tuple(f"arn:aws:sqs:{region}:*:{name}*" for region in ("us", "eu", "ap") for name in "abc")
        with pytest.raises(CapError, match="telling 9 resource patterns apart takes more than 8 cases"):
            resources((QUEUE,), "aws", patterns, ())
        assert MAX_COMBINATIONS == 100_000
