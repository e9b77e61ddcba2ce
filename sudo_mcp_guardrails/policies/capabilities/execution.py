"""The execution set: what CloudFormation, or a build of Terraform, may do for an approved change of the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.boundary import keys
from sudo_mcp_guardrails.policies.boundary.reach import REACHING
from sudo_mcp_guardrails.policies.boundary.regions import global_services, region_conditions
from sudo_mcp_guardrails.policies.boundary.scope import read_exceptions
from sudo_mcp_guardrails.policies.boundary.sensitive import data_reads, unconfined_reads
from sudo_mcp_guardrails.policies.capabilities import build
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.sensitive import kept, sensitive_actions
from sudo_mcp_guardrails.policies.terraform import project_name

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.scope import AgentScope

ROLE_CHANGES: Final = (
    *(
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePolicy",
    ),
)
"""Changes of a role for which IAM has the condition key ``iam:PermissionsBoundary``."""
ROLE_UPKEEP: Final = (
    *(
        "iam:DeleteRole",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
    ),
    *("iam:ListRoleTags", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"),
    "iam:UpdateRoleDescription",
)
"""What else CloudFormation does with a role. None of it widens what the role may do beyond its boundary."""


def execution_trust(names: GuardrailNames, agent: str, *, terraform: bool) -> Statement:
    """Return whom an execution role trusts, which is one service alone.

    Args:
        names: Names of the guardrails' own resources.
        agent: Name of the agent.
        terraform: Whether CodeBuild applies its Terraform plans; else CloudFormation executes its change sets.
    """
    if not terraform:
        return trust.cloudformation()
    project = f"arn:{PARTITION}:codebuild:{REGION}:{ACCOUNT}:project/{project_name(names, agent)}"
    return trust.codebuild(project)


def policy(scope: AgentScope) -> PolicyDocument:
    """Return what the execution role has beyond the read set."""
    name, workloads = scope.agent.name, scope.names.workload_roles(scope.agent.name)
    own = tuple(arn for arn in scope.all_own if arn not in scope.stacks)
    apart = build.DECRYPTS if scope.terraform else ()
    reached = (*own, *build.reached(scope))
    # Whatever a service can do to the agent's own resources, CloudFormation may: the ARNs confine it, and a list of
    # actions would have to grow with every property that a resource type gains.
    work = tuple(f"{service}:*" for service in scope.services if scope.own(service))
    statements = []
    if own and work:
        statements.append(
            Statement(
                sid="ExecutionWork",
                effect="Allow",
                actions=work,
                resources=own,
                reason="carries out approved changes of the agent's own resources",
            )
        )
    if scope.workload_principals:
        statements += [
            Statement(
                sid="ExecutionChangeRoles",
                effect="Allow",
                actions=ROLE_CHANGES,
                resources=(workloads,),
                conditions=(("StringEquals", "iam:PermissionsBoundary", (scope.names.boundary_arn(name),)),),
                reason="roles of the agent's resources, on its own path and under its boundary",
            ),
            Statement(
                sid="ExecutionKeepRoles",
                effect="Allow",
                actions=ROLE_UPKEEP,
                resources=(workloads,),
                reason="upkeep of those roles",
            ),
            Statement(
                sid="ExecutionPassWorkloadRoles",
                effect="Allow",
                actions=("iam:PassRole",),
                resources=(workloads,),
                conditions=(("StringEquals", "iam:PassedToService", scope.workload_principals),),
                reason="the agent's resources run under those roles",
            ),
        ]
    statements.append(
        Statement(
            sid="ExecutionOutsideScope",
            effect="Deny",
            # Keys have no names that one could tell apart here: ``ExecutionKeysByS3`` says who uses them.
            not_actions=(*read_exceptions(scope), *apart, *build.looks(scope)),
            not_resources=(*reached, workloads),
            reason="a resource policy that names the execution role must not widen what the agent owns",
        )
    )
    elsewhere = data_reads(scope)
    if elsewhere:
        statements.append(
            Statement(
                sid="ExecutionForeignData",
                effect="Deny",
                actions=elsewhere,
                not_resources=reached,
                reason="a template is filled from the agent's own data alone, whatever a resource policy allows",
            )
        )
    sensitive = tuple(
        a
        for kind in kept(scope.agent.sensitive_reads)
        if kind.value in {"secret", "credential"}
        for a in sensitive_actions(kind)
        if a.split(":")[0] in scope.services
    )
    sensitive = tuple(dict.fromkeys(a for a in (*sensitive, *unconfined_reads(scope)) if a not in apart))
    if sensitive:
        statements.append(
            Statement(
                sid="ExecutionSecrets",
                effect="Deny",
                actions=sensitive,
                resources=("*",),
                reason="a template's dynamic references are resolved as this role and must not bring secrets out",
            )
        )
    statements.append(
        Statement(
            sid="ExecutionReach",
            effect="Deny",
            # The boundary is shared, so that its ceiling has the services of all agents.
            actions=tuple(pattern for patterns in REACHING.values() for pattern in patterns),
            resources=("*",),
            reason="what they change is not what IAM is asked about",
        )
    )
    statements += keys.statements(scope, "ExecutionKeys", besides=apart[:1])
    for index, conditions in enumerate(region_conditions(scope)):
        statements.append(
            Statement(
                sid=f"ExecutionRegions{index or ''}",
                effect="Deny",
                not_actions=("iam:*", "s3:ListAllMyBuckets", *global_services(scope)),
                resources=("*",),
                conditions=conditions,
                reason="changes stay in the agent's Regions",
            )
        )
    return PolicyDocument("execution", tuple(statements))


_TABLE: Final = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"
_BOUNDARY: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/{names}/boundary/{names}-agent-{agent}"

SCENARIOS: Final = (
    Scenario(
        "execution-create-table",
        "execution",
        "dynamodb:CreateTable",
        f"{_TABLE}{{prefix}}orders",
        allowed=True,
        sid="ExecutionWork",
    ),
    Scenario(
        "execution-run-everywhere",
        "execution",
        "ssm:SendCommand",
        "arn:${AWS::Partition}:s3:::{prefix}scripts",
        allowed=False,
        sid="ExecutionReach",
        title="runs scripts of its own bucket on every node",
    ),
    Scenario(
        "execution-foreign-object",
        "execution",
        "s3:GetObject",
        "arn:${AWS::Partition}:s3:::payroll/2026.csv",
        allowed=False,
        sid="ExecutionForeignData",
        title="fills a template from somebody else's object",
    ),
    Scenario(
        "execution-create-bounded-role",
        "execution",
        "iam:CreateRole",
        _WORKLOAD,
        allowed=True,
        sid="ExecutionChangeRoles",
        context={"iam:PermissionsBoundary": _BOUNDARY},
    ),
    Scenario(
        "execution-delete-role",
        "execution",
        "iam:DeleteRole",
        _WORKLOAD,
        allowed=True,
        sid="ExecutionKeepRoles",
    ),
    Scenario(
        "execution-pass-workload-role",
        "execution",
        "iam:PassRole",
        _WORKLOAD,
        allowed=True,
        sid="ExecutionPassWorkloadRoles",
        context={"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    Scenario(
        "execution-foreign-table",
        "execution",
        "dynamodb:DeleteTable",
        f"{_TABLE}payroll",
        allowed=False,
        sid="ExecutionOutsideScope",
    ),
    Scenario(
        "execution-resolve-secret",
        "execution",
        "secretsmanager:GetSecretValue",
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:{prefix}db-AbCdEf",
        allowed=False,
        sid="ExecutionSecrets",
    ),
    Scenario(
        "execution-other-region",
        "execution",
        "dynamodb:CreateTable",
        "arn:${AWS::Partition}:dynamodb:ap-south-1:${AWS::AccountId}:table/{prefix}orders",
        allowed=False,
        sid="ExecutionRegions",
        region="ap-south-1",
    ),
)
