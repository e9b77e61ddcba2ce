"""Deny: users, groups, policies, providers and all else of IAM but the roles that agents' resources carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.capabilities.execution import ROLE_CHANGES, ROLE_UPKEEP
from sudo_mcp_guardrails.policies.organization.agents._scenarios import BOUNDARY, EXECUTION, WORKLOAD, attack
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent, execution_roles, workloads
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

OF_ROLES: Final = (
    *ROLE_CHANGES,
    *(action for action in ROLE_UPKEEP if not action.startswith(("iam:Get", "iam:List"))),
    *("iam:PassRole", "iam:CreateServiceLinkedRole"),
)
"""What other statements decide more closely."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsIdentities",
            effect="Deny",
            # With the id of a denial one reads the guardrails that denied it.
            actions=(*(a for a in changes_of("iam:*") if a not in OF_ROLES), "iam:GetRequestAuthorization*"),
            resources=("*",),
            conditions=any_agent(names),
            reason="an agent makes no identity that outlives it, changes its workloads' roles alone, reads no denial",
        ),
        Statement(
            sid="AgentsRolesElsewhere",
            effect="Deny",
            actions=tuple(action for action in OF_ROLES if action != "iam:PassRole"),
            not_resources=(workloads(names),),
            conditions=any_agent(names),
            reason="the agents' own roles and everybody else's stay as they are",
        ),
        Statement(
            sid="AgentsPassRole",
            effect="Deny",
            actions=("iam:PassRole",),
            not_resources=(workloads(names), execution_roles(names)),
            conditions=any_agent(names),
            reason="what an agent passes carries an agents' boundary",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-identities",
    kind=PolicyKind.SCP,
    stops=("long-term keys", "escalation by policies, boundaries, groups, providers and tags of IAM"),
    build=statements,
    scenarios=(
        attack(
            "scp-pass-admin",
            "iam:PassRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin",
            "AgentsPassRole",
            "passes an administrator's role to a function",
            context={"iam:PassedToService": "lambda.amazonaws.com"},
        ),
        attack(
            "scp-mint-execution-role",
            "iam:CreateRole",
            EXECUTION,
            "AgentsRolesElsewhere",
            "a template makes an execution role of another agent",
            "execution",
            {"iam:PermissionsBoundary": BOUNDARY},
        ),
        attack(
            "scp-trust-execution-role",
            "iam:UpdateAssumeRolePolicy",
            EXECUTION,
            "AgentsRolesElsewhere",
            "a template lets somebody else assume an execution role",
            "execution",
        ),
        attack(
            "scp-create-user",
            "iam:CreateUser",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:user/x",
            "AgentsIdentities",
            "creates a user",
        ),
        attack(
            "scp-access-key",
            "iam:CreateAccessKey",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:user/ann",
            "AgentsIdentities",
            "makes a long-term key",
        ),
        attack(
            "scp-drop-boundary",
            "iam:DeleteRolePermissionsBoundary",
            WORKLOAD,
            "AgentsIdentities",
            "takes the boundary off a role",
            "execution",
        ),
        attack(
            "scp-role-elsewhere",
            "iam:AttachRolePolicy",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin",
            "AgentsRolesElsewhere",
            "a template changes a role that is no agent's",
            "execution",
            {"iam:PermissionsBoundary": BOUNDARY},
        ),
        attack(
            "scp-read-denial",
            "iam:GetRequestAuthorizationDetails",
            "*",
            "AgentsIdentities",
            "reads the guardrails from a denial",
            "read",
        ),
    ),
)
