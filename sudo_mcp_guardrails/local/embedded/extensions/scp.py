"""Gap: ministack stores service control policies and never evaluates them ("single-account, no SCPs").

Adds the layer of SCPs to every decision: for each account of an organization but the management account, each level
from the root through the OUs to the account must allow the action, and a Deny at any level denies; it binds users,
roles and the account's root, not service-linked roles.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

from . import authorization, principals
from .membership import membership

if TYPE_CHECKING:
    from .attempts import Attempt

KIND = "SERVICE_CONTROL_POLICY"


def install() -> None:
    """Add the layer."""
    authorization.add_layer(_service_control_policies)


def _service_control_policies(attempt: Attempt) -> Any:
    if "/aws-service-role/" in principals.role_arn(attempt.principal.arn):
        return None
    place = membership(attempt.principal.account)
    if place is None or place.management == attempt.principal.account:
        return None
    evaluation = attempt.evaluation()
    # Denies first: an explicit Deny at a lower level is named even where a higher one lacks an Allow.
    levels = [
        [iam_evaluator.parse_policy_document(policy["_Content"]) for policy in level] for level in place.policies(KIND)
    ]
    results = [iam_evaluator.evaluate(evaluation, level) for level in levels]
    for wanted in ("Deny", "ImplicitDeny"):
        for result in results:
            if result.decision == wanted:
                return authorization.refuse(
                    attempt, "service control policy", explicit=wanted == "Deny", sid=result.matched_sid
                )
    return None
