from __future__ import annotations

from typing import Any

ASSUME = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": "*"}
ONLY_RUN_1 = {
    "Effect": "Allow",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceIdentity": "run-1"}},
}


def _queue(account: Any, session: Any) -> Any:
    return lambda: account.client("sqs", session).create_queue(QueueName="q")


def test_source_identity_is_ignored_without_the_extension(stock_account: Any, refusal: Any) -> None:
    role = stock_account.role("r", ONLY_RUN_1)
    answer = stock_account.client("sts").assume_role(RoleArn=role, RoleSessionName="test", SourceIdentity="run-1")
    assert "SourceIdentity" not in answer
    assert refusal(_queue(stock_account, stock_account.assume(role, SourceIdentity="run-1"))) == "AccessDenied"


def test_source_identity_is_echoed_and_seen_in_later_calls(account: Any, refusal: Any) -> None:
    role = account.role("r", ONLY_RUN_1)
    answer = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test", SourceIdentity="run-1")
    assert answer["SourceIdentity"] == "run-1"
    assert refusal(_queue(account, account.assume(role, SourceIdentity="run-1"))) == ""
    assert refusal(_queue(account, account.assume(role, SourceIdentity="run-2"))) == "AccessDenied"
    assert refusal(_queue(account, account.assume(role))) == "AccessDenied"


def test_trust_policy_must_allow_setting_it(account: Any, refusal: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}
    role = account.role("r", trust=trust)
    assert refusal(lambda: account.assume(role, SourceIdentity="run-1")) == "AccessDenied"
    assert refusal(lambda: account.assume(role)) == ""


def test_caller_must_be_allowed_to_set_it(account: Any, refusal: Any) -> None:
    role = account.role("target")
    bare = account.role("bare", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    caller = account.assume(bare)
    assert refusal(lambda: account.assume(role, caller)) == ""
    assert refusal(lambda: account.assume(role, caller, SourceIdentity="run-1")) == "AccessDenied"
    assert (
        refusal(lambda: account.assume(role, account.assume(account.role("full", ASSUME)), SourceIdentity="run-1"))
        == ""
    )


def test_trust_condition_sees_it(account: Any, refusal: Any) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": account.id},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
        "Condition": {"StringLike": {"sts:SourceIdentity": "run-*"}},
    }
    role = account.role("r", trust=trust)
    assert refusal(lambda: account.assume(role, SourceIdentity="run-7")) == ""
    assert refusal(lambda: account.assume(role, SourceIdentity="me")) == "AccessDenied"
    assert refusal(lambda: account.assume(role)) == "AccessDenied"


def test_it_sticks_through_a_chain_and_cannot_change(account: Any, refusal: Any) -> None:
    first = account.assume(account.role("first", ASSUME), SourceIdentity="run-1")
    second = account.role("second", ONLY_RUN_1)
    assert refusal(_queue(account, account.assume(second, first))) == ""
    assert refusal(lambda: account.assume(second, first, SourceIdentity="run-2")) == "AccessDenied"
    trust = {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}
    silent = account.role("silent", trust=trust)
    assert refusal(lambda: account.assume(silent, first)) == "AccessDenied"
