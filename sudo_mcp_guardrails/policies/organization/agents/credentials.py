"""Deny: credentials of others, which a service hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

STEPS: Final = (
    *("airflow:CreateCliToken", "airflow:CreateWebLoginToken", "airflow:InvokeRestApi"),
    *("appsync:CreateApiKey", "athena:CreatePresignedNotebookUrl", "athena:GetSessionEndpoint"),
    *("bedrock-agentcore:GetResourceApiKey", "bedrock-agentcore:GetResourceOauth2Token"),
    *("bedrock-agentcore:GetResourcePaymentToken", "bedrock-agentcore:GetWorkloadAccessToken"),
    "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
    *("bedrock-agentcore:GetWorkloadAccessTokenForUserId", "chime:CreateApiKey"),
    *("cloud9:CreateEnvironmentSSH", "cloud9:CreateEnvironmentToken"),
    *("codeartifact:GetAuthorizationToken", "cognito-identity:GetCredentialsForIdentity"),
    *("cognito-identity:GetOpenIdToken", "cognito-identity:GetOpenIdTokenForDeveloperIdentity"),
    *("connect:GetFederationToken", "datazone:GetEnvironmentCredentials"),
    *("deadline:AssumeFleetRoleForRead", "deadline:AssumeQueueRoleForRead"),
    *("deadline:AssumeQueueRoleForUser", "dsql:DbConnect", "dsql:DbConnectAdmin"),
    *("ec2-instance-connect:OpenTunnel", "ec2-instance-connect:SendSSHPublicKey"),
    *("ec2-instance-connect:SendSerialConsoleSSHPublicKey", "ec2:GetPasswordData"),
    *("eks-auth:AssumeRoleForPodIdentity", "elasticmapreduce:GetClusterSessionCredentials"),
    *("elasticmapreduce:OpenEditorInConsole", "emr-containers:GetManagedEndpointSessionCredentials"),
    *("finspace-api:GetProgrammaticAccessCredentials", "gamelift:GetComputeAccess"),
    *("gamelift:GetComputeAuthToken", "gamelift:GetInstanceAccess", "gamelift:RequestUploadCredentials"),
    *("glue:GetSessionEndpoint", "grafana:CreateWorkspaceApiKey", "iot:CreateKeysAndCertificate"),
    *("lakeformation:GetTemporaryGlueTableCredentials", "license-manager:GetAccessToken"),
    *("lightsail:CreateBucketAccessKey", "lightsail:DownloadDefaultKeyPair"),
    *("lightsail:GetInstanceAccessDetails", "lightsail:GetRelationalDatabaseMasterUserPassword"),
    *("mediapackage:RotateChannelCredentials", "mediapackage:RotateIngestEndpointCredentials"),
    *("rds-db:connect", "redshift-serverless:GetCredentials", "redshift:GetClusterCredentials"),
    *("redshift:GetClusterCredentialsWithIAM", "s3:GetDataAccess", "sagemaker:CreatePresignedDomainUrl"),
    *("sagemaker:CreatePresignedNotebookInstanceUrl", "ssm:GetAccessToken"),
    *("storagegateway:DescribeChapCredentials", "transfer:ImportSshPublicKey"),
)
"""Actions that return a credential, a token or a signed address."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsCredentials",
            effect="Deny",
            actions=tuple(action for action in STEPS if action not in settings.direct_actions),
            resources=("*",),
            conditions=any_agent(names),
            reason="a credential that a service hands out is somebody else's",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-credentials",
    kind=PolicyKind.SCP,
    stops=("escalation by credentials that a service hands out",),
    build=statements,
    scenarios=(
        attack(
            "scp-database-credentials",
            "redshift:GetClusterCredentials",
            "arn:${AWS::Partition}:redshift:${AWS::Region}:${AWS::AccountId}:dbuser:payroll/admin",
            "AgentsCredentials",
            "gets the credentials of a database user",
        ),
    ),
)
