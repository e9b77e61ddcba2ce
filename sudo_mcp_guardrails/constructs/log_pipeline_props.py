"""How large the function of a log pipeline is, whose tags it believes, and what a pipeline refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.trail.attributing.sessions import broker_roles

if TYPE_CHECKING:
    from collections.abc import Sequence


class PipelineError(GuardrailsError):
    """Props of a pipeline that contradict each other, or a number outside its range."""


@dataclass(frozen=True)
class IngesterSize:
    """How large the function that takes files in is.

    Args:
        memory_mib: 512 to 10,240.
        timeout_seconds: 30 to 900. A message that failed is shown again after six times as long.
        concurrency: Invocations at once, reserved, 4 to 1,000; an account with the default quota of 10 has none to
            reserve, so there None leaves it to the event sources, at ten.
        batch: Messages at once, 1 to 1,000.

    Raises:
        PipelineError: For a number outside its range.
    """

    memory_mib: int = 1024
    timeout_seconds: int = 120
    concurrency: int | None = 10
    batch: int = 50

    def __post_init__(self) -> None:
        """Validate."""
        ranges = {
            "memory_mib": (512, 10_240),
            "timeout_seconds": (30, 900),
            "concurrency": (4, 1000),
            "batch": (1, 1000),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise PipelineError(f"ingester's {name} {value} is not allowed, expected {least} to {most}")


def broker_variables(brokers: Sequence[str] | None) -> dict[str, str]:
    """Return what tells a function whose session tags it believes.

    Args:
        brokers: ARNs of roles; None for everybody's.

    Raises:
        PipelineError: For none in a list, and text in the place of one.
        TrailError: For what is no role's ARN.
    """
    if brokers is None:
        return {}
    if isinstance(brokers, str) or not brokers:
        raise PipelineError(f"brokers {brokers!r} are not allowed, expected a list of roles' ARNs, or None for no list")
    broker_roles([arn for arn in brokers if not cdk.Token.is_unresolved(arn)])
    return {"BROKER_ROLES": ",".join(brokers)}
