from __future__ import annotations

from typing import Any

CHAIN = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}
BY_AGENT = {
    "Effect": "Allow",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:PrincipalTag/agent": "a1"}},
}
TAGS = [{"Key": "agent", "Value": "a1"}, {"Key": "note", "Value": "n"}]


def _queue(account: Any, session: Any) -> Any:
    return lambda: account.client("sqs", session).create_queue(QueueName="q")


def test_transitive_tags_are_lost_without_the_extension(stock_account: Any, refusal: Any) -> None:
    first = stock_account.assume(stock_account.role("first", CHAIN), Tags=TAGS, TransitiveTagKeys=["agent"])
    second = stock_account.assume(stock_account.role("second", BY_AGENT), first)
    assert refusal(_queue(stock_account, second)) == "AccessDenied"


def test_transitive_tags_stick_and_others_do_not(account: Any, refusal: Any) -> None:
    first_role, second_role = account.role("first", CHAIN), account.role("second", BY_AGENT)
    sticky = account.assume(first_role, Tags=TAGS, TransitiveTagKeys=["agent"])
    plain = account.assume(first_role, Tags=TAGS)
    assert refusal(_queue(account, account.assume(second_role, sticky))) == ""
    assert refusal(_queue(account, account.assume(second_role, plain))) == "AccessDenied"
    third = account.assume(second_role, account.assume(account.role("middle", CHAIN), sticky))
    assert refusal(_queue(account, third)) == ""


def test_a_transitive_tag_cannot_be_overridden(account: Any, refusal: Any) -> None:
    first = account.assume(account.role("first", CHAIN), Tags=TAGS, TransitiveTagKeys=["agent"])
    second = account.role("second", BY_AGENT)
    other = [{"Key": "Agent", "Value": "a2"}]
    assert refusal(lambda: account.assume(second, first, Tags=other)) == "InvalidParameterValue"
    assert refusal(lambda: account.assume(second, Tags=TAGS, TransitiveTagKeys=["absent"])) == "InvalidParameterValue"


def test_caller_needs_tag_session(account: Any, refusal: Any) -> None:
    target = account.role("target")
    caller = account.assume(account.role("bare", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}))
    assert refusal(lambda: account.assume(target, caller)) == ""
    assert refusal(lambda: account.assume(target, caller, Tags=TAGS)) == "AccessDenied"
    assert refusal(lambda: account.assume(target, account.assume(account.role("full", CHAIN)), Tags=TAGS)) == ""


def test_session_tags_override_role_tags_and_are_seen_in_trust(account: Any, refusal: Any) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": account.id},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {"aws:RequestTag/agent": ["a1", "a2"]},
            "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["agent"]},
        },
    }
    role = account.role("tagged", BY_AGENT, trust=trust, Tags=[{"Key": "agent", "Value": "a1"}])
    a1, a2 = [{"Key": "agent", "Value": "a1"}], [{"Key": "agent", "Value": "a2"}]
    assert refusal(_queue(account, account.assume(role, Tags=a1))) == ""
    assert refusal(_queue(account, account.assume(role, Tags=a2))) == "AccessDenied"
    assert refusal(lambda: account.assume(role)) == "AccessDenied"
    assert (
        refusal(lambda: account.assume(role, Tags=[*a1, {"Key": "x", "Value": "y"}], TransitiveTagKeys=["x"]))
        == "AccessDenied"
    )
