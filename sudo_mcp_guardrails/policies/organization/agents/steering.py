"""Deny: making something run that has a role already, as no template does: sessions, commands, jobs, builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.approved import BUILD
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

STEPS: Final = (
    *("acm-pca:IssueCertificate", "agent-registry:UpdateRegistryRecordStatus"),
    *("athena:StartCalculationExecution", "batch:SubmitJob"),
    *("bedrock-agentcore:InvokeAgentRuntimeCommand", "bedrock-agentcore:InvokeAgentRuntimeCommandShell"),
    "bedrock-agentcore:InvokeAgentRuntimeForUser",
    "bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser",
    *("bedrock-agentcore:InvokeCodeInterpreter", "bedrock-agentcore:StartBrowserSession"),
    *("bedrock-agentcore:UpdateRegistryRecordStatus", "braket:CreateJob", "codebuild:StartBuild"),
    *("codebuild:StartBuildBatch", "codebuild:StartCommandExecution", "codebuild:StartSandbox"),
    *("codecommit:GitPush", "codedeploy:RegisterApplicationRevision", "codepipeline:PollForJobs"),
    *("codepipeline:PutApprovalResult", "ds:ResetUserPassword", "ec2:CreateReplaceRootVolumeTask"),
    *("ec2:RequestSpotInstances", "ec2:StopInstances", "ecr:PutImage", "ecs:ExecuteCommand"),
    *("ecs:RunTask", "ecs:StartTask", "elasticmapreduce:StartNotebookExecution"),
    *("emr-containers:StartJobRun", "emr-serverless:StartJobRun", "glue:RunStatement"),
    *("sagemaker:CreateHyperParameterTuningJob", "sagemaker:CreateProcessingJob"),
    *("sagemaker:CreateTrainingJob", "sagemaker:StartSession", "ssm-guiconnect:StartConnection"),
    *("ssm:ResumeSession", "ssm:SendCommand", "ssm:StartAutomationExecution"),
    *("ssm:StartChangeRequestExecution", "ssm:StartSession", "states:TestState"),
)
"""Steps of escalation paths that no template takes."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsSteering",
            effect="Deny",
            # Which build an apply role may start is decided apart.
            actions=tuple(a for a in STEPS if a not in settings.direct_actions and a != BUILD),
            resources=("*",),
            conditions=any_agent(names),
            reason="what runs under somebody else's role is not an agent's to steer",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-steering",
    kind=PolicyKind.SCP,
    stops=("escalation by steering what has a stronger role already",),
    build=statements,
    scenarios=(
        attack(
            "scp-start-session",
            "ssm:StartSession",
            "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:instance/i-0123456789abcdef0",
            "AgentsSteering",
            "opens a shell on an instance that has a role",
        ),
    ),
)
