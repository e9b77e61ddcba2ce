"""Gap: CloudFormation refuses AWS::Organizations::Organization, OrganizationalUnit, Account and Policy.

ministack 1.5.33 has the API and no resource types for it. Each handler calls the service's own operations, so a
template meets the same validation and the same guards as a call does.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Organizations.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.services import organizations

from .support import call, register

if TYPE_CHECKING:
    from .support import Created, Props


def _do(operation: str, payload: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = call(organizations._DISPATCH[operation], payload, doing=f"organizations:{operation}")
    return answer


def _tags(props: Props) -> list[dict[str, str]]:
    return [{"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in props.get("Tags") or []]


def _retag(resource: str, old: Props, new: Props) -> None:
    gone = {tag["Key"] for tag in _tags(old)} - {tag["Key"] for tag in _tags(new)}
    if gone:
        _do("UntagResource", {"ResourceId": resource, "TagKeys": sorted(gone)})
    if _tags(new):
        _do("TagResource", {"ResourceId": resource, "Tags": _tags(new)})


def _organization_create(_logical_id: str, props: Props, _stack: str) -> Created:
    made = _do("CreateOrganization", {"FeatureSet": props.get("FeatureSet", "ALL")})["Organization"]
    root = _do("ListRoots", {})["Roots"][0]["Id"]
    return made["Id"], {
        "Id": made["Id"],
        "Arn": made["Arn"],
        "ManagementAccountId": made["MasterAccountId"],
        "ManagementAccountArn": made["MasterAccountArn"],
        "RootId": root,
    }


def _organization_delete(_physical_id: str, _props: Props) -> None:
    message = "an organization cannot be deleted on the embedded AWS; give it DeletionPolicy Retain"
    raise ValueError(message)


def _unit_create(_logical_id: str, props: Props, _stack: str) -> Created:
    wanted = {"ParentId": props.get("ParentId"), "Name": props.get("Name"), "Tags": _tags(props)}
    unit = _do("CreateOrganizationalUnit", wanted)["OrganizationalUnit"]
    return unit["Id"], {"Id": unit["Id"], "Arn": unit["Arn"]}


def _unit_update(physical_id: str, old: Props, new: Props, stack: str) -> Created:
    if (old.get("ParentId"), old.get("Name")) != (new.get("ParentId"), new.get("Name")):
        return _unit_create("", new, stack)
    _retag(physical_id, old, new)
    return physical_id, {"Id": physical_id, "Arn": organizations._ous[physical_id]["Arn"]}


def _unit_delete(physical_id: str, _props: Props) -> None:
    if physical_id in organizations._ous:
        _do("DeleteOrganizationalUnit", {"OrganizationalUnitId": physical_id})


def _account_create(_logical_id: str, props: Props, _stack: str) -> Created:
    wanted = {"AccountName": props.get("AccountName"), "Email": props.get("Email"), "Tags": _tags(props)}
    account = _do("CreateAccount", wanted)["CreateAccountStatus"]["AccountId"]
    _place(account, props)
    return account, _account_attributes(account)


def _place(account: str, props: Props) -> None:
    """Move the account below the parent that the template names; AWS allows exactly one."""
    parents = props.get("ParentIds") or []
    if len(parents) > 1:
        message = f"ParentIds has {len(parents)} entries, AWS::Organizations::Account takes one"
        raise ValueError(message)
    current = organizations._accounts[account]["_ParentId"]
    if parents and parents[0] != current:
        _do("MoveAccount", {"AccountId": account, "SourceParentId": current, "DestinationParentId": parents[0]})


def _account_attributes(account: str) -> dict[str, Any]:
    record = organizations._accounts[account]
    return {"AccountId": account} | {key: record[key] for key in ("Arn", "Status", "JoinedMethod", "JoinedTimestamp")}


def _account_update(physical_id: str, old: Props, new: Props, _stack: str) -> Created:
    if (old.get("AccountName"), old.get("Email")) != (new.get("AccountName"), new.get("Email")):
        message = "the name and the email of an account cannot be changed by a stack update"
        raise ValueError(message)
    _place(physical_id, new)
    _retag(physical_id, old, new)
    return physical_id, _account_attributes(physical_id)


def _account_delete(physical_id: str, _props: Props) -> None:
    _do("CloseAccount", {"AccountId": physical_id})


def _policy_content(props: Props) -> str:
    content = props.get("Content")
    return content if isinstance(content, str) else json.dumps(content)


def _policy_create(_logical_id: str, props: Props, _stack: str) -> Created:
    wanted = {"Name": props.get("Name"), "Type": props.get("Type"), "Description": props.get("Description", "")}
    made = _do("CreatePolicy", {**wanted, "Content": _policy_content(props), "Tags": _tags(props)})
    summary = made["Policy"]["PolicySummary"]
    for target in props.get("TargetIds") or []:
        _do("AttachPolicy", {"PolicyId": summary["Id"], "TargetId": target})
    return summary["Id"], {key: summary[key] for key in ("Id", "Arn", "AwsManaged")}


def _policy_update(physical_id: str, old: Props, new: Props, stack: str) -> Created:
    if old.get("Type") != new.get("Type"):
        return _policy_create("", new, stack)
    described = {"Name": new.get("Name"), "Description": new.get("Description", "")}
    answer = _do("UpdatePolicy", {"PolicyId": physical_id, **described, "Content": _policy_content(new)})
    before, now = set(old.get("TargetIds") or []), set(new.get("TargetIds") or [])
    for target in sorted(now - before):
        _do("AttachPolicy", {"PolicyId": physical_id, "TargetId": target})
    for target in sorted(before - now):
        _do("DetachPolicy", {"PolicyId": physical_id, "TargetId": target})
    _retag(physical_id, old, new)
    return physical_id, {key: answer["Policy"]["PolicySummary"][key] for key in ("Id", "Arn", "AwsManaged")}


def _policy_delete(physical_id: str, _props: Props) -> None:
    if physical_id not in organizations._policies:
        return
    for target in list(organizations._attachments.get(physical_id) or []):
        _do("DetachPolicy", {"PolicyId": physical_id, "TargetId": target})
    _do("DeletePolicy", {"PolicyId": physical_id})


def install() -> None:
    """Register the four types."""
    register("AWS::Organizations::Organization", _organization_create, _organization_delete)
    register("AWS::Organizations::OrganizationalUnit", _unit_create, _unit_delete, _unit_update)
    register("AWS::Organizations::Account", _account_create, _account_delete, _account_update)
    register("AWS::Organizations::Policy", _policy_create, _policy_delete, _policy_update)
