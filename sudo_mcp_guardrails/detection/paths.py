"""What led to an alert: the last calls of each run, counted as they come, for who has no store of events at hand."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.codec import as_list, as_text, whole

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.baseline.work import Work
    from sudo_mcp_guardrails.trail.attribution import Attributed

MAX_RUNS: Final = 16
"""Runs of an agent that are remembered, the last ones."""
MAX_STEPS: Final = 8
"""Calls of a run that are remembered, the last ones."""
_COLUMNS: Final = 7
_TEXT: Final = 160


@dataclass(slots=True)
class Path:
    """One run.

    Attributes:
        first: time of its first call that was seen, in seconds since 1970.
        last: of its last one.
        calls: how many there were, as far as they came.
        denied: how many were refused.
        tools: how many different tool calls of an MCP server they came from; those that follow one another count once.
        steps: the last calls: time, action, the event's id, and the error, empty where there was none.
    """

    first: int
    last: int
    calls: int = 0
    denied: int = 0
    tools: int = 0
    tool: str = ""
    steps: deque[tuple[int, str, str, str]] = field(default_factory=lambda: deque(maxlen=MAX_STEPS))


class Paths:
    """Remembers what runs did, those of one agent, within bounds."""

    def __init__(self) -> None:
        self._paths: OrderedDict[str, Path] = OrderedDict()

    def add(self, attributed: Attributed, work: Work) -> None:
        """Count a call, unless it came before or nobody knows of which run it is."""
        if work.again or not work.run:
            return
        event, attribution = attributed
        path = self._paths.get(work.run)
        if path is None:
            path = self._paths[work.run] = Path(work.time, work.time)
            if len(self._paths) > MAX_RUNS:
                self._paths.popitem(last=False)
        self._paths.move_to_end(work.run)
        path.first, path.last = min(path.first, work.time), max(path.last, work.time)
        path.calls += 1
        path.denied += work.call.refused
        tool = (attribution.tool_call or "")[:_TEXT]
        path.tools += bool(tool) and tool != path.tool
        path.tool = tool or path.tool
        path.steps.append((work.time, work.call.action, event.event_id[:_TEXT], (event.error or "")[:_TEXT]))

    def of(self, run: str) -> Path | None:
        """Return what is known of a run."""
        return self._paths.get(run)

    def to_data(self) -> list[list[Any]]:
        """Return what is remembered, as JSON, for the next process."""
        return [
            [run, one.first, one.last, one.calls, one.denied, [one.tools, one.tool], [list(step) for step in one.steps]]
            for run, one in self._paths.items()
        ]

    def take(self, data: object) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        where = "paths of runs"
        for row in as_list(data, MAX_RUNS, where):
            run, first, last, calls, denied, tools, steps = as_list(row, _COLUMNS, where, exactly=True)
            number, tool = as_list(tools, 2, where, exactly=True)
            found = Path(
                whole(first, where),
                whole(last, where),
                whole(calls, where),
                whole(denied, where),
                whole(number, where),
                as_text(tool, where),
            )
            for step in as_list(steps, MAX_STEPS, where):
                time, *texts = as_list(step, 4, where, exactly=True)
                action, event, error = (as_text(one, where) for one in texts)
                found.steps.append((whole(time, where), action, event, error))
            self._paths[as_text(run, where)] = found
