"""No way from the internet into a VPC: what goes out by a NAT gateway goes on working, what comes in does not.

No exclusions: a network that is meant to serve the internet belongs to an OU that this policy is not attached to.
Source: Organizations user guide, "EC2 policy syntax and examples".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy, PolicyKind, Target
from sudo_mcp_guardrails.policies.organization.management._parts import of_ec2

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def content(_settings: OrganizationSettings) -> dict[str, Any]:
    """Return the policy's body."""
    return of_ec2(
        {
            "vpc_block_public_access": {
                "internet_gateway_block": {"mode": "block_ingress", "exclusions_allowed": "disabled"}
            }
        }
    )


POLICY: Final = ManagementPolicy(
    id="vpc-public-access",
    kind=PolicyKind.EC2,
    reason="an open security group is harmless where nothing comes in",
    stops=("machines that the internet reaches, whatever their security groups say",),
    content=content,
    target=Target.WORKLOADS,
)
