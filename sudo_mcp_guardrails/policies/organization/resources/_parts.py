"""What the RCPs share: the data that they are about, who is no outsider, and how their scenarios are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.reference import ADMIN, ORGANIZATION
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings
    from sudo_mcp_guardrails.policies.scenario import Scenario

EVERYBODY: Final = (("*", "*"),)
"""An RCP names no other principal."""
DATA: Final = ("kms:*", "s3:*", "secretsmanager:*", "sqs:*")
ROLES: Final = ("sts:AssumeRole", "sts:AssumeRoot")
"""Ways into a role by a principal of AWS.

``sts:AssumeRoleWithSAML`` and ``sts:AssumeRoleWithWebIdentity`` are not among them: people and pipelines sign in by
them from outside of AWS, and belong to no organization until they have. Their ``sts:TagSession`` and
``sts:SetSourceIdentity`` are left out for the same reason. No policy denies ``sts:GetCallerIdentity``.
"""
NO_SERVICE: Final[Conditions] = (("BoolIfExists", "aws:PrincipalIsAWSService", ("false",)),)
"""An AWS service that acts for itself has no organization. The key is absent where nobody signed the request."""

BUCKET: Final = "arn:${AWS::Partition}:s3:::payroll/2026.csv"
MEMBER: Final = {"aws:PrincipalOrgID": ORGANIZATION}


def trusted(settings: OrganizationSettings) -> Conditions:
    """Return the condition that the caller's account is not one of those outside that are trusted."""
    accounts = settings.trusted_accounts
    return (("StringNotEqualsIfExists", "aws:PrincipalAccount", accounts),) if accounts else ()


def denied(  # noqa: PLR0917 - rows of a table
    id: str,
    action: str,
    resource: str,
    sid: str,
    title: str,
    principal: str,
    context: dict[str, str] | None = None,
) -> Scenario:
    """Return a request that an RCP denies by a statement."""
    return decided(id, action, resource, title, layer="rcp", sid=sid, context=context, principal=principal)


def allowed(  # noqa: PLR0917 - rows of a table
    id: str, action: str, resource: str, title: str, context: dict[str, str] | None = None, principal: str = ADMIN
) -> Scenario:
    """Return a request that goes through all the same."""
    return decided(id, action, resource, title, layer="rcp", context=context, principal=principal)
