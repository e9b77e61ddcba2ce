"""What the demo's part "trail" found, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.trace.lines import trace_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.trail.trace.nodes import Trace

_COUNTED: Final = {
    "events": "Events",
    "unique": "Created",
    "duplicates": "Duplicates",
    "conflicts": "Conflicts",
    "dead_letters": "DeadLetters",
    "rejected": "Rejected",
    "messages": "Messages",
}


WIDTH: Final = 150
"""Characters of a printed line of the trace."""


@dataclass
class TrailResult:
    """What was found.

    Args:
        shown_by: Where the events are, in words.
        files: Trail files that were delivered when the scenarios had ended.
        samples: Of these, public samples.
        searchable: Events that are found.
        attributed: Of these, agents' work.
        seconds: From the end of the last scenario until every file was taken in and its events were found.
        locked: Whether a delivered file withstood its own account's root.
        runs: Runs that are known, at most fifty.
        trace: Of the run with the most events.
        counts: What the handler counted, the fast path's events and the files' together.
        reconciled: What the comparison of bucket, ledger and index found; None where there is no function to do it.
        cold_ms: Of the function's first invocation, its start included.
        warm_ms: Of the next one.
        function_mb: Most memory that a process of the function took.
    """

    shown_by: str
    files: int = 0
    samples: int = 0
    searchable: int = 0
    attributed: int = 0
    seconds: float = 0.0
    locked: bool = False
    runs: int = 0
    trace: Trace | None = None
    counts: dict[str, int] = field(default_factory=dict)
    reconciled: dict[str, Any] | None = None
    cold_ms: float | None = None
    warm_ms: float | None = None
    function_mb: float | None = None

    def add(self, metrics: Mapping[str, float]) -> None:
        """Take over what the handler counted."""
        self.counts = {name: int(metrics.get(metric, 0)) for name, metric in _COUNTED.items()}

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = {
            f"{self.counts.get('rejected', 0)} events were refused by the sink": self.counts.get("rejected", 0) == 0,
            # Later calls, such as those of this very part, are taken in too, so that there may be more to count.
            f"{self.searchable} events are found of {self.counts.get('unique', 0)} that were taken in": (
                0 < self.searchable <= self.counts.get("unique", 0)
            ),
            "no event is attributed to an agent": self.attributed > 0,
            "a delivered file could be deleted": self.locked,
            "no run was traced": self.trace is not None and self.trace.events > 0,
        }
        if self.reconciled is not None:
            found["the comparison of bucket, ledger and index did not end"] = bool(self.reconciled.get("finished"))
            found[f"{self.reconciled.get('broken')} files are broken"] = self.reconciled.get("broken") == 0
        return [problem for problem, fine in found.items() if not fine]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints under ``trail``."""
        return {
            "shown_by": self.shown_by,
            "ok": not self.problems,
            "problems": self.problems,
            "files": self.files,
            "samples": self.samples,
            **self.counts,
            "searchable": self.searchable,
            "attributed": self.attributed,
            "seconds": round(self.seconds, 1),
            "locked": self.locked,
            "runs": self.runs,
            "trace": self.trace.summary() if self.trace is not None else None,
            "reconciled": self.reconciled,
            "cold_start_ms": _rounded(self.cold_ms),
            "warm_ms": _rounded(self.warm_ms),
            "function_mb": _rounded(self.function_mb),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        counts = self.counts
        yield f"The audit trail, shown by the embedded AWS and {self.shown_by}:"
        yield (
            f"{self.files} files of CloudTrail ({self.samples} of them public samples) and the calls that came within "
            f"seconds: {counts['events']} events, {counts['unique']} different, {counts['duplicates']} came again, "
            f"{counts['dead_letters']} dead letters, {counts['rejected']} refused"
        )
        yield (
            f"{self.searchable} events found, {self.attributed} of them agents' work in {self.runs} runs, "
            f"{self.seconds:.1f} s after the last scenario"
        )
        if self.locked:
            yield "a delivered file could not be deleted, not even by its account's root"
        if self.reconciled is not None:
            named = ", ".join(f"{self.reconciled[name]} {name}" for name in ("checked", "missing", "broken"))
            yield f"bucket, ledger and index compared: {named}"
        if self.cold_ms is not None and self.warm_ms is not None:
            peak = f", at most {self.function_mb:.0f} MB" if self.function_mb is not None else ""
            yield (
                f"the Lambda function as a process of this machine: first invocation {self.cold_ms:.0f} ms, "
                f"the next {self.warm_ms:.0f} ms{peak}"
            )
        if self.trace is not None:
            yield "One run, of those with the most events:"
            yield from (_cut(line.text) for line in trace_lines(self.trace))
        for problem in self.problems:
            yield f"PROBLEM: {problem}"


def _cut(text: str) -> str:
    """Return a line that fits a wide terminal; the HTML timeline has all of it."""
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
