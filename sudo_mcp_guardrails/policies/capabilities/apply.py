"""The apply set: writes to the agent's services inside its environments, and the execution of what was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.boundary.approved import (
    BUILDS,
    CONTROL,
    CONTROL_READS,
    OVERRIDES,
    projects,
)
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def policy(scope: AgentScope) -> PolicyDocument:
    """Return what the apply role has beyond the read set."""
    name = scope.agent.name
    own = tuple(arn for arn in scope.all_own if arn not in scope.stacks)
    statements = [
        Statement(
            sid="ApplyExecuteChangeSet",
            effect="Allow",
            actions=("cloudformation:ExecuteChangeSet",),
            resources=scope.stacks,
            reason="carries out approved change sets of the agent's own stacks",
        ),
    ]
    if scope.proposes:
        statements += _approved(scope)
    if own and scope.writes:
        statements.append(
            Statement(
                sid="ApplyWriteOwnResources",
                effect="Allow",
                actions=scope.writes,
                resources=own,
                reason="approved writes, to the agent's own resources alone",
            )
        )
    if scope.workload_principals:
        statements.append(
            Statement(
                sid="ApplyPassWorkloadRoles",
                effect="Allow",
                actions=("iam:PassRole",),
                resources=(scope.names.workload_roles(name),),
                conditions=(("StringEquals", "iam:PassedToService", scope.workload_principals),),
                reason="the agent's resources run under roles on its own path, which carry its boundary",
            )
        )
    return PolicyDocument("apply", tuple(statements))


def _approved(scope: AgentScope) -> tuple[Statement, ...]:
    """Return what carries out approved requests of Cloud Control and Terraform plans.

    Sources: Service Authorization Reference, AWS Cloud Control API (its actions take no resource and no condition
    key); Cloud Control API user guide, "Specifying credentials for Cloud Control API".
    """
    return (
        Statement(
            sid="ApplyControl",
            effect="Allow",
            actions=(*CONTROL, *CONTROL_READS),
            resources=("*",),
            reason="carries out approved requests of Cloud Control, which reach what the execution role may",
        ),
        Statement(
            sid="ApplyPassExecutionRole",
            effect="Allow",
            actions=("iam:PassRole",),
            resources=(scope.names.role_arn(scope.agent.name, "execution"),),
            conditions=(("StringEquals", "iam:PassedToService", ("cloudformation.amazonaws.com",)),),
            reason="Cloud Control, which is a part of CloudFormation, works as the execution role",
        ),
        Statement(
            sid="ApplyBuild",
            effect="Allow",
            actions=BUILDS,
            resources=projects(scope),
            conditions=tuple(("Null", key, ("true",)) for key in OVERRIDES),
            reason="has the one project apply an approved Terraform plan, as it is set up",
        ),
    )


_PROJECT: Final = (
    "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/{names}-approval-terraform-{agent}"
)

SCENARIOS: Final = (
    Scenario(
        "apply-execute-change-set",
        "apply",
        "cloudformation:ExecuteChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        allowed=True,
        sid="ApplyExecuteChangeSet",
    ),
    Scenario(
        "apply-write-own-item",
        "apply",
        "dynamodb:PutItem",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=True,
        sid="ApplyWriteOwnResources",
    ),
    Scenario(
        "apply-pass-workload-role",
        "apply",
        "iam:PassRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker",
        allowed=True,
        sid="ApplyPassWorkloadRoles",
        context={"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    Scenario("apply-create-resource", "apply", "cloudformation:CreateResource", "*", allowed=True, sid="ApplyControl"),
    Scenario(
        "apply-request-status",
        "apply",
        "cloudformation:GetResourceRequestStatus",
        "*",
        allowed=True,
        sid="ApplyControl",
    ),
    Scenario(
        "apply-pass-execution-role",
        "apply",
        "iam:PassRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/{names}-{agent}-execution",
        allowed=True,
        sid="ApplyPassExecutionRole",
        context={"iam:PassedToService": "cloudformation.amazonaws.com"},
    ),
    Scenario(
        "apply-build",
        "apply",
        "codebuild:StartBuild",
        _PROJECT,
        allowed=True,
        sid="ApplyBuild",
    ),
    Scenario(
        "apply-build-image",
        "apply",
        "codebuild:StartBuild",
        _PROJECT,
        allowed=False,
        context={"codebuild:environment.image": "111111111111.dkr.ecr.us-east-1.amazonaws.com/mine"},
        title="has that project run in an image of its own",
    ),
    Scenario("read-create-resource", "read", "cloudformation:CreateResource", "*", allowed=False),
    Scenario("read-resource", "plan", "cloudformation:GetResource", "*", allowed=False),
)
