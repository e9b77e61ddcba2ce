"""How the scenarios of the agents' pack are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scenario import Scenario

_IAM: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
EXECUTION: Final = f"{_IAM}:role/{{names}}/agents/{{agent}}/{{names}}-{{agent}}-execution"
BOUNDARY: Final = f"{_IAM}:policy/{{names}}/boundary/{{names}}-agent-{{agent}}"
WORKLOAD: Final = f"{_IAM}:role/{{names}}/agents/{{agent}}/workloads/worker"


def attack(  # noqa: PLR0917 - rows of a table
    id: str,
    action: str,
    resource: str,
    sid: str,
    title: str,
    capability: str = "apply",
    context: dict[str, str] | None = None,
) -> Scenario:
    """Return a request of an agent that an SCP denies by a statement."""
    return decided(id, action, resource, title, layer="scp", sid=sid, capability=capability, context=context)
