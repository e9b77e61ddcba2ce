"""Who stands behind a request or a service's act: roles with their path, and the sessions that services open.

Not an extension: what the layers and the service roles share.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from .attempts import PARTITION


def role_arn(principal_arn: str) -> str:
    """Return the ARN, path included, of the role behind a session's ARN; any other ARN as it is."""
    if ":assumed-role/" not in principal_arn:
        return principal_arn
    account = iam_evaluator._account_from_arn(principal_arn)
    role = iam._roles.get_scoped(account, None, iam_evaluator._role_name_from_assumed_arn(principal_arn))
    return str(role["Arn"]) if role else principal_arn


def service_session(role: str, session_name: str) -> Any:
    """Return ministack's PrincipalInfo of a session that an AWS service opened on a role, None without that role."""
    account = iam_evaluator._account_from_arn(role) or ""
    name = role.rsplit("/", 1)[-1]
    stored = iam._roles.get_scoped(account, None, name)
    if stored is None or stored["Arn"] != role:
        return None
    keys = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in stored.get("Tags") or []}
    keys["aws:userid"] = f"{stored.get('RoleId')}:{session_name}"
    return iam_evaluator.PrincipalInfo(
        arn=f"arn:{PARTITION}:sts::{account}:assumed-role/{name}/{session_name}",
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        keys=keys,
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )


def service_may_assume(role: str, service: str, source_account: str, *, source_arn: str = "") -> bool:
    """Return whether a role's trust policy lets an AWS service act as it.

    Args:
        role: the role's exact ARN.
        service: the service principal, such as `states.amazonaws.com`.
        source_account: the account the service works for, `aws:SourceAccount`.
        source_arn: the resource it works for, `aws:SourceArn`; absent when empty.
    """
    stored = iam._roles.get_scoped(iam_evaluator._account_from_arn(role) or "", None, role.rsplit("/", 1)[-1])
    if stored is None or stored["Arn"] != role:
        return False
    keys = {
        "aws:sourceaccount": source_account,
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        **({"aws:sourcearn": source_arn} if source_arn else {}),
    }
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="AWSService",
        principal_account=source_account,
        action="sts:AssumeRole",
        resource_arn=role,
        region="",
        service_context=keys,
    )
    trust = stored.get("AssumeRolePolicyDocument")
    return bool(iam_evaluator.evaluate_resource_policy(trust, context, service=service).decision == "Allow")
