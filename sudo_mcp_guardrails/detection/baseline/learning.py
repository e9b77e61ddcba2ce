"""The last layer: holds what runs do until it is known how they end; it finds nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.detection.baseline.work import Works

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
    from sudo_mcp_guardrails.trail.attribution import Attributed


class Learning:
    """Notes agents' events under their run; an event without run and session is looked at by others, and not learned.

    Args:
        baselines: where they are noted.
        works: tells what events are a part of. Default: its own, tasks are capabilities.
    """

    def __init__(self, baselines: Baselines, works: Works | None = None) -> None:
        self._baselines = baselines
        self._works = works or Works()

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Note an event; there is never an alert."""
        work = self._works.of(attributed, facts, time)
        if work is not None and work.run and not work.again:
            self._baselines.note(work.agent, work.run, work.task, work.call, work.time)
        return []
