"""Gap: ministack checks a caller's identity policy and the role's trust policy one after the other.

In AWS a role's trust policy is its resource policy: one that names the caller's own role, session or user in the same
account grants `sts:AssumeRole` without an identity policy, and across accounts both must allow. A trust policy that
names only the account delegates to identity policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-cross-account.html

The rule for limits is ministack's own and was checked to be AWS's: an implicit deny of a boundary or session policy
narrows what a resource policy grants to a role ARN, not what it grants to the session ARN itself; an explicit Deny
anywhere wins.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from . import authorization  # noqa: F401 - the keys of an AssumeRole must be in place when trust is evaluated


def install() -> None:
    """Let ministack's evaluator see trust policies as the resource policies that they are."""
    sts.role_trust_policy_for_arn = _trust_policy
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["sts"] = ("sts", "role_trust_policy_for_arn")


def _trust_policy(role_arn: str) -> tuple[Any, str] | None:
    account = iam_evaluator._account_from_arn(role_arn)
    if account is None or ":role/" not in role_arn:
        return None
    role = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    return (role["AssumeRolePolicyDocument"], account) if role else None
