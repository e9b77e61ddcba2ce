"""No image becomes public; one that is stays so, since AWS has no stronger setting.

Source: Organizations user guide, "EC2 policy syntax and examples".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy, PolicyKind
from sudo_mcp_guardrails.policies.organization.management._parts import of_ec2

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def content(_settings: OrganizationSettings) -> dict[str, Any]:
    """Return the policy's body."""
    return of_ec2({"image_block_public_access": {"state": "block_new_sharing"}})


POLICY: Final = ManagementPolicy(
    id="image-public-access",
    kind=PolicyKind.EC2,
    reason="an image holds what was on the machine it was made of",
    stops=("public images",),
    content=content,
)
