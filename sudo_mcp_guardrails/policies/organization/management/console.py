"""No serial console: a way into a machine past its network.

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
    return of_ec2({"serial_console_access": {"status": "disabled"}})


POLICY: Final = ManagementPolicy(
    id="serial-console",
    kind=PolicyKind.EC2,
    reason="no security group and no session recording is between the serial console and the machine",
    stops=("logging on to a machine past its network",),
    content=content,
)
