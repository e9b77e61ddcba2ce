"""The management policies: settings that AWS itself keeps, whoever asks for another, by whichever API.

Each is a policy of its own, so that a target can have some of them; AWS merges those that meet in an account. They
bind members as soon as they are attached: ask for the account status report before.
Source: Organizations user guide, "Declarative policies".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.organization.management import buckets, console, images, metadata, snapshots, vpcs

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy

MANAGEMENT: Final[tuple[ManagementPolicy, ...]] = (
    buckets.POLICY,
    vpcs.POLICY,
    metadata.POLICY,
    snapshots.POLICY,
    images.POLICY,
    console.POLICY,
)
"""All of them."""
