"""Gap: ministack decides every call of Organizations on `organization/*`, whichever policy, account or unit it is on.

A policy that names SCPs and targets by ARN, as the role that attaches the SCPs of containment has it, therefore allowed
nothing, and one that names the organization allowed everything. Here a call is decided on the policy, root, unit or
account that it names, and AttachPolicy and DetachPolicy on both of theirs. What does not exist is asked for by its id
alone, so that only who may do it to any learns that it is not there.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import organizations

from . import authorization, resource_scopes
from .attempts import PARTITION

if TYPE_CHECKING:
    from .attempts import Attempt, HttpRequest

_TARGETS = ("TargetId", "ResourceId", "AccountId", "OrganizationalUnitId")
_ON_BOTH = frozenset({"organizations:AttachPolicy", "organizations:DetachPolicy"})


def install() -> None:
    """Name the resource of each call, and check the second one where there are two."""
    resource_scopes._SPECIAL["organizations"] = _resource
    authorization.add_request_check(_may_on_target)


def _resource(request: HttpRequest, scope: str) -> str:
    del scope
    for field in ("PolicyId", *_TARGETS):
        named = request.text(field)
        if named:
            return _arn(named)
    return ""


def _may_on_target(attempt: Attempt) -> Any:
    """Refuse where the caller may attach the policy, and not to this target."""
    if attempt.action not in _ON_BOTH or attempt.request is None:
        return None
    target = _arn(attempt.request.text("TargetId"))
    return authorization.decide(
        attempt.principal, attempt.action, target, region=attempt.region, request=attempt.request
    )


def _arn(named: str) -> str:
    policy = organizations._policies.get(named)
    if policy is not None:
        return str(organizations._policy_summary(policy)["Arn"])
    record, _ = organizations._target(named)
    return str(record["Arn"]) if record is not None else f"arn:{PARTITION}:organizations:::{named or '*'}"
