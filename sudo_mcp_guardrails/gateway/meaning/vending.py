"""Calls that hand out what signs in: never reads, whatever their access level says.

``awslabs.aws-api-mcp-server`` 1.5.6 counts several of these among its read-only operations.
Sources: Service Authorization Reference; the class ``credential`` of this project's sensitive reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.approval.reading.api_actions import actions_of
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

_OPERATIONS: Final = {
    "appstream": ("CreateStreamingURL",),
    "codeartifact": ("GetAuthorizationToken",),
    "cognito-identity": ("GetCredentialsForIdentity", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity"),
    "connect": ("GetFederationToken",),
    "datazone": ("GetEnvironmentCredentials",),
    "dsql": ("GenerateDbConnectAdminAuthToken", "GenerateDbConnectAuthToken"),
    "ec2": ("CreateKeyPair", "GetPasswordData", "ImportKeyPair"),
    "ec2-instance-connect": ("SendSSHPublicKey", "SendSerialConsoleSSHPublicKey"),
    "ecr": ("GetAuthorizationToken",),
    "ecr-public": ("GetAuthorizationToken",),
    "eks": ("GetToken",),
    "eks-auth": ("AssumeRoleForPodIdentity",),
    "emr": ("GetClusterSessionCredentials",),
    "emr-containers": ("GetManagedEndpointSessionCredentials",),
    "gamelift": ("GetComputeAuthToken", "GetInstanceAccess", "RequestUploadCredentials"),
    "iam": (
        *("CreateAccessKey", "CreateLoginProfile", "CreateServiceSpecificCredential", "ResetServiceSpecificCredential"),
        *("UpdateAccessKey", "UpdateLoginProfile", "UploadSSHPublicKey", "UploadSigningCertificate"),
    ),
    "lakeformation": ("GetTemporaryGluePartitionCredentials", "GetTemporaryGlueTableCredentials"),
    "lightsail": ("DownloadDefaultKeyPair", "GetInstanceAccessDetails", "GetRelationalDatabaseMasterUserPassword"),
    "mwaa": ("CreateCliToken", "CreateWebLoginToken"),
    "quicksight": (
        *("GenerateEmbedUrlForAnonymousUser", "GenerateEmbedUrlForRegisteredUser", "GetDashboardEmbedUrl"),
        *("GetSessionEmbedUrl",),
    ),
    "rds": ("GenerateDbAuthToken",),
    "redshift": ("GetClusterCredentials", "GetClusterCredentialsWithIAM", "GetIdentityCenterAuthToken"),
    "redshift-serverless": ("GetCredentials",),
    "rolesanywhere": ("CreateSession",),
    "s3": ("CreateSession", "Presign"),
    "s3control": ("GetDataAccess",),
    "sagemaker": (
        "CreatePresignedDomainUrl",
        "CreatePresignedMlflowTrackingServerUrl",
        "CreatePresignedNotebookInstanceUrl",
    ),
    "signin": ("CreateOAuth2Token", "CreateOAuth2TokenWithIAM", "CreateBearerToken"),
    "ssm": ("GetAccessToken", "ResumeSession", "StartSession"),
    "sso": ("GetRoleCredentials", "Login"),
    "sso-oidc": ("CreateToken", "CreateTokenWithIAM", "RegisterClient", "StartDeviceAuthorization"),
    "sts": (
        *("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetDelegatedAccessToken"),
        *("GetFederationToken", "GetScopedCredentials", "GetSessionToken", "GetWebIdentityToken"),
    ),
}
"""Service, as SDKs call it, to operations that hand out, make or renew a credential."""


@dataclass(frozen=True, order=True)
class Vending:
    """Something that signs in and is handed out.

    Attributes:
        service: As SDKs call it.
        operation: As the API calls it; for what the CLI does by itself, its command, such as ``GetToken``.
        line: As :attr:`~sudo_mcp_guardrails.gateway.meaning.declared.DeclaredCall.line`.
    """

    service: str
    operation: str
    line: int = 1


def is_vending(service: str, operation: str) -> bool:
    """Return whether a call hands out what signs in."""
    if operation.casefold() in {name.casefold() for name in _OPERATIONS.get(service, ())}:
        return True
    return any(action.casefold() in _sensitive() for action in actions_of(service, operation))


@cache
def _sensitive() -> frozenset[str]:
    return frozenset(action.casefold() for action in sensitive_actions(SensitiveRead.CREDENTIAL))
