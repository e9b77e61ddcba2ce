"""The layers of baselines, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sudo_mcp_guardrails.detection.baseline.deviation import Deviation
from sudo_mcp_guardrails.detection.baseline.learning import Learning
from sudo_mcp_guardrails.detection.baseline.new_terms import NewTerms
from sudo_mcp_guardrails.detection.baseline.rates import Rates
from sudo_mcp_guardrails.detection.baseline.surprise import Surprise
from sudo_mcp_guardrails.detection.baseline.work import Works, capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.detection.baseline.planned import PlannedCalls
    from sudo_mcp_guardrails.detection.baseline.work import Task
    from sudo_mcp_guardrails.detection.detector import Layer
    from sudo_mcp_guardrails.detection.profile import AgentProfile
    from sudo_mcp_guardrails.trail.attribution import Attributed


class RememberingLayer(Protocol):
    """A layer whose memory of single agents goes from one process to the next."""

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return what it finds in one event."""
        ...

    def to_data(self) -> Any:  # noqa: ANN401 - any JSON
        """Return what it remembers, as JSON."""
        ...

    def take(self, data: object) -> None:
        """Remember what another one gave; raises DetectionError for anything else."""
        ...


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
    return (*looking_layers(baselines, works, profiles=profiles, planned=planned).values(), Learning(baselines, works))


def looking_layers(
    baselines: Baselines,
    works: Works,
    *,
    profiles: Mapping[str, AgentProfile] | None = None,
    planned: PlannedCalls | None = None,
) -> dict[str, RememberingLayer]:
    """Return the layers that look, in their order, by names under which what they remember is handed on.

    Args:
        baselines: as of :func:`baseline_layers`.
        works: tells what events are a part of.
        profiles: as of :func:`baseline_layers`.
        planned: as of :func:`baseline_layers`.
    """
    deviation = {"deviation": Deviation(planned, works)} if planned is not None else {}
    return {
        "terms": NewTerms(baselines, profiles, works),
        "surprise": Surprise(baselines, works),
        **deviation,
        "rates": Rates(baselines, works),
    }
