"""No public bucket in any account: all four blocks of public access, over every bucket's and account's own setting.

Source: Organizations user guide, "Amazon S3 policy syntax and examples".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy, PolicyKind
from sudo_mcp_guardrails.policies.organization.management._parts import assigned

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def content(_settings: OrganizationSettings) -> dict[str, Any]:
    """Return the policy's body."""
    return assigned({"s3_attributes": {"public_access_block_configuration": "all"}})


POLICY: Final = ManagementPolicy(
    id="s3-public-access",
    kind=PolicyKind.S3,
    reason="a bucket that cannot be public is not public by mistake",
    stops=("public buckets, by ACL or policy, old or new",),
    content=content,
)
