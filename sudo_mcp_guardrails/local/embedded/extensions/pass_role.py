"""Gap: ministack never asks for `iam:PassRole`.

Whoever hands a role to a service needs `iam:PassRole` on that role, with `iam:PassedToService` and, where it is known
beforehand, `iam:AssociatedResourceArn`. Checked for the calls below, at the caller's expense; `service_roles_cfn` does
the same for what a template passes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from . import authorization
from .attempts import PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .attempts import Attempt, HttpRequest

ACTION = "iam:PassRole"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")

# Which service a call hands its roles to. A service that is not listed still needs PassRole, without the key.
PASSED_TO: dict[str, str] = {
    "lambda": "lambda.amazonaws.com",
    "states": "states.amazonaws.com",
    "cloudformation": "cloudformation.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "events": "events.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
    "codebuild": "codebuild.amazonaws.com",
    "ec2": "ec2.amazonaws.com",
    "glue": "glue.amazonaws.com",
    "firehose": "firehose.amazonaws.com",
    "pipes": "pipes.amazonaws.com",
    "logs": "logs.amazonaws.com",
    "cloudtrail": "cloudtrail.amazonaws.com",
    "config": "config.amazonaws.com",
    "batch": "batch.amazonaws.com",
    "eks": "eks.amazonaws.com",
    "backup": "backup.amazonaws.com",
    "bedrock-agentcore": "bedrock-agentcore.amazonaws.com",
    "bedrock": "bedrock.amazonaws.com",
    "apigateway": "apigateway.amazonaws.com",
    "rds": "rds.amazonaws.com",
    "autoscaling": "autoscaling.amazonaws.com",
    "ssm": "ssm.amazonaws.com",
    "transfer": "transfer.amazonaws.com",
    "iot": "iot.amazonaws.com",
    "opensearch": "es.amazonaws.com",
    "cognito-idp": "cognito-idp.amazonaws.com",
}
# Calls that read, or that name a role without handing it to anyone.
_READS = re.compile(r":(Get|List|Describe|Search|Query|Scan|Filter|Test|Validate|Simulate|Estimate|Detect)")
_NOT_PASSING = frozenset(
    {
        "iam",
        "sts",
        "s3",
        "kms",
        "secretsmanager",
        "sqs",
        "sns",
        "dynamodb",
        "organizations",
        "tag",
        "ecr",
        "signin",
        "access-analyzer",
    }
)
_STACK_CALLS = frozenset(
    {"CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ContinueUpdateRollback", "RollbackStack"}
)
_ROLE_FIELD = re.compile(r"(^|[.])[A-Za-z]*(role|rolearn|roles)$", re.IGNORECASE)


def install() -> None:
    """Check the roles that every request passes."""
    authorization.add_request_check(_may_pass)


def may_pass(
    principal: Any,
    role_arn: str,
    service: str,
    region: str,
    *,
    associated: str = "",
    request: HttpRequest | None = None,
) -> Any:
    """Decide `iam:PassRole` for one role.

    Args:
        principal: ministack's PrincipalInfo of who passes it.
        role_arn: the role, as the request names it; its stored ARN is what counts.
        service: the service principal it goes to, empty when unknown.
        region: the Region of the call.
        associated: the ARN that the role will serve, empty when unknown.
        request: the HTTP request, None for an act of a service.

    Returns:
        None when allowed, else the EvalResult that refuses.
    """
    account = iam_evaluator._account_from_arn(role_arn) or ""
    stored = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1]) or {}
    keys = {"iam:passedtoservice": service, "iam:associatedresourcearn": associated}
    return authorization.decide(
        principal,
        ACTION,
        str(stored.get("Arn") or role_arn),
        region=region,
        context={key: value for key, value in keys.items() if value},
        request=request,
    )


def named_roles(value: Any, field: str = "") -> Iterator[str]:
    """Yield the role ARNs that a request's parameters or a resource's properties name in fields for roles."""
    if isinstance(value, dict):
        for key, inner in value.items():
            # Environment variables and tags are text that happens to look like a role.
            if key not in ("Environment", "environment", "Tags", "tags"):
                yield from named_roles(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from named_roles(inner, field)
    elif isinstance(value, str) and _ROLE_FIELD.search(field) and _ROLE_ARN.fullmatch(value):
        yield value


def _roles_of(attempt: Attempt, request: HttpRequest) -> set[str]:
    service, _, operation = attempt.action.partition(":")
    if service == "cloudformation":
        return {request.text("RoleARN")} - {""} if operation in _STACK_CALLS else set()
    if service == "lambda":
        role = str(request.json().get("Role") or "")
        return {role} if role else set()
    form = {re.sub(r"\.\d+$", "", name): value for name, value in request.form().items()}
    profile = form.get("IamInstanceProfile.Name") or form.get("IamInstanceProfile.Arn", "").rsplit("/", 1)[-1]
    if profile:
        roles = (iam._instance_profiles.get(profile) or {}).get("Roles") or []
        return {str((iam._roles.get(role) or {}).get("Arn") or role) for role in roles}
    return {*named_roles(request.json()), *named_roles(form)}


def _may_pass(attempt: Attempt) -> Any:
    request, service = attempt.request, attempt.action.split(":", 1)[0]
    if request is None or (service == "iam" and not attempt.action.endswith(":AddRoleToInstanceProfile")):
        return None
    if service == "iam":
        name = request.text("RoleName")
        roles = {str((iam._roles.get(name) or {}).get("Arn") or f"arn:{PARTITION}:iam::{get_account_id()}:role/{name}")}
    elif service in _NOT_PASSING or _READS.search(attempt.action):
        return None
    else:
        roles = _roles_of(attempt, request)
    passed_to = "ec2.amazonaws.com" if service == "iam" else PASSED_TO.get(service, "")
    associated = attempt.resource if service in ("lambda", "states", "cloudformation") else ""
    for role in sorted(roles):
        denied = may_pass(attempt.principal, role, passed_to, attempt.region, associated=associated, request=request)
        if denied is not None:
            return denied
    return None
