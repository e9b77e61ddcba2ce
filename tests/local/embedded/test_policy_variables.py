from __future__ import annotations

import json
from typing import Any

import pytest

TAGS = [{"Key": "team", "Value": "red"}]


def _queue(account: Any, session: Any, name: str) -> Any:
    return lambda: account.client("sqs", session).create_queue(QueueName=name)


def _own_queues(account: Any, text: str = "${aws:PrincipalTag/team}") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:*", "Resource": f"arn:aws:sqs:*:{account.id}:{text}-*"}


def test_variables_are_plain_text_without_the_extension(stock_account: Any, refusal: Any) -> None:
    session = stock_account.assume(stock_account.role("r", _own_queues(stock_account), Tags=TAGS))
    assert refusal(_queue(stock_account, session, "red-1")) == "AccessDenied"


def test_resource_variables(account: Any, refusal: Any) -> None:
    session = account.assume(account.role("r", _own_queues(account), Tags=TAGS))
    assert refusal(_queue(account, session, "red-1")) == ""
    assert refusal(_queue(account, session, "blue-1")) == "AccessDenied"
    untagged = account.assume(account.role("untagged", _own_queues(account)))
    assert refusal(_queue(account, untagged, "red-1")) == "AccessDenied"
    defaulted = account.assume(account.role("defaulted", _own_queues(account, "${aws:PrincipalTag/team, 'blue'}")))
    assert refusal(_queue(account, defaulted, "blue-1")) == ""


def test_a_wildcard_in_a_value_is_no_wildcard(account: Any, refusal: Any) -> None:
    session = account.assume(account.role("r", _own_queues(account)), Tags=[{"Key": "team", "Value": "*"}])
    assert refusal(_queue(account, session, "red-1")) == "AccessDenied"


@pytest.mark.parametrize(("tagged", "expected"), [(True, ""), (False, "AccessDenied")])
def test_condition_variables(account: Any, refusal: Any, tagged: bool, expected: str) -> None:  # noqa: FBT001
    statement = {
        "Effect": "Allow",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:PrincipalTag/owner}"}},
    }
    tags = [*TAGS, {"Key": "owner", "Value": "red"}] if tagged else TAGS
    session = account.assume(account.role("r", statement, Tags=tags))
    assert refusal(_queue(account, session, "q")) == expected


def test_a_deny_with_a_variable_denies(account: Any, refusal: Any) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "sqs:*",
        "NotResource": f"arn:aws:sqs:*:{account.id}:${{aws:PrincipalTag/team}}-*",
    }
    everything = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    session = account.assume(account.role("r", everything, deny, Tags=TAGS))
    assert refusal(_queue(account, session, "red-1")) == ""
    assert refusal(_queue(account, session, "blue-1")) == "AccessDenied"
    untagged = account.assume(account.role("untagged", everything, deny))
    assert refusal(_queue(account, untagged, "red-1")) == "AccessDenied"


def test_negation_with_an_unknown_variable_does_not_allow(account: Any, refusal: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "${aws:PrincipalTag/missing}"}},
    }
    assert refusal(_queue(account, account.assume(account.role("r", statement)), "q")) == "AccessDenied"


def test_trust_conditions_have_variables(account: Any, refusal: Any) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": account.id},
        "Action": "sts:AssumeRole",
        "Condition": {"StringLike": {"sts:RoleSessionName": "${aws:PrincipalTag/team}-*"}},
    }
    target = account.role("target", trust=trust)
    caller = account.assume(account.role("caller", {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}, Tags=TAGS))
    assert refusal(lambda: account.assume(target, caller, name="red-1")) == ""
    assert refusal(lambda: account.assume(target, caller, name="blue-1")) == "AccessDenied"


def test_an_old_document_has_no_variables(account: Any, refusal: Any) -> None:
    role = account.role("r", Tags=TAGS)
    account.client("iam").put_role_policy(
        RoleName="r",
        PolicyName="old",
        PolicyDocument=json.dumps({"Version": "2008-10-17", "Statement": [_own_queues(account)]}),
    )
    assert refusal(_queue(account, account.assume(role), "red-1")) == "AccessDenied"
