"""The boundary that all execution roles of an account share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.capabilities.build import ceiling as build
from sudo_mcp_guardrails.policies.capabilities.execution import ROLE_CHANGES, ROLE_UPKEEP
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.scope import STACK_VIEWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.policies.scope import AgentScope


def execution_boundary(scopes: Sequence[AgentScope]) -> PolicyDocument:
    """Return the boundary for the execution roles of all agents of an account.

    What is particular to an agent (its resources, its Regions) stands as Deny in the policy of its own execution
    role; what holds for all stands here.

    Args:
        scopes: The agents, at least one, of one deployment.
    """
    names = scopes[0].names
    services = sorted({service for scope in scopes for service in scope.services})
    principals = tuple(sorted({p for scope in scopes for p in scope.workload_principals})) or ("none",)
    workloads = f"arn:{PARTITION}:iam::{ACCOUNT}:role{names.agents_path}*/workloads/*"
    boundaries = f"arn:{PARTITION}:iam::{ACCOUNT}:policy{names.boundary_path}{names.prefix}-agent-*"
    upkeep = tuple(a for a in ROLE_UPKEEP if not a.startswith(("iam:Get", "iam:List")))
    ceiling = (
        *ROLE_CHANGES,
        *ROLE_UPKEEP,
        "iam:PassRole",
        *STACK_VIEWS,
        *(f"{service}:*" for service in services),
        *sorted({a for scope in scopes for a in build(scope) if a.split(":")[0] not in services}),
    )
    return PolicyDocument(
        "execution-boundary",
        (
            Statement(
                sid="ExecutionCeiling",
                effect="Allow",
                actions=ceiling,
                resources=("*",),
                reason="a permissions boundary caps and does not grant; its Deny statements confine it",
            ),
            Statement(
                sid="ExecutionOutsideCeiling",
                effect="Deny",
                not_actions=ceiling,
                resources=("*",),
                reason="no change of an agent needs users, policies, boundaries, the trail or the organization",
            ),
            Statement(
                sid="ExecutionRolesOnAgentsPath",
                effect="Deny",
                actions=(*ROLE_CHANGES, *upkeep, "iam:PassRole"),
                not_resources=(workloads,),
                reason="the agents' own roles and everybody else's stay as they are",
            ),
            Statement(
                sid="ExecutionRolesNeedBoundary",
                effect="Deny",
                actions=ROLE_CHANGES,
                resources=("*",),
                conditions=(("ArnNotLike", "iam:PermissionsBoundary", (boundaries,)),),
                reason="a role without an agent's boundary would be free",
            ),
            Statement(
                sid="ExecutionPassRoleService",
                effect="Deny",
                actions=("iam:PassRole",),
                resources=("*",),
                conditions=(("StringNotEquals", "iam:PassedToService", principals),),
                reason="workload roles are for the services that the agents hold",
            ),
            *(
                (
                    Statement(
                        sid="ExecutionForeignBuckets",
                        effect="Deny",
                        actions=("s3:*",),
                        resources=("*",),
                        conditions=(("StringNotEqualsIfExists", "aws:ResourceAccount", ("${aws:PrincipalAccount}",)),),
                        reason="a bucket of the right name in another account is a way out for data",
                    ),
                )
                if "s3" in services or any(scope.terraform for scope in scopes)
                else ()
            ),
        ),
    )


def _attack(  # noqa: PLR0917 - rows of a table
    name: str, action: str, role: str, sid: str, context: dict[str, str], title: str
) -> Scenario:
    return Scenario(
        name,
        "execution",
        action,
        f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{role}",
        allowed=False,
        layer="boundary",
        sid=sid,
        context=context,
        title=title,
    )


_BOUNDARY: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/{names}/boundary/{names}-agent-{agent}"
_WORKLOAD: Final = "{names}/agents/{agent}/workloads/worker"

SCENARIOS: Final = (
    _attack(
        "execution-drop-boundary",
        "iam:DeleteRolePermissionsBoundary",
        _WORKLOAD,
        "ExecutionOutsideCeiling",
        {},
        "a template takes the boundary off a role",
    ),
    _attack(
        "execution-role-off-path",
        "iam:CreateRole",
        "helper",
        "ExecutionRolesOnAgentsPath",
        {"iam:PermissionsBoundary": _BOUNDARY},
        "a template makes a role off the agents' path",
    ),
    _attack(
        "execution-change-agent-role",
        "iam:AttachRolePolicy",
        "{names}/agents/{agent}/{names}-{agent}-apply",
        "ExecutionRolesOnAgentsPath",
        {"iam:PermissionsBoundary": _BOUNDARY},
        "a template attaches a policy to the apply role",
    ),
    _attack(
        "execution-role-without-boundary",
        "iam:CreateRole",
        _WORKLOAD,
        "ExecutionRolesNeedBoundary",
        {},
        "a template makes a role without the boundary",
    ),
    _attack(
        "execution-pass-role-to-ec2",
        "iam:PassRole",
        _WORKLOAD,
        "ExecutionPassRoleService",
        {"iam:PassedToService": "ec2.amazonaws.com"},
        "a template passes a workload's role to a service that no agent holds",
    ),
    Scenario(
        "execution-foreign-bucket",
        "execution",
        "s3:PutBucketPolicy",
        "arn:${AWS::Partition}:s3:::{prefix}drop",
        allowed=False,
        layer="boundary",
        sid="ExecutionForeignBuckets",
        context={"aws:ResourceAccount": "999999999999"},
        title="a template changes a bucket of the right name in another account",
    ),
)
