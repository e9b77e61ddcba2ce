"""Deny: the organization's data to AWS services that act for somebody outside.

Only where the service says for whom it acts: not all do, and then ``aws:SourceAccount`` is absent.
Source: IAM user guide, "The confused deputy problem".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import ORGANIZATION, VENDOR
from sudo_mcp_guardrails.policies.organization.resources._parts import BUCKET, DATA, EVERYBODY, allowed, denied

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_TRAIL: Final = "cloudtrail.amazonaws.com"


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where the organization's id is not given."""
    if not settings.organization_id:
        return ()
    accounts = settings.trusted_accounts
    trusted = (("StringNotEquals", "aws:SourceAccount", accounts),) if accounts else ()
    return (
        Statement(
            sid="PerimeterDeputies",
            effect="Deny",
            actions=(*DATA, "sts:*"),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("StringNotEqualsIfExists", "aws:SourceOrgID", (settings.organization_id,)),
                *trusted,
                ("Null", "aws:SourceAccount", ("false",)),
                ("Bool", "aws:PrincipalIsAWSService", ("true",)),
            ),
            reason="a service must not be the arm of somebody outside",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="perimeter-deputies",
    kind=PolicyKind.RCP,
    stops=("a confused deputy: a service that acts for somebody else's account",),
    build=statements,
    scenarios=(
        denied(
            "deputy-of-stranger",
            "s3:PutObject",
            BUCKET,
            "PerimeterDeputies",
            "a service delivers into a bucket for another organization",
            _TRAIL,
            {"aws:SourceAccount": "888888888888", "aws:SourceOrgID": "o-zzzzzzzzzz"},
        ),
        denied(
            "deputy-of-loner",
            "s3:PutObject",
            BUCKET,
            "PerimeterDeputies",
            "a service delivers into a bucket for an account of no organization",
            _TRAIL,
            {"aws:SourceAccount": "888888888888"},
        ),
        denied(
            "deputy-assumes",
            "sts:AssumeRole",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/deploy",
            "PerimeterDeputies",
            "a service assumes a role for another organization",
            "glue.amazonaws.com",
            {"aws:SourceAccount": "888888888888", "aws:SourceOrgID": "o-zzzzzzzzzz"},
        ),
        allowed(
            "deputy-of-member",
            "s3:PutObject",
            BUCKET,
            "a service delivers for another account of the organization",
            {"aws:SourceAccount": "222222222222", "aws:SourceOrgID": ORGANIZATION},
            _TRAIL,
        ),
        allowed(
            "deputy-of-vendor",
            "s3:PutObject",
            BUCKET,
            "a service delivers for an account that is trusted",
            {"aws:SourceAccount": VENDOR, "aws:SourceOrgID": "o-zzzzzzzzzz"},
            _TRAIL,
        ),
        allowed(
            "member-with-source",
            "s3:PutObject",
            BUCKET,
            "a member, who is no service, is judged by who it is",
            {"aws:PrincipalOrgID": ORGANIZATION, "aws:SourceAccount": "888888888888"},
        ),
        allowed(
            "silent-service",
            "s3:PutObject",
            BUCKET,
            "a service that does not say for whom it acts delivers",
            principal="logging.s3.amazonaws.com",
        ),
    ),
)
