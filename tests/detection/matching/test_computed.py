from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.computed import FIELDS, MAX_DEPTH, MAX_POLICY
from sudo_mcp_guardrails.detection.matching.condition import Comparison, Op
from sudo_mcp_guardrails.detection.matching.values import getter

EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}


def event(policy: object, **more: Any) -> dict[str, Any]:
    return {"recipientAccountId": "111122223333", "requestParameters": {"policy": policy}, **more}


def policy(*statements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def public(statement: dict[str, Any]) -> bool:
    return bool(getter("policy.public")(event(policy(statement))) == "true")


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}])
def test_everybody_is_public(principal: object) -> None:
    assert public({**EVERYBODY, "Principal": principal})


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"AWS": "arn:aws:iam::444455556666:root"}},
        {"Principal": {"Service": "*"}},
        {"Effect": "Deny"},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}},
        {"Condition": {"StringEquals": {"AWS:SourceOwner": "111122223333"}}},
        {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-exampleorgid/*"]}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::reports"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"kms:CallerAccount": "111122223333"}}},
    ],
)
def test_a_condition_on_who_confines(change: dict[str, Any]) -> None:
    assert not public({**EVERYBODY, **change})


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "0.0.0.0/0"]}},
        {"StringEquals": {"aws:PrincipalOrgID": []}},
        "StringEquals",
        {"StringEquals": "aws:PrincipalOrgID"},
    ],
)
def test_a_condition_that_everybody_meets_confines_nothing(condition: object) -> None:
    assert public({**EVERYBODY, "Condition": condition})


def test_one_open_statement_is_enough() -> None:
    confined = {**EVERYBODY, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}
    found = event(policy(confined, EVERYBODY))
    assert getter("policy.public")(found) == "true"


@pytest.mark.parametrize(
    "written",
    [
        policy(EVERYBODY),
        {"Version": "2012-10-17", "Statement": EVERYBODY},
        json.dumps(policy(EVERYBODY)),
        "\n  " + json.dumps(policy(EVERYBODY), indent=2),
        quote(json.dumps(policy(EVERYBODY))),
        {"Policy": json.dumps(policy(EVERYBODY))},
        [{"policy": policy(EVERYBODY)}],
    ],
)
def test_a_policy_is_found_however_it_is_written(written: object) -> None:
    assert getter("policy.public")(event(written)) == "true"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": "arn:aws:iam::444455556666:root"}, ["444455556666"]),
        ({"AWS": ["444455556666", "arn:aws-cn:sts::111122224444:assumed-role/a/b"]}, ["444455556666", "111122224444"]),
        ({"AWS": "arn:aws:iam::111122223333:role/a"}, None),
        ({"AWS": "arn:aws:iam::999988887777:role/a"}, None),
        ({"AWS": "AROAEXAMPLEID"}, None),
        ({"Service": "ec2.amazonaws.com"}, None),
        ("*", None),
    ],
)
def test_which_accounts_are_foreign(principal: object, expected: list[str] | None) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    found = event(policy(statement), userIdentity={"accountId": "999988887777"})
    assert getter("policy.foreign")(found) == expected


def test_the_own_organization_is_not_foreign() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}
    own = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}
    vendor = {"StringEquals": {"sts:ExternalId": "x"}}
    assert getter("policy.foreign")(event(policy({**statement, "Condition": own}))) is None
    assert getter("policy.foreign")(event(policy({**statement, "Condition": vendor}))) == ["444455556666"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "true"),
        ({"Action": ["s3:GetObject", "*:*"], "Resource": ["*"]}, "true"),
        ({"Action": "s3:*"}, None),
        ({"Resource": "arn:aws:s3:::reports"}, None),
        ({"Effect": "Deny"}, None),
        ({"Principal": "*"}, None),
    ],
)
def test_what_allows_everything(change: dict[str, Any], expected: str | None) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", **change}
    assert getter("policy.admin")(event(json.dumps(policy(statement)))) == expected


def deep(levels: int) -> object:
    found: object = policy(EVERYBODY)
    for _ in range(levels):
        found = {"in": found}
    return found


@pytest.mark.parametrize(
    "written",
    [
        None,
        5,
        "Statement",
        '{"Statement": ',
        '{"Statement": 5}',
        {"Statement": ["x", None]},
        "[" * 100_000 + '"Statement"',
        json.dumps(policy(EVERYBODY)) + " " * MAX_POLICY,
        deep(MAX_DEPTH + 1),
        deep(50_000),
    ],
    ids=["none", "number", "word", "half", "no-list", "odd", "nested-text", "too-long", "too-deep", "far-too-deep"],
)
def test_what_is_no_policy_has_no_fields(written: object, no_hang: None) -> None:
    del no_hang
    for field in FIELDS:
        assert getter(field)(event(written)) is None
        assert getter(field)({"requestParameters": written}) is None


def test_rules_use_them_like_any_field() -> None:
    opened = matcher(Comparison("policy.public", Op.EQUALS, ("true",)))
    foreign = matcher(Comparison("policy.foreign", Op.EQUALS, ("444455556666",)))
    assert opened(event(policy(EVERYBODY)))
    assert not opened({})
    assert foreign(event(policy({"Effect": "Allow", "Principal": {"AWS": ["444455556666"]}})))
