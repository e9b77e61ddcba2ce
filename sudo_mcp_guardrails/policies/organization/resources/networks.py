"""Deny: the organization's data to requests from unexpected networks, where the settings name networks.

For organizations whose workloads go out by addresses of their own: code that AWS runs outside of a VPC has AWS's
addresses, and is denied, unless its role is exempt. A request by a VPC endpoint has no source address, but tells whose
the endpoint is, in the services that support that key. What a service does in somebody's name is let through.
Source: IAM user guide, "AWS global condition context keys", ``aws:SourceIp``, ``aws:VpceOrgID`` and
``aws:ViaAWSService``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import ADMIN, CONTROL_TOWER, OFFICE, ORGANIZATION, TRUSTED
from sudo_mcp_guardrails.policies.organization.resources._parts import (
    BUCKET,
    DATA,
    EVERYBODY,
    MEMBER,
    NO_SERVICE,
    allowed,
    denied,
    trusted,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_STRANGE: Final = "198.51.100.9"
_FOREIGN: Final = {"aws:VpceOrgID": "o-zzzzzzzzzz", "aws:SourceVpc": "vpc-0123"}


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where no network, or no organization, is given."""
    if not settings.networks or not settings.organization_id:
        return ()
    exempt = settings.exempt_patterns
    rest: Conditions = (
        *((("ArnNotLikeIfExists", "aws:PrincipalArn", exempt),) if exempt else ()),
        *trusted(settings),
        *NO_SERVICE,
        ("BoolIfExists", "aws:ViaAWSService", ("false",)),
    )
    return (
        Statement(
            sid="PerimeterNetworks",
            effect="Deny",
            actions=(*DATA, "sts:AssumeRole"),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("NotIpAddress", "aws:SourceIp", settings.networks),
                ("Null", "aws:SourceIp", ("false",)),
                *rest,
            ),
            reason="credentials that were carried off are of no use elsewhere",
        ),
        Statement(
            sid="PerimeterEndpoints",
            effect="Deny",
            actions=(*DATA, "sts:AssumeRole"),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("StringNotEquals", "aws:VpceOrgID", (settings.organization_id,)),
                ("Null", "aws:VpceOrgID", ("false",)),
                *rest,
            ),
            reason="somebody else's VPC endpoint hides the address that a request comes from",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="perimeter-networks",
    kind=PolicyKind.RCP,
    stops=("use of stolen credentials from elsewhere",),
    build=statements,
    scenarios=(
        denied(
            "member-elsewhere",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "a member's credentials are used from elsewhere",
            ADMIN,
            {**MEMBER, "aws:SourceIp": _STRANGE},
        ),
        denied(
            "member-elsewhere-ipv6",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "they are used from an IPv6 address elsewhere",
            ADMIN,
            {**MEMBER, "aws:SourceIp": "2001:db9::1"},
        ),
        denied(
            "foreign-endpoint",
            "s3:GetObject",
            BUCKET,
            "PerimeterEndpoints",
            "they are used in somebody else's VPC",
            ADMIN,
            {**MEMBER, **_FOREIGN},
        ),
        allowed(
            "member-in-office",
            "s3:GetObject",
            BUCKET,
            "a member reads from the organization's network",
            {**MEMBER, "aws:SourceIp": OFFICE},
        ),
        allowed(
            "own-endpoint",
            "s3:GetObject",
            BUCKET,
            "a member reads by the organization's own endpoint",
            {**MEMBER, "aws:VpceOrgID": ORGANIZATION, "aws:SourceVpc": "vpc-0123"},
        ),
        allowed(
            "unnamed-endpoint",
            "sqs:SendMessage",
            "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders",
            "a member sends by an endpoint of a service that does not say whose it is",
            {**MEMBER, "aws:SourceVpc": "vpc-0123"},
        ),
        allowed(
            "service-in-name",
            "s3:GetObject",
            BUCKET,
            "a service reads in a member's name, from its own address",
            {**MEMBER, "aws:ViaAWSService": "true", "aws:SourceIp": _STRANGE},
        ),
        allowed(
            "vendor-elsewhere",
            "s3:GetObject",
            BUCKET,
            "a vendor that is trusted reads from its own network",
            {"aws:PrincipalOrgID": "o-zzzzzzzzzz", "aws:SourceIp": _STRANGE},
            TRUSTED,
        ),
        allowed(
            "exempt-elsewhere",
            "s3:GetObject",
            BUCKET,
            "an exempt role reads from elsewhere",
            {**MEMBER, "aws:SourceIp": _STRANGE},
            CONTROL_TOWER,
        ),
        allowed(
            "service-elsewhere",
            "s3:PutObject",
            BUCKET,
            "a service delivers from its own address",
            {"aws:SourceIp": _STRANGE},
            "cloudtrail.amazonaws.com",
        ),
        allowed(
            "service-in-name-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "a service reads in a member's name, by its own endpoint",
            {**MEMBER, **_FOREIGN, "aws:ViaAWSService": "true"},
        ),
        allowed(
            "vendor-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "a vendor that is trusted reads by its own endpoint",
            {"aws:PrincipalOrgID": "o-zzzzzzzzzz", **_FOREIGN},
            TRUSTED,
        ),
        allowed(
            "exempt-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "an exempt role reads by somebody else's endpoint",
            {**MEMBER, **_FOREIGN},
            CONTROL_TOWER,
        ),
        allowed(
            "service-by-endpoint",
            "s3:PutObject",
            BUCKET,
            "a service delivers by its own endpoint",
            _FOREIGN,
            "cloudtrail.amazonaws.com",
        ),
    ),
)
