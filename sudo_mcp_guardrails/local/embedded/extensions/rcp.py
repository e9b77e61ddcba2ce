"""Gap: ministack stores resource control policies and never evaluates them.

Adds them to every decision on a resource whose account is known: each level from the root to the account that owns
the resource must allow, a Deny at any level denies; resources of the management account are not bound. As at AWS they
count for the services that support RCPs only. The `Principal` element of an RCP is always `*`.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.services import s3

from . import authorization
from .attempts import PARTITION
from .membership import membership

if TYPE_CHECKING:
    from .attempts import Attempt

KIND = "RESOURCE_CONTROL_POLICY"
# AWSs list of November 2026, as far as ministack has the service.
SERVICES = frozenset({"s3", "sts", "kms", "sqs", "secretsmanager", "dynamodb", "ecr", "cognito-idp", "logs", "signin"})


def install() -> None:
    """Add the layer."""
    authorization.add_layer(_resource_control_policies)


def resource_owner(resource: str) -> str | None:
    """Return the account that owns a resource: from its ARN, or for a bucket from ministack's store."""
    if resource.startswith(f"arn:{PARTITION}:s3:::"):
        bucket = resource[len(f"arn:{PARTITION}:s3:::") :].split("/", 1)[0]
        return next((account for (account, name) in s3._buckets.to_dict() if name == bucket), None)
    account: str | None = iam_evaluator._account_from_arn(resource)
    return account


def _resource_control_policies(attempt: Attempt) -> Any:
    if attempt.service not in SERVICES:
        return None
    place = membership(resource_owner(attempt.resource) or attempt.principal.account)
    if place is None or place.management == place.path[-1]:
        return None
    evaluation = attempt.evaluation()
    for level in place.policies(KIND):
        documents = [iam_evaluator.parse_policy_document(policy["_Content"]) for policy in level]
        # RCPFullAWSAccess is attached to every target and cannot be removed, so only a Deny decides.
        denied = iam_evaluator._first_match(evaluation, [stmt for doc in documents for stmt in doc], "Deny")
        if denied:
            return authorization.refuse(attempt, "resource control policy", explicit=True, sid=denied.sid)
    return None
