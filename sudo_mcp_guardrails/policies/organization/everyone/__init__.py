"""The SCPs for everyone: optional packs, which bind every principal of an account but those who are exempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.everyone import public_exposure, regions, root, security_services

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail

PACKS: Final[dict[str, tuple[OrganizationGuardrail, ...]]] = {
    "root": (root.GUARDRAIL,),
    "regions": (regions.GUARDRAIL,),
    "public-exposure": (public_exposure.GUARDRAIL,),
    "security-services": (security_services.GUARDRAIL,),
}
"""Each is a pack of its own, since an organization may have one of them already."""
