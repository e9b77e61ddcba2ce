"""The ceiling: the services an agent may touch at all; everything else is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.approved import BUILDS, control
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.scope import STACK_VIEWS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def patterns(scope: AgentScope) -> tuple[str, ...]:
    """Return the action patterns of the ceiling."""
    return (
        *("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", *STACK_VIEWS, *control(scope)),
        *("iam:PassRole", "sts:GetCallerIdentity"),
        *(("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents") if scope.log_groups else ()),
        *(("lambda:InvokeFunction*",) if scope.proposes and "lambda" not in scope.services else ()),
        *(BUILDS if scope.proposes and "codebuild" not in scope.services else ()),
        *(f"{service}:*" for service in scope.services),
    )


def statements(scope: AgentScope) -> tuple[Statement, Statement]:
    """Return the ceiling as an Allow, and as a Deny of everything else.

    IAM, STS (``AssumeRole``, ``GetScopedCredentials``, ``GetWebIdentityToken``, ``GetFederationToken``,
    ``GetSessionToken``), Organizations, CloudTrail, sign-in and every service the agent was not given are
    denied by the second one, those that AWS adds tomorrow included.
    """
    ceiling = patterns(scope)
    return (
        Statement(
            sid="BoundaryCeiling",
            effect="Allow",
            # In fewer characters: what of CloudFormation is inside the ceiling, the next one says.
            actions=("cloudformation:*", *(p for p in ceiling if not p.startswith("cloudformation:"))),
            resources=("*",),
            reason="a permissions boundary caps and does not grant; its Deny statements confine it",
        ),
        Statement(
            sid="BoundaryOutsideCeiling",
            effect="Deny",
            not_actions=ceiling,
            resources=("*",),
            reason="what an agent was not given is denied, even where a resource policy names its session",
        ),
    )


def _attack(name: str, capability: str, action: str, resource: str, title: str) -> Scenario:
    return Scenario(
        name,
        capability,
        action,
        resource,
        allowed=False,
        layer="boundary",
        sid="BoundaryOutsideCeiling",
        title=title,
    )


_ROLE: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/{names}-{agent}-apply"

SCENARIOS: Final = (
    Scenario(
        "ceiling-own-service",
        "apply",
        "dynamodb:PutItem",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=True,
        title="writes an item into its own table",
    ),
    _attack(
        "apply-delete-stack",
        "apply",
        "cloudformation:DeleteStack",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        "deletes its own stack without a change set that somebody approved",
    ),
    _attack("drop-boundary", "apply", "iam:DeleteRolePermissionsBoundary", _ROLE, "drops its own boundary"),
    _attack("attach-admin", "apply", "iam:AttachRolePolicy", _ROLE, "attaches AdministratorAccess to itself"),
    _attack("create-user", "apply", "iam:CreateUser", "*", "creates a user to stay"),
    _attack("tag-tier", "apply", "iam:TagRole", _ROLE, "tags itself into another tier"),
    _attack("assume-apply", "plan", "sts:AssumeRole", _ROLE, "assumes the apply role without the broker"),
    _attack(
        "assume-cdk-deploy",
        "apply",
        "sts:AssumeRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-deploy-role-${AWS::AccountId}-${AWS::Region}",
        "assumes the CDK's deploy role",
    ),
    _attack(
        "scoped-credentials",
        "apply",
        "sts:GetScopedCredentials",
        "*",
        "mints credentials that outlive the run",
    ),
    _attack("web-identity-token", "apply", "sts:GetWebIdentityToken", "*", "mints a token for an outside audience"),
    _attack("federation-token", "apply", "sts:GetFederationToken", "*", "federates a session of its own"),
    _attack("session-token", "apply", "sts:GetSessionToken", "*", "mints a session token"),
    _attack("leave-organization", "apply", "organizations:LeaveOrganization", "*", "leaves the organization"),
    _attack(
        "stop-trail",
        "apply",
        "cloudtrail:StopLogging",
        "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/organization",
        "stops the trail",
    ),
    _attack(
        "oauth-mint",
        "read",
        "signin:CreateOAuth2Token",
        "arn:${AWS::Partition}:signin:${AWS::Region}:${AWS::AccountId}:service-principal/aws-mcp.amazonaws.com",
        "mints an OAuth token for the AWS MCP Server",
    ),
)
