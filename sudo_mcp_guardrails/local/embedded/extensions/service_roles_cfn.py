"""Gap: ministack's CloudFormation makes every resource as root.

Each create, update and delete is authorized as CloudFormation does it: as the stack's service role when one was given
(with the stack, the change set or an earlier operation), else as the caller. The service role must trust
`cloudformation.amazonaws.com`; roles that a template hands to a service need `iam:PassRole`. A type that is not mapped
in `cfn_permissions` is refused, naming it, unless the actor may do anything at all.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners, stacks

from . import authorization, cfn_permissions, cfn_permissions_iam, pass_role, principals
from .attempts import PARTITION

SERVICE = "cloudformation.amazonaws.com"
_STACK_CALLS = ("CreateStack", "UpdateStack", "DeleteStack", "ContinueUpdateRollback", "RollbackStack")


@dataclass(frozen=True)
class Actor:
    """Who makes a stack's resources: the service role, or the caller by access key."""

    role_arn: str
    access_key: str

    def principal(self) -> Any:
        """Return ministack's PrincipalInfo as it is now; policies may change while a stack is deployed."""
        if self.role_arn:
            return principals.service_session(self.role_arn, "AWSCloudFormation")
        return iam_evaluator.resolve_principal(self.access_key, get_account_id())


_actor: ContextVar[Actor | None] = ContextVar("embedded_stack_actor", default=None)


def install() -> None:
    """Authorize what stacks do."""
    _wrap_operations()
    _wrap_provisioning()


def _wrap_operations() -> None:
    table = handlers._ACTION_HANDLERS

    def acting(stock: Any, action: str) -> Any:
        def operation(params: Any) -> Any:
            name = helpers._p(params, "StackName")
            stack = handlers._resolve_stack(name) or {}
            found = changesets._find_change_set(helpers._p(params, "ChangeSetName"), name)[1] or {}
            if not stack and found:
                stack = cloudformation._stacks.get(found.get("StackName")) or {}
            role = helpers._p(params, "RoleARN") or found.get("_role_arn") or stack.get("_role_arn") or ""
            problem = _role_problem(role, stack.get("StackId") or "")
            if problem:
                return helpers._error("ValidationError", problem)
            access_key = extract_access_key_id(authorization.current_headers())
            token = _actor.set(Actor(role, access_key))
            try:
                answer = stock(params)
            finally:
                _actor.reset(token)
            if action == "CreateChangeSet":
                made = changesets._find_change_set(helpers._p(params, "ChangeSetName"), name)[1]
            else:
                made = handlers._resolve_stack(name or str(found.get("StackName")))
            if role and made is not None and answer[0] == HTTPStatus.OK:
                made["_role_arn"] = role
            return answer

        return operation

    for action in (*_STACK_CALLS, "CreateChangeSet", "ExecuteChangeSet"):
        table[action] = acting(table[action], action)


def _role_problem(role_arn: str, stack_id: str) -> str:
    """Return why CloudFormation cannot act as a role, empty when it can or when there is none."""
    if not role_arn:
        return ""
    if principals.service_may_assume(role_arn, SERVICE, get_account_id(), source_arn=stack_id):
        return ""
    return f"Role {role_arn} is invalid or cannot be assumed"


def _wrap_provisioning() -> None:
    provision, update, delete = (
        provisioners._provision_resource,
        provisioners._update_resource,
        provisioners._delete_resource,
    )

    def provision_resource(resource_type: str, logical_id: str, props: Any, stack_name: str) -> Any:
        generated = provisioners._physical_name(stack_name, logical_id, lowercase=resource_type == "AWS::S3::Bucket")
        _authorize(resource_type, generated, None, props)
        return provision(resource_type, logical_id, props, stack_name)

    def update_resource(resource_type: str, physical_id: str, old: Any, new: Any, *rest: Any) -> Any:
        if old != new:
            _authorize(resource_type, physical_id, old, new)
        return update(resource_type, physical_id, old, new, *rest)

    def delete_resource(resource_type: str, physical_id: str, props: Any, *rest: Any) -> Any:
        _authorize(resource_type, physical_id, props or {}, None)
        return delete(resource_type, physical_id, props, *rest)

    for module in (provisioners, stacks):
        module._provision_resource = provision_resource
        module._update_resource = update_resource
        module._delete_resource = delete_resource


