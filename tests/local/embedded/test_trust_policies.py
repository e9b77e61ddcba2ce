from __future__ import annotations

import json
from typing import Any


def _trusting(principal: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}


def test_a_trust_policy_that_names_the_caller_is_not_enough_without_the_extension(
    stock_account: Any, refusal: Any
) -> None:
    caller_arn = stock_account.role("caller")
    target = stock_account.role("target", trust=_trusting(caller_arn))
    assert refusal(lambda: stock_account.assume(target, stock_account.assume(caller_arn))) == "AccessDenied"


def test_naming_the_caller_in_the_same_account_is_enough(account: Any, refusal: Any) -> None:
    caller_arn = account.role("caller")
    caller = account.assume(caller_arn)
    assert refusal(lambda: account.assume(account.role("target", trust=_trusting(caller_arn)), caller)) == ""
    by_account = account.role("by-account", trust=_trusting(account.id))
    assert refusal(lambda: account.assume(by_account, caller)) == "AccessDenied"
    other = account.role("other", trust=_trusting(account.role("somebody")))
    assert refusal(lambda: account.assume(other, caller)) == "AccessDenied"


def test_across_accounts_both_must_allow(account: Any, account_on: Any, aws: Any, refusal: Any) -> None:
    far = account_on(aws)
    bare, full = (
        account.role("bare"),
        account.role("full", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}),
    )
    target = far.role("target", trust={**_trusting(bare), "Principal": {"AWS": [bare, full]}})
    assert refusal(lambda: account.assume(target, account.assume(bare))) == "AccessDenied"
    assert refusal(lambda: account.assume(target, account.assume(full))) == ""
    closed = far.role("closed", trust=_trusting(far.id))
    assert refusal(lambda: account.assume(closed, account.assume(full))) == "AccessDenied"


def test_an_explicit_deny_in_the_identity_policy_wins_over_a_naming_trust(account: Any, refusal: Any) -> None:
    caller_arn = account.role("caller", {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
    target = account.role("target", trust=_trusting(caller_arn))
    assert refusal(lambda: account.assume(target, account.assume(caller_arn))) == "AccessDenied"


def test_limits_narrow_a_grant_to_the_role_but_not_one_to_the_session(account: Any, refusal: Any) -> None:
    boundary = account.policy("nothing-here", {"Effect": "Allow", "Action": "sns:*", "Resource": "*"})
    role = account.role("limited", boundary=boundary)
    session = account.assume(role, name="run")
    bucket = f"limits-{account.id}"
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    def read_when_granted_to(principal: str, *more: dict[str, Any]) -> str:
        grant = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [grant, *more]}))
        return str(refusal(lambda: account.client("s3", session).get_object(Bucket=bucket, Key="k")))

    named_session = f"arn:aws:sts::{account.id}:assumed-role/limited/run"
    assert read_when_granted_to(role) == "AccessDenied"
    assert read_when_granted_to(named_session) == ""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    assert read_when_granted_to(named_session, deny) == "AccessDenied"
    guard = account.policy(
        "denying",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"},
    )
    account.client("iam").put_role_permissions_boundary(RoleName="limited", PermissionsBoundary=guard)
    assert read_when_granted_to(named_session) == "AccessDenied"
