"""Deny: the organization's data, and its roles, to principals of other organizations and to nobody in particular.

An origin access identity, the old way of CloudFront into a bucket, is no service and no member: use origin access
control. Source: IAM user guide, "Establish permissions guardrails using data perimeters".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import ADMIN, MANAGEMENT, ORGANIZATION, OUTSIDER, TRUSTED
from sudo_mcp_guardrails.policies.organization.resources._parts import (
    BUCKET,
    DATA,
    EVERYBODY,
    MEMBER,
    NO_SERVICE,
    ROLES,
    allowed,
    denied,
    trusted,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_ROLE: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/deploy"
_KEY: Final = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/0123"
_SECRET: Final = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:database-Ab1cD2"  # noqa: S105 - a name
_QUEUE: Final = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders"
_ELSEWHERE: Final = {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where the organization's id is not given."""
    if not settings.organization_id:
        return ()
    return (
        Statement(
            sid="PerimeterIdentities",
            effect="Deny",
            actions=(*DATA, *ROLES),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("StringNotEqualsIfExists", "aws:PrincipalOrgID", (settings.organization_id,)),
                *trusted(settings),
                *NO_SERVICE,
            ),
            reason="data is for the organization, whatever the policy of a bucket or key says",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="perimeter-identities",
    kind=PolicyKind.RCP,
    stops=("data shared with strangers by a resource's policy", "roles that another organization can assume"),
    build=statements,
    scenarios=(
        denied(
            "outsider-reads",
            "s3:GetObject",
            BUCKET,
            "PerimeterIdentities",
            "a stranger reads an object",
            OUTSIDER,
            _ELSEWHERE,
        ),
        denied(
            "loner-reads",
            "s3:GetObject",
            BUCKET,
            "PerimeterIdentities",
            "a stranger whose account is in no organization reads an object",
            OUTSIDER,
        ),
        denied(
            "outsider-decrypts",
            "kms:Decrypt",
            _KEY,
            "PerimeterIdentities",
            "a stranger decrypts",
            OUTSIDER,
            _ELSEWHERE,
        ),
        denied(
            "outsider-secret",
            "secretsmanager:GetSecretValue",
            _SECRET,
            "PerimeterIdentities",
            "a stranger reads a secret",
            OUTSIDER,
            _ELSEWHERE,
        ),
        denied(
            "outsider-sends",
            "sqs:SendMessage",
            _QUEUE,
            "PerimeterIdentities",
            "a stranger sends a message",
            OUTSIDER,
            _ELSEWHERE,
        ),
        denied(
            "outsider-assumes",
            "sts:AssumeRole",
            _ROLE,
            "PerimeterIdentities",
            "a stranger assumes a role that trusts it",
            OUTSIDER,
            _ELSEWHERE,
        ),
        allowed("member-reads", "s3:GetObject", BUCKET, "a member reads an object", MEMBER, ADMIN),
        allowed("member-assumes", "sts:AssumeRole", _ROLE, "a member assumes a role", MEMBER, ADMIN),
        allowed(
            "management-assumes-root",
            "sts:AssumeRoot",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:root",
            "the management account takes a root session of a member account",
            MEMBER,
            MANAGEMENT,
        ),
        denied(
            "outsider-assumes-root",
            "sts:AssumeRoot",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:root",
            "PerimeterIdentities",
            "a stranger takes one",
            OUTSIDER,
            _ELSEWHERE,
        ),
        allowed(
            "member-reads-by-service",
            "s3:GetObject",
            BUCKET,
            "a service reads an object in a member's name",
            {**MEMBER, "aws:ViaAWSService": "true"},
            ADMIN,
        ),
        allowed(
            "vendor-reads",
            "s3:GetObject",
            BUCKET,
            "a vendor that is trusted reads an object",
            _ELSEWHERE,
            TRUSTED,
        ),
        allowed(
            "service-writes",
            "s3:PutObject",
            BUCKET,
            "a service delivers logs of the organization",
            {"aws:SourceAccount": "222222222222", "aws:SourceOrgID": ORGANIZATION},
            "cloudtrail.amazonaws.com",
        ),
        allowed(
            "service-assumes",
            "sts:AssumeRole",
            _ROLE,
            "a service assumes its role",
            principal="lambda.amazonaws.com",
        ),
        allowed(
            "pipeline-signs-in",
            "sts:AssumeRoleWithWebIdentity",
            _ROLE,
            "a pipeline signs in from outside, by OIDC",
            {"token.actions.githubusercontent.com:sub": "repo:example/app:environment:production"},
            OUTSIDER,
        ),
        allowed(
            "person-signs-in", "sts:AssumeRoleWithSAML", _ROLE, "a person signs in from outside, by SAML", {}, OUTSIDER
        ),
        allowed("stranger-asks", "sts:GetCallerIdentity", "*", "a stranger asks who it is", {}, OUTSIDER),
    ),
)