def _authorize(resource_type: str, name: str, old: Any, new: Any) -> None:
    """Raise unless the stack's actor may make this change.

    Raises:
        ValueError: not allowed; CloudFormation makes the message the resource's reason.
    """
    actor = _actor.get()
    if actor is None:
        raise ValueError(f"nobody is known to act for this stack, so {resource_type} is refused")
    authorization.leave_request()
    principal = actor.principal()
    if principal is None or isinstance(principal, iam_evaluator.AuthError):
        raise ValueError(f"the credentials that act for this stack are no longer valid, so {resource_type} is refused")
    called = (
        {}
        if actor.role_arn
        else {
            "aws:viaawsservice": "true",
            "aws:calledvia": [SERVICE],
            "aws:calledviafirst": SERVICE,
            "aws:calledvialast": SERVICE,
        }
    )
    old, new = _own_tags(old), _own_tags(new)
    needs = _needs(resource_type, name, old, new)
    if needs is None:
        if _may_do_anything(principal, resource_type):
            needs = []
        else:
            raise ValueError(
                f"which permissions {resource_type} needs is not mapped, so it is refused for {principal.arn}"
            )
    for need in needs:
        _require(principal, need.action, need.resource, {**called, **need.keys})
    for role in sorted(_passed(resource_type, new) - _passed(resource_type, old)):
        service = pass_role.PASSED_TO.get(_namespace(resource_type), "")
        if pass_role.may_pass(principal, role, service, get_region()) is not None:
            raise ValueError(_message(principal, "iam:PassRole", role))


def _own_tags(props: Any) -> Any:
    """Return properties without the `aws:` tags that CloudFormation sets for itself, which need no permission."""
    tags = (props or {}).get("Tags")
    if isinstance(tags, list):
        tags = [tag for tag in tags if not str(tag.get("Key", "")).startswith("aws:")]
    elif isinstance(tags, dict):
        tags = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    else:
        return props
    return {**{key: value for key, value in props.items() if key != "Tags"}, **({"Tags": tags} if tags else {})}


def _needs(resource_type: str, name: str, old: Any, new: Any) -> list[cfn_permissions_iam.Need] | None:
    need = cfn_permissions_iam.Need
    if resource_type in cfn_permissions.NEEDS_NOTHING:
        return []
    props = new if new is not None else old or {}
    if resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource":
        token = str(props.get("ServiceToken") or "*")
        return [need("sns:Publish" if ":sns:" in token else "lambda:InvokeFunction", token)]
    if resource_type == "AWS::CloudFormation::Stack":
        verb = "Create" if old is None else "Delete" if new is None else "Update"
        return [
            need(
                f"cloudformation:{verb}Stack",
                f"arn:{PARTITION}:cloudformation:{get_region()}:{get_account_id()}:stack/{name.rsplit('/', 1)[-1]}/*",
            )
        ]
    if resource_type.startswith("AWS::IAM::"):
        return cfn_permissions_iam.needed(resource_type, old, new, name, get_account_id())
    pairs = cfn_permissions.needed(resource_type, old, new, name, region=get_region(), account=get_account_id())
    return None if pairs is None else [need(action, resource) for action, resource in pairs]


def _namespace(resource_type: str) -> str:
    parts = resource_type.split("::")
    name = parts[1].lower() if len(parts) > 1 else resource_type.lower()
    return {"stepfunctions": "states", "kinesisfirehose": "firehose", "certificatemanager": "acm"}.get(name, name)


def _passed(resource_type: str, props: Any) -> set[str]:
    """Return the roles that a resource hands to its service; IAM's and CloudFormation's own types hand none."""
    if resource_type.startswith(("AWS::IAM::", "AWS::CloudFormation::", "Custom::")):
        return set()
    return set(pass_role.named_roles(props or {}))


def _may_do_anything(principal: Any, resource_type: str) -> bool:
    # Two made-up actions: one in the type's own service, so that "all but IAM" is not anything for an IAM type.
    actions = ("unmapped:Anything", f"{_namespace(resource_type)}:{resource_type.rsplit('::', 1)[-1]}Anything")
    return all(authorization.decide(principal, action, "*", region=get_region()) is None for action in actions)


def _require(principal: Any, action: str, resource: str, keys: dict[str, Any]) -> None:
    if authorization.decide(principal, action, resource, region=get_region(), context=keys) is not None:
        raise ValueError(_message(principal, action, resource))


def _message(principal: Any, action: str, resource: str) -> str:
    return f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} (AccessDenied)"
