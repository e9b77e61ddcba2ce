"""Which IAM actions CloudFormation needs for IAM's own types, with the condition keys that guard escalation.

Not an extension: what `service_roles_cfn` reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ministack.services import iam

from .attempts import PARTITION

Props = dict[str, Any]


@dataclass(frozen=True)
class Need:
    """One action on one resource, with the condition keys it carries."""

    action: str
    resource: str
    keys: dict[str, Any] = field(default_factory=dict)


def _entity_needs(kind: str, account: str, name: str, old: Props | None, new: Props | None) -> list[Need]:
    """Return what a role or user needs; `kind` is `Role` or `User`."""
    before, after = old or {}, new or {}
    arn = f"arn:{PARTITION}:iam::{account}:{kind.lower()}{(after or before).get('Path') or '/'}{name}"
    had, has = before.get("PermissionsBoundary"), after.get("PermissionsBoundary")

    def need(action: str, boundary: Any = None, policy: str = "") -> Need:
        keys = {"iam:permissionsboundary": boundary, "iam:policyarn": policy}
        return Need(f"iam:{action}", arn, {key: value for key, value in keys.items() if value})

    needs: list[Need] = []
    ceiling = has if old is None else had
    if old is None:
        needs.append(need(f"Create{kind}", has))
    elif new is None:
        needs.append(need(f"Delete{kind}"))
    else:
        if had != has:
            needs.append(need(f"{'Put' if has else 'Delete'}{kind}PermissionsBoundary", has or had))
        changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        needs.extend(need(action) for prop, action in _changes(kind) if prop in changed)
    if after.get("Tags") and before.get("Tags") != after.get("Tags"):
        needs.append(need(f"Tag{kind}"))
    if before.get("Policies") != after.get("Policies"):
        needs.append(need(f"Put{kind}Policy" if after.get("Policies") else f"Delete{kind}Policy", ceiling))
    attached, wanted = set(before.get("ManagedPolicyArns") or []), set(after.get("ManagedPolicyArns") or [])
    for verb, policies in (("Attach", wanted - attached), ("Detach", attached - wanted)):
        needs.extend(need(f"{verb}{kind}Policy", ceiling, policy) for policy in sorted(policies))
    return needs


def _changes(kind: str) -> tuple[tuple[str, str], ...]:
    """Return the actions that a changed property of an existing role or user needs."""
    if kind == "User":
        return (("LoginProfile", "UpdateLoginProfile"),)
    return (
        ("AssumeRolePolicyDocument", "UpdateAssumeRolePolicy"),
        ("Description", "UpdateRole"),
        ("MaxSessionDuration", "UpdateRole"),
    )


def _user_extras(account: str, name: str, old: Props | None, new: Props | None) -> list[Need]:
    before, after = old or {}, new or {}
    joined = sorted(set(after.get("Groups") or []) - set(before.get("Groups") or []))
    needs = [Need("iam:AddUserToGroup", f"arn:{PARTITION}:iam::{account}:group/{group}") for group in joined]
    if after.get("LoginProfile") and not before.get("LoginProfile"):
        user = f"arn:{PARTITION}:iam::{account}:user{after.get('Path') or '/'}{name}"
        needs.append(Need("iam:CreateLoginProfile", user))
    return needs


def _principals(props: Props) -> list[tuple[str, str, str]]:
    """Return (kind, ARN, boundary) of the roles, users and groups that a policy resource names."""
    found = []
    for prop, kind, store in (
        ("Roles", "Role", iam._roles),
        ("Users", "User", iam._users),
        ("Groups", "Group", iam._groups),
    ):
        for name in props.get(prop) or []:
            record = store.get(name) or {}
            found.append((kind, str(record.get("Arn") or "*"), str(record.get("PermissionsBoundary") or "")))
    return found


def _attachments(old: Props | None, new: Props | None, attach: str, detach: str, policy: str) -> list[Need]:
    before, after = set(_principals(old or {})), set(_principals(new or {}))
    # An inline policy is put again whenever its document changes; a managed one is attached once.
    touched = after if attach == "Put" else after - before
    needs = []
    for verb, principals in ((attach, touched), (detach, before - after)):
        for kind, arn, boundary in sorted(principals):
            keys = {"iam:permissionsboundary": boundary} if boundary else {}
            if policy:
                keys["iam:policyarn"] = policy
            needs.append(Need(f"iam:{verb}{kind}Policy", arn, keys))
    return needs


def _managed_policy(account: str, name: str, old: Props | None, new: Props | None) -> list[Need]:
    props = new if new is not None else old or {}
    arn = f"arn:{PARTITION}:iam::{account}:policy{props.get('Path') or '/'}{props.get('ManagedPolicyName') or name}"
    action = "CreatePolicy" if old is None else "DeletePolicy" if new is None else "CreatePolicyVersion"
    changed = old is None or new is None or old.get("PolicyDocument") != new.get("PolicyDocument")
    return [*([Need(f"iam:{action}", arn)] if changed else []), *_attachments(old, new, "Attach", "Detach", arn)]


def _instance_profile(account: str, name: str, old: Props | None, new: Props | None) -> list[Need]:
    props = new if new is not None else old or {}
    arn = f"arn:{PARTITION}:iam::{account}:instance-profile{props.get('Path') or '/'}{name}"
    needs = [Need("iam:CreateInstanceProfile", arn)] if old is None else []
    needs += [Need("iam:DeleteInstanceProfile", arn)] if new is None else [Need("iam:AddRoleToInstanceProfile", arn)]
    passed = (
        [] if new is None else [str((iam._roles.get(role) or {}).get("Arn") or "*") for role in new.get("Roles") or []]
    )
    return needs + [Need("iam:PassRole", role, {"iam:passedtoservice": "ec2.amazonaws.com"}) for role in passed]


def needed(resource_type: str, old: Props | None, new: Props | None, name: str, account: str) -> list[Need] | None:
    """Return what one change of an IAM resource needs, None for a type that is not mapped."""
    props = new if new is not None else old or {}
    if resource_type == "AWS::IAM::Role":
        return _entity_needs("Role", account, str(props.get("RoleName") or name), old, new)
    if resource_type == "AWS::IAM::User":
        name = str(props.get("UserName") or name)
        return [*_entity_needs("User", account, name, old, new), *_user_extras(account, name, old, new)]
    if resource_type == "AWS::IAM::ManagedPolicy":
        return _managed_policy(account, name.rsplit("/", 1)[-1], old, new)
    if resource_type in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        if "RoleName" in props:
            old = old and {**old, "Roles": [old.get("RoleName")]}
            new = new and {**new, "Roles": [new.get("RoleName")]}
        return _attachments(old, new, "Put", "Delete", "")
    if resource_type == "AWS::IAM::InstanceProfile":
        return _instance_profile(account, str(props.get("InstanceProfileName") or name), old, new)
    return None
