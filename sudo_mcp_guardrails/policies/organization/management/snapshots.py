"""No public EBS snapshots; those that there are become private.

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
    return of_ec2({"snapshot_block_public_access": {"state": "block_all_sharing"}})


POLICY: Final = ManagementPolicy(
    id="snapshot-public-access",
    kind=PolicyKind.EC2,
    reason="a public snapshot is a disk that everybody can read",
    stops=("public disks",),
    content=content,
)
