from __future__ import annotations

from typing import Any

UNKNOWN = "arn:aws:iam::aws:policy/NotAPolicyThatAnybodyKnows"
KNOWN = "arn:aws:iam::aws:policy/AdministratorAccess"


def _queue_as_role_with(account: Any, policy: str, refusal: Any) -> str:
    role = account.role("r")
    account.client("iam").attach_role_policy(RoleName="r", PolicyArn=policy)
    sqs = account.client("sqs", account.assume(role))
    return str(refusal(lambda: sqs.create_queue(QueueName="q")))


def test_an_unknown_managed_policy_allows_everything_without_the_extension(stock_account: Any, refusal: Any) -> None:
    assert _queue_as_role_with(stock_account, UNKNOWN, refusal) == ""


def test_an_unknown_managed_policy_allows_nothing(account: Any, refusal: Any) -> None:
    assert _queue_as_role_with(account, UNKNOWN, refusal) == "AccessDenied"


def test_a_known_managed_policy_allows_what_it_says(account: Any, refusal: Any) -> None:
    assert _queue_as_role_with(account, KNOWN, refusal) == ""
