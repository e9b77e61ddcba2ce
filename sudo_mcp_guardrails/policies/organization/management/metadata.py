"""Machines ask for a token before they hand out the credentials of their role.

A default for machines that are started from now on, which somebody may still start otherwise. Two hops let a
container reach its machine. Source: Organizations user guide, "EC2 policy syntax and examples".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy, PolicyKind
from sudo_mcp_guardrails.policies.organization.management._parts import of_ec2

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def content(_settings: OrganizationSettings) -> dict[str, Any]:
    """Return the policy's body."""
    return of_ec2(
        {
            "instance_metadata_defaults": {
                "http_tokens": "required",
                "http_put_response_hop_limit": "2",
                "http_endpoint": "no_preference",
                "instance_metadata_tags": "no_preference",
            }
        }
    )


POLICY: Final = ManagementPolicy(
    id="instance-metadata",
    kind=PolicyKind.EC2,
    reason="a request that an attacker has a server make cannot carry a token",
    stops=("theft of a role's credentials by a forged server-side request",),
    content=content,
)
