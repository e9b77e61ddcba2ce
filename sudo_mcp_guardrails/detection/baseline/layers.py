"""The layers of baselines, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection.baseline.deviation import Deviation
from sudo_mcp_guardrails.detection.baseline.learning import Learning
from sudo_mcp_guardrails.detection.baseline.new_terms import NewTerms
from sudo_mcp_guardrails.detection.baseline.rates import Rates
from sudo_mcp_guardrails.detection.baseline.surprise import Surprise
from sudo_mcp_guardrails.detection.baseline.work import Works, capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.detection.baseline.planned import PlannedCalls
    from sudo_mcp_guardrails.detection.baseline.work import Task
    from sudo_mcp_guardrails.detection.detector import Layer
    from sudo_mcp_guardrails.detection.profile import AgentProfile


def baseline_layers(
    baselines: Baselines,
    *,
    profiles: Mapping[str, AgentProfile] | None = None,
    planned: PlannedCalls | None = None,
    task: Task = capability,
) -> tuple[Layer, ...]:
    """Return the layers that know what agents did before, for a :class:`~..detector.Detector`.

    Args:
        baselines: what is known of agents. The caller tells it how runs end, with ``learn``.
        profiles: what agents declare. Default: nothing.
        planned: tells what approved plans hold. Default: nobody looks for deviations.
        task: names the task of a session. Default: its capability.
    """
    works = Works(task)
    return (
        NewTerms(baselines, profiles, works),
        Surprise(baselines, works),
        *([Deviation(planned, works)] if planned is not None else []),
        Rates(baselines, works),
        Learning(baselines, works),
    )
