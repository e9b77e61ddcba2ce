"""Each kind of step's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.response.steps.approvals import ApprovalsWay
from sudo_mcp_guardrails.response.steps.in_flight import BuildsWay, RequestsWay, StacksWay
from sudo_mcp_guardrails.response.steps.places import ScpWay, SwitchWay
from sudo_mcp_guardrails.response.steps.roles import BoundaryWay, DenyWay, TrustWay
from sudo_mcp_guardrails.response.steps.step import Kind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.steps.step import Way

WAYS: Final[dict[Kind, Way]] = {
    Kind.SWITCH: SwitchWay(),
    Kind.SCP: ScpWay(),
    Kind.DENY: DenyWay(),
    Kind.BOUNDARY: BoundaryWay(),
    Kind.TRUST: TrustWay(),
    Kind.APPROVALS: ApprovalsWay(),
    Kind.STACKS: StacksWay(),
    Kind.REQUESTS: RequestsWay(),
    Kind.BUILDS: BuildsWay(),
}
"""Every kind has one."""
