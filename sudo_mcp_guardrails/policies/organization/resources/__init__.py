"""The RCPs: who may reach the organization's data at all, whatever a bucket's or a key's own policy says.

They bind requests for resources of member accounts, by whomever; not those of service-linked roles, nor for the
management account. Source: Organizations user guide, "Resource control policies".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.resources import buckets, deputies, identities, networks

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail

GUARDRAILS: Final[tuple[OrganizationGuardrail, ...]] = (
    identities.GUARDRAIL,
    deputies.GUARDRAIL,
    networks.GUARDRAIL,
    buckets.GUARDRAIL,
)
"""In the order of the documents."""
