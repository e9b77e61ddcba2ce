"""What the SCPs for everyone share: their exemption, and how their scenarios are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.policies.organization.reference import ADMIN
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings
    from sudo_mcp_guardrails.policies.scenario import Scenario


def not_exempt(settings: OrganizationSettings) -> Conditions:
    """Return the condition that the caller is not exempt; nothing where nobody is."""
    patterns = settings.exempt_patterns
    return (("ArnNotLike", "aws:PrincipalArn", patterns),) if patterns else ()


def denied(  # noqa: PLR0917 - rows of a table
    id: str,
    action: str,
    resource: str,
    sid: str,
    title: str,
    context: dict[str, str] | None = None,
    principal: str = ADMIN,
    region: str | None = None,
) -> Scenario:
    """Return a request that an SCP for everyone denies by a statement."""
    return decided(
        id, action, resource, title, layer="scp", sid=sid, context=context, principal=principal, region=region
    )


def allowed(  # noqa: PLR0917 - rows of a table
    id: str,
    action: str,
    resource: str,
    title: str,
    context: dict[str, str] | None = None,
    principal: str = ADMIN,
    region: str | None = None,
) -> Scenario:
    """Return a request that goes through all the same."""
    return decided(id, action, resource, title, layer="scp", context=context, principal=principal, region=region)
