"""The SCP that stops every agent role of every account from changing identity, the trail or the organization."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.scenario import Scenario


def policy(names: GuardrailNames | None = None) -> PolicyDocument:
    """Return the SCP. It names agents by role path, so that it binds nobody else and needs no exemption.

    SCPs bind neither the management account nor service-linked roles (Organizations user guide, "SCPs").

    Args:
        names: Names of the guardrails' own resources. Default: those of the library.
    """
    agents = (("ArnLike", "aws:PrincipalArn", ((names or GuardrailNames()).agent_principals,)),)
    return PolicyDocument(
        "scp-agents",
        (
            Statement(
                sid="OrganizationTrail",
                effect="Deny",
                actions=(
                    *("cloudtrail:Delete*", "cloudtrail:PutEventSelectors", "cloudtrail:StopLogging"),
                    *("cloudtrail:UpdateTrail", "config:Delete*", "config:StopConfigurationRecorder"),
                    *(
                        "guardduty:Delete*",
                        "guardduty:UpdateDetector",
                        "logs:DeleteLogGroup",
                        "logs:PutRetentionPolicy",
                    ),
                ),
                resources=("*",),
                conditions=agents,
                reason="an agent must not hide",
            ),
            Statement(
                sid="OrganizationMembership",
                effect="Deny",
                actions=("account:*", "organizations:*"),
                resources=("*",),
                conditions=agents,
                reason="an agent must not leave or change the organization",
            ),
            Statement(
                sid="OrganizationSignIn",
                effect="Deny",
                actions=(
                    *("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token", "sts:AssumeRole*"),
                    *("sts:GetFederationToken", "sts:GetScopedCredentials", "sts:GetSessionToken"),
                    "sts:GetWebIdentityToken",
                ),
                resources=("*",),
                conditions=agents,
                reason="sessions are minted by the broker, and an agent mints none",
            ),
            Statement(
                sid="OrganizationUsers",
                effect="Deny",
                actions=(
                    *(
                        "iam:*AccessKey",
                        "iam:*Group*",
                        "iam:*LoginProfile",
                        "iam:*MFADevice",
                        "iam:*Provider*",
                    ),
                    *("iam:*ServiceSpecificCredential", "iam:*User*", "iam:*RolePermissionsBoundary"),
                    *("iam:CreatePolicy*", "iam:SetDefaultPolicyVersion", "sso:*", "identitystore:*"),
                ),
                resources=("*",),
                conditions=agents,
                reason="an agent makes no identity that outlives it",
            ),
        ),
    )


def _attack(name: str, action: str, resource: str, sid: str, title: str) -> Scenario:
    return Scenario(name, "apply", action, resource, allowed=False, layer="scp", sid=sid, title=title)


SCENARIOS: Final = (
    _attack(
        "scp-delete-trail",
        "cloudtrail:DeleteTrail",
        "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/organization",
        "OrganizationTrail",
        "deletes the trail",
    ),
    _attack(
        "scp-leave",
        "organizations:LeaveOrganization",
        "*",
        "OrganizationMembership",
        "leaves the organization",
    ),
    _attack(
        "scp-assume",
        "sts:AssumeRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin",
        "OrganizationSignIn",
        "assumes an administrator's role",
    ),
    _attack("scp-create-user", "iam:CreateUser", "*", "OrganizationUsers", "creates a user"),
)
