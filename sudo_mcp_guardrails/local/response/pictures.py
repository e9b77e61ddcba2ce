"""A picture of everything that containment could have changed, to be compared byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.response.site import ACCOUNT, MANAGEMENT

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.response.site import DrillSite


def picture(site: DrillSite) -> dict[str, bytes]:
    """Return, by name, what each role and policy is, where SCPs are attached, and what the switch has.

    Roles with trust policy, boundary, tags, inline and attached policies; customer-managed policies with all their
    versions; the targets of each SCP; the items of the switch. In both accounts.

    Args:
        site: Of the drill.
    """
    found: dict[str, Any] = {}
    for account in (ACCOUNT, MANAGEMENT):
        found |= _identities(site.client("iam", account), account)
    organizations = site.client("organizations", MANAGEMENT)
    for policy in organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]:
        targets = organizations.list_targets_for_policy(PolicyId=policy["Id"])["Targets"]
        found[f"scp {policy['Name']}"] = sorted(each["TargetId"] for each in targets)
    found["switch"] = site.client("dynamodb").scan(TableName=site.outputs["SwitchTable"])["Items"]
    return {name: json.dumps(value, sort_keys=True, default=str).encode() for name, value in found.items()}


def _identities(iam: Any, account: str) -> dict[str, Any]:  # noqa: ANN401 - of boto3
    found: dict[str, Any] = {}
    for page in iam.get_paginator("list_roles").paginate():
        for each in page["Roles"]:
            name = each["RoleName"]
            role = iam.get_role(RoleName=name)["Role"]
            # When it was used last is no part of what it is.
            role.pop("RoleLastUsed", None)
            inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
            found[f"role {account} {name}"] = [
                role,
                iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
                [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in sorted(inline)],
            ]
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
            found[f"policy {account} {policy['PolicyName']}"] = [
                policy,
                [
                    iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=each["VersionId"])["PolicyVersion"]
                    for each in versions
                ],
            ]
    return found
