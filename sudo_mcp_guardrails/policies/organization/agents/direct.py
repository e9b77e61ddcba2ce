"""Deny: the steps by which something runs with a role that is not one's own, but for change sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import all_but, any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

STEPS: Final = (
    *("airflow:UpdateEnvironment", "apprunner:CreateService", "apprunner:UpdateService"),
    *("appsync:CreateDataSource", "autoscaling:CreateLaunchConfiguration"),
    *("bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:CreateGatewayTarget"),
    *("bedrock-agentcore:CreateHarness", "bedrock-agentcore:CreatePolicy"),
    *("bedrock-agentcore:DeletePolicy", "bedrock-agentcore:PutResourcePolicy"),
    *("bedrock-agentcore:UpdateAgentRuntime", "bedrock-agentcore:UpdateGateway"),
    *("bedrock-agentcore:UpdateGatewayTarget", "bedrock-agentcore:UpdateHarness"),
    *("bedrock-agentcore:UpdatePolicy", "bedrock-agentcore:UpdateWorkloadIdentity"),
    *("bedrock:DeleteGuardrail", "bedrock:PrepareAgent", "bedrock:UpdateFlow", "bedrock:UpdateGuardrail"),
    *("budgets:CreateBudgetAction", "chatbot:CreateSlackChannelConfiguration", "codebuild:CreateProject"),
    *("codebuild:CreateWebhook", "codebuild:UpdateProject", "codebuild:UpdateWebhook"),
    *("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    *("cognito-identity:SetIdentityPoolRoles", "cognito-identity:UpdateIdentityPool"),
    *("config:PutRemediationConfigurations", "datapipeline:CreatePipeline"),
    *("ec2:AssociateIamInstanceProfile", "ec2:CreateLaunchTemplateVersion"),
    *("ec2:ReplaceIamInstanceProfileAssociation", "ec2:RunInstances", "ecr:SetRepositoryPolicy"),
    *("ecs:RegisterTaskDefinition", "eks:AssociateAccessPolicy", "eks:CreateAccessEntry"),
    *("eks:CreateFargateProfile", "eks:CreateNodegroup", "eks:CreatePodIdentityAssociation"),
    *("eks:UpdateAccessEntry", "eks:UpdatePodIdentityAssociation"),
    *("elasticbeanstalk:CreateApplicationVersion", "elasticmapreduce:AddJobFlowSteps"),
    *("elasticmapreduce:RunJobFlow", "events:PutTargets", "fis:CreateExperimentTemplate"),
    *("gamelift:CreateBuild", "glue:CreateDevEndpoint", "glue:CreateJob", "glue:UpdateDevEndpoint"),
    *("glue:UpdateJob", "imagebuilder:CreateComponent", "iot:CreateRoleAlias"),
    *("kinesisanalytics:CreateApplication", "kms:CreateGrant", "kms:PutKeyPolicy"),
    *("lambda:AddPermission", "lambda:CreateFunction", "lambda:UpdateFunctionCode"),
    *("lambda:UpdateFunctionConfiguration", "omics:CreateWorkflow", "pipes:CreatePipe"),
    *("pipes:UpdatePipe", "rolesanywhere:CreateProfile", "rolesanywhere:CreateTrustAnchor"),
    *("rolesanywhere:UpdateProfile", "rolesanywhere:UpdateTrustAnchor", "route53:CreateHostedZone"),
    *("s3:PutBucketAcl", "s3:PutBucketPolicy", "sagemaker:CreateModel"),
    *("sagemaker:CreateNotebookInstance", "sagemaker:CreateNotebookInstanceLifecycleConfig"),
    *("sagemaker:CreatePipeline", "sagemaker:UpdateNotebookInstanceLifecycleConfig"),
    *("scheduler:CreateSchedule", "scheduler:UpdateSchedule", "secretsmanager:PutResourcePolicy"),
    *("servicecatalog:CreateProvisioningArtifact", "ssm:CreateAssociation"),
    *("ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateAssociation", "ssm:UpdateDocument"),
    *("ssm:UpdateMaintenanceWindowTask", "states:CreateStateMachine", "states:UpdateStateMachine"),
    "transfer:CreateUser",
)
"""What CloudFormation does too, of which at least one is a step of each path that nothing else here blocks."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsDirect",
            effect="Deny",
            actions=tuple(action for action in STEPS if action not in settings.direct_actions),
            resources=("*",),
            conditions=all_but(names, "execution"),
            reason="what runs with a role is changed by approved change sets alone",
        ),
        Statement(
            sid="AgentsAssets",
            effect="Deny",
            actions=("s3:PutObject", "s3:ReplicateObject"),
            resources=(f"arn:{PARTITION}:s3:::cdk-*-assets-*",),
            conditions=any_agent(names),
            reason="what the CDK deploys next is not an agent's to replace",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-direct",
    kind=PolicyKind.SCP,
    stops=("escalation by what has a stronger role already, or is given one",),
    build=statements,
    scenarios=(
        attack(
            "scp-function-code",
            "lambda:UpdateFunctionCode",
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:payroll",
            "AgentsDirect",
            "takes over a function that runs under somebody else's role",
        ),
        attack(
            "scp-assets",
            "s3:PutObject",
            "arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/x.zip",
            "AgentsAssets",
            "replaces what somebody else deploys next",
        ),
    ),
)
