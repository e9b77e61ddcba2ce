"""The roles that contain: what each may do.

One role in each account acts on the agents' roles there, and one in the account that manages SCPs attaches those that
are there already. Neither can make a policy, a role or a user, nor attach a policy other than the one that denies all,
so that whoever steals one can stop agents, and open their trust policies, but not make one an administrator.
Sources: Service Authorization Reference, IAM (``iam:PolicyARN``, ``iam:PermissionsBoundary``) and Organizations; IAM
user guide, "Delegate permission management to others by using permissions boundaries".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.containment.names import (
    ContainmentPolicyError,
    boundary_arn,
    deny_arn,
    records_name,
    response_arn,
    table_name,
)
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, ROLE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_IAM: Final = f"arn:{PARTITION}:iam::{ACCOUNT}"


def response_policy(names: GuardrailNames, stacks: Sequence[str] = ()) -> PolicyDocument:
    """Return what the role of an account may do.

    Args:
        names: Names of the guardrails' own resources.
        stacks: ARN patterns of the agents' stacks, whose updates and change sets it may cancel. Default: none.
    """
    roles = (
        *(f"{_IAM}:role{names.agents_path}*/{names.prefix}-*-{kind}" for kind in ROLE_KINDS),
        f"{_IAM}:role{names.agents_path}*/workloads/*",
    )
    boundaries = (
        boundary_arn(names),
        f"{_IAM}:policy{names.boundary_path}{names.prefix}-agent-*",
        f"{_IAM}:policy{names.boundary_path}{names.execution_boundary_name}",
    )
    return PolicyDocument(
        "response",
        (
            Statement(
                sid="RespondRead",
                effect="Allow",
                actions=("iam:GetRole", "iam:ListAttachedRolePolicies"),
                resources=roles,
                reason="reads what was there before, for the restore record",
            ),
            Statement(
                sid="RespondDeny",
                effect="Allow",
                actions=("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
                resources=roles,
                conditions=(("ArnEquals", "iam:PolicyARN", (deny_arn(names),)),),
                reason="attaches the policy that denies all, takes it off again, and attaches no other",
            ),
            Statement(
                sid="RespondBoundary",
                effect="Allow",
                actions=("iam:PutRolePermissionsBoundary",),
                resources=roles,
                conditions=(("ArnLike", "iam:PermissionsBoundary", boundaries),),
                reason="swaps an agent's boundary for the one that denies all, and back; never takes it away",
            ),
            Statement(
                sid="RespondTrust",
                effect="Allow",
                actions=("iam:UpdateAssumeRolePolicy",),
                resources=roles,
                reason="closes the trust policies of the agents' roles, and opens them again as they were",
            ),
            *_in_flight(names, tuple(stacks)),
        ),
    )


def _in_flight(names: GuardrailNames, stacks: tuple[str, ...]) -> tuple[Statement, ...]:
    """Return the statements about work in flight."""
    deployments = (
        Statement(
            sid="RespondStacks",
            effect="Allow",
            actions=(
                *("cloudformation:CancelUpdateStack", "cloudformation:DeleteChangeSet"),
                *("cloudformation:ListChangeSets",),
            ),
            resources=stacks,
            reason="cancels what agents deploy, and deletes what they prepared",
        ),
    )
    return (
        *(deployments if stacks else ()),
        Statement(
            sid="RespondListing",
            effect="Allow",
            actions=(
                *("cloudformation:CancelResourceRequest", "cloudformation:DescribeStacks"),
                *("cloudformation:ListResourceRequests",),
            ),
            resources=("*",),
            reason="finds stacks, and cancels requests of Cloud Control, which no ARN names",
        ),
        Statement(
            sid="RespondBuilds",
            effect="Allow",
            actions=("codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject", "codebuild:StopBuild"),
            resources=(f"arn:{PARTITION}:codebuild:*:{ACCOUNT}:project/{names.approval_name('terraform-*')}",),
            reason="stops the builds that apply plans of Terraform",
        ),
    )


def responder_policy(names: GuardrailNames, accounts: Sequence[str] = ()) -> PolicyDocument:
    """Return what the function that carries a containment out may do itself: become those roles, switch, and record.

    Args:
        names: Names of the guardrails' own resources.
        accounts: Accounts of the roles that it becomes. Default: its own.
    """
    table = f"arn:{PARTITION}:dynamodb:*:{ACCOUNT}:table/{table_name(names)}"
    bucket = f"arn:{PARTITION}:s3:::{records_name(names)}-*"
    return PolicyDocument(
        "responder",
        (
            Statement(
                sid="ResponderRoles",
                effect="Allow",
                actions=("sts:AssumeRole",),
                resources=tuple(response_arn(names, account=account) for account in (*accounts,) or (ACCOUNT,)),
                reason="acts in the agents' accounts",
            ),
            Statement(
                sid="ResponderSwitch",
                effect="Allow",
                actions=("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                resources=(table,),
                conditions=(("ForAllValues:StringEquals", "dynamodb:LeadingKeys", (names.prefix,)),),
                reason="throws the switch and takes it back",
            ),
            Statement(
                sid="ResponderRecords",
                effect="Allow",
                actions=("s3:GetObject", "s3:ListBucket", "s3:PutObject"),
                resources=(bucket, f"{bucket}/*"),
                reason="writes down what was there before it changes anything; deletes nothing",
            ),
        ),
    )


def organization_policy(policies: Sequence[str], targets: Sequence[str]) -> PolicyDocument:
    """Return what the role that attaches SCPs may do, in the account that manages them.

    Args:
        policies: ARNs of the SCPs that contain; at least one.
        targets: ARNs of the roots, OUs and accounts that they may be attached to; at least one.

    Raises:
        ContainmentPolicyError: Where either is empty or holds a wildcard: the role would attach any SCP.
    """
    for what, arns in (("policies", policies), ("targets", targets)):
        if not arns or any("*" in arn or "?" in arn for arn in arns):
            raise ContainmentPolicyError(
                f"{what} {', '.join(arns)[:80]!r} are not allowed, expected whole ARNs, at least one"
            )
    return PolicyDocument(
        "response-organization",
        (
            Statement(
                sid="RespondScps",
                effect="Allow",
                actions=("organizations:AttachPolicy", "organizations:DetachPolicy"),
                resources=(*policies, *targets),
                reason="attaches the SCPs that contain agents, and takes them off again",
            ),
            Statement(
                sid="RespondScpTargets",
                effect="Allow",
                actions=("organizations:ListTargetsForPolicy",),
                resources=tuple(policies),
                reason="reads where they are attached, for the restore record",
            ),
        ),
    )
