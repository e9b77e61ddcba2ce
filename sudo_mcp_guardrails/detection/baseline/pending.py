"""What a run did so far: nobody knows yet whether it ends well, so nothing is learned of it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field

from sudo_mcp_guardrails.detection.baseline.codec import as_object, as_text, whole
from sudo_mcp_guardrails.detection.baseline.document import MAX_TASKS, Baseline, unpacked
from sudo_mcp_guardrails.detection.errors import DetectionError


@dataclass(slots=True)
class Pending:
    """One run.

    Attributes:
        counts: what it did, under the agent's name; its ``epoch`` is that in which the run began.
        peaks: the highest surprise in each task, in eighths of a bit.
        spoiled: whether something forbids to learn of it: another agent's event under the same run.
    """

    counts: Baseline
    peaks: dict[str, int] = field(default_factory=dict)
    spoiled: bool = False

    @property
    def latest(self) -> int:
        """The day of its last event."""
        return self.counts.latest

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.counts.size

    def finished(self) -> Baseline:
        """Return what is learned if it ended well: the counts, and the session with its peaks."""
        for task, peak in self.peaks.items():
            counts = self.counts.find(task)
            day = max(counts.calls, default=-1)
            if day >= 0:
                peaks = counts.sessions.setdefault(day, {})
                peaks[peak] = peaks.get(peak, 0) + 1
        self.peaks = {}
        self.counts.merges = 1
        return self.counts

    def to_bytes(self) -> bytes:
        """Return the run packed."""
        data = {"counts": self.counts.to_data(), "peaks": dict(sorted(self.peaks.items())), "spoiled": self.spoiled}
        return zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Pending:
        """Return the run that :meth:`to_bytes` wrote.

        Raises:
            DetectionError: for anything else.
        """
        found = as_object(unpacked(data), "pending run")
        counts = Baseline.from_data(found.get("counts"))
        peaks = as_object(found.get("peaks"), f"peaks of a run of {counts.name!r}")
        if len(peaks) > MAX_TASKS + 1:
            raise DetectionError(f"run of {counts.name!r} has peaks of {len(peaks)} tasks, allowed: {MAX_TASKS + 1}")
        where = f"peaks of a run of {counts.name!r}"
        known = {as_text(task, where): whole(peak, where) for task, peak in peaks.items()}
        return cls(counts, known, found.get("spoiled") is not False)
