"""Gap: many condition keys are absent in ministack, or have a value that AWS does not give.

`aws:PrincipalArn` of a session is the role's ARN with its path, not the session's; `aws:ResourceAccount` of a bucket is
its owner; `aws:PrincipalOrgID` and `aws:PrincipalOrgPaths` follow the organization; resource tags are looked up
whichever policy asks. Requests carry `iam:PermissionsBoundary`, `iam:PolicyARN`, `iam:AWSServiceName`,
`cloudformation:RoleArn`, `...:ChangeSetName`, `...:TemplateUrl`, `sts:ExternalId`, `sts:RoleSessionName`,
`lambda:FunctionArn`, `lambda:Principal`, `lambda:FunctionUrlAuthType`, `dynamodb:LeadingKeys`, `kms:MessageType`,
`kms:SigningAlgorithm`, `kms:KeySpec` and `kms:KeyUsage`. A key that a request does not have stays absent, and operators
treat absence as AWS says (`ForAllValues` matches, others do not).
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, iam, kms, tagging

from . import authorization, dynamodb_keys, principals
from .attempts import PARTITION
from .membership import membership
from .rcp import resource_owner

if TYPE_CHECKING:
    from .attempts import HttpRequest

# The actions that IAM's reference lists for the key; on others it is absent.
_BOUNDARY_ACTIONS = frozenset(
    f"iam:{verb}{entity}{what}"
    for entity in ("Role", "User")
    for verb, what in (
        ("Attach", "Policy"),
        ("Detach", "Policy"),
        ("Put", "Policy"),
        ("Delete", "Policy"),
        ("Create", ""),
        ("Put", "PermissionsBoundary"),
        ("Delete", "PermissionsBoundary"),
    )
)
_CLOUDFORMATION_KEYS = {
    "RoleARN": "cloudformation:rolearn",
    "TemplateURL": "cloudformation:templateurl",
    "StackPolicyURL": "cloudformation:stackpolicyurl",
    "ChangeSetName": "cloudformation:changesetname",
}
_LAMBDA_KEYS = {
    "Principal": "lambda:principal",
    "AuthType": "lambda:functionurlauthtype",
    "FunctionUrlAuthType": "lambda:functionurlauthtype",
}


def install() -> None:
    """Add the keys."""
    authorization.add_context(_request_keys)
    _wrap_resolution()


def _wrap_resolution() -> None:
    stock = iam_evaluator._resolve_condition_key

    def resolve(key: str, ctx: Any) -> Any:  # noqa: PLR0911 - one return a key
        name = key.lower()
        if name == "aws:principalarn":
            return principals.role_arn(ctx.principal_arn)
        if name in ("aws:resourceaccount", "s3:resourceaccount"):
            return resource_owner(ctx.resource_arn) or ctx.principal_account
        if name in ("aws:principalorgid", "aws:principalorgpaths"):
            return _organization_key(name, ctx.principal_account)
        if name in ("aws:resourceorgid", "aws:resourceorgpaths"):
            return _organization_key(name, resource_owner(ctx.resource_arn) or ctx.principal_account)
        if name.startswith(("aws:resourcetag/", "iam:resourcetag/")) and name not in ctx.service_context:
            tags = tagging.resource_tags(ctx.resource_arn) or {}
            return next((value for tag, value in tags.items() if tag.lower() == name.split("/", 1)[1]), None)
        if name in ("aws:viaawsservice", "aws:principalisawsservice"):
            return ctx.service_context.get(name, "false")
        return stock(key, ctx)

    iam_evaluator._resolve_condition_key = resolve


def _organization_key(name: str, account: str) -> Any:
    place = membership(account)
    if place is None:
        return None
    if name.endswith("id"):
        return place.organization_id
    return ["/".join((place.organization_id, *place.path[:-1], ""))]


def _request_keys(action: str, resource: str, request: HttpRequest | None) -> dict[str, Any]:
    source = _SOURCES.get(action.split(":", 1)[0])
    return source(action, resource, request) if source and request is not None else {}


def _sts_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    del action, resource
    found = {"sts:externalid": request.text("ExternalId"), "sts:rolesessionname": request.text("RoleSessionName")}
    return {key: value for key, value in found.items() if value}


def _cloudformation_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    del action, resource
    found = {key: request.text(name) for name, key in _CLOUDFORMATION_KEYS.items()}
    if found["cloudformation:changesetname"].startswith("arn:"):
        found["cloudformation:changesetname"] = found["cloudformation:changesetname"].split("/")[1]
    return {key: value for key, value in found.items() if value}


def _dynamodb_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    table = dynamodb._tables.get(resource.split(":table/", 1)[-1].split("/", 1)[0])
    keys = dynamodb_keys.leading_keys(action, request.json(), table or {})
    return {"dynamodb:leadingkeys": keys} if keys else {}


def existing_boundary(role: str = "", user: str = "") -> str:
    """Return the boundary ARN that a role or user of the current account has, empty when none."""
    stored = (iam._roles.get(role) if role else iam._users.get(user) if user else None) or {}
    return str(stored.get("PermissionsBoundary") or "")


def _iam_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    del resource
    keys: dict[str, Any] = {}
    if action in _BOUNDARY_ACTIONS:
        asked = request.text("PermissionsBoundary")
        new = action.startswith(("iam:Create", "iam:Put")) and not action.endswith("Policy")
        boundary = asked if new else existing_boundary(request.text("RoleName"), request.text("UserName"))
        if boundary:
            keys["iam:permissionsboundary"] = boundary
    if "PolicyArn" in request.form() and action.startswith(("iam:Attach", "iam:Detach")):
        keys["iam:policyarn"] = request.text("PolicyArn")
    if request.text("AWSServiceName"):
        keys["iam:awsservicename"] = request.text("AWSServiceName")
    return keys


def _lambda_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    del action
    body = request.json()
    keys = {key: body[name] for name, key in _LAMBDA_KEYS.items() if isinstance(body.get(name), str)}
    if "event-source-mappings" in request.path and isinstance(body.get("FunctionName"), str):
        name = body["FunctionName"]
        keys["lambda:functionarn"] = (
            name
            if name.startswith("arn:")
            else (f"arn:{PARTITION}:lambda:{get_region()}:{get_account_id()}:function:{name}")
        )
    elif ":function:" in resource:
        keys["lambda:functionarn"] = resource
    return keys


def _kms_keys(action: str, resource: str, request: HttpRequest) -> dict[str, Any]:
    del action
    key = kms._resolve_key(resource) if ":key/" in resource else None
    found = {
        # RAW is what KMS takes a message for when the request does not say.
        "kms:messagetype": request.text("MessageType") or ("RAW" if request.text("SigningAlgorithm") else ""),
        "kms:signingalgorithm": request.text("SigningAlgorithm"),
        "kms:keyspec": str((key or {}).get("KeySpec") or request.text("KeySpec")),
        "kms:keyusage": str((key or {}).get("KeyUsage") or request.text("KeyUsage")),
    }
    return {name: value for name, value in found.items() if value}


_SOURCES: dict[str, Any] = {
    "kms": _kms_keys,
    "iam": _iam_keys,
    "sts": _sts_keys,
    "cloudformation": _cloudformation_keys,
    "lambda": _lambda_keys,
    "dynamodb": _dynamodb_keys,
}
