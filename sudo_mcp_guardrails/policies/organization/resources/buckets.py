"""Deny: the guardrails' own buckets, of logs and evidence, to whoever is not of the organization.

Unlike the rest of the perimeter this trusts no account outside: whom an organization shares data with is no reason to
share its evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import OUTSIDER, TRUSTED
from sudo_mcp_guardrails.policies.organization.resources._parts import EVERYBODY, MEMBER, NO_SERVICE, allowed, denied

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_LOG: Final = "arn:${AWS::Partition}:s3:::{names}-trail-${AWS::AccountId}/AWSLogs/x.json.gz"
_ELSEWHERE: Final = {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where the organization's id is not given."""
    if not settings.organization_id:
        return ()
    return (
        Statement(
            sid="PerimeterBuckets",
            effect="Deny",
            actions=("s3:*",),
            resources=(f"arn:{PARTITION}:s3:::{settings.names.prefix}*",),
            principals=EVERYBODY,
            conditions=(
                ("StringNotEqualsIfExists", "aws:PrincipalOrgID", (settings.organization_id,)),
                *NO_SERVICE,
            ),
            reason="evidence of what agents did is for the organization, and for no partner of it",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="perimeter-buckets",
    kind=PolicyKind.RCP,
    stops=("reading or spoiling the guardrails' evidence from outside",),
    build=statements,
    scenarios=(
        denied(
            "vendor-reads-evidence",
            "s3:GetObject",
            _LOG,
            "PerimeterBuckets",
            "a vendor that is trusted with data reads evidence",
            TRUSTED,
            _ELSEWHERE,
        ),
        denied(
            "outsider-writes-evidence",
            "s3:PutObject",
            _LOG,
            "PerimeterBuckets",
            "a stranger writes evidence",
            OUTSIDER,
            _ELSEWHERE,
        ),
        allowed("member-reads-evidence", "s3:GetObject", _LOG, "an auditor of the organization reads evidence", MEMBER),
        allowed(
            "trail-writes-evidence",
            "s3:PutObject",
            _LOG,
            "CloudTrail delivers evidence",
            {"aws:SourceAccount": "111111111111", "aws:SourceOrgID": "o-a1b2c3d4e5"},
            "cloudtrail.amazonaws.com",
        ),
    ),
)
