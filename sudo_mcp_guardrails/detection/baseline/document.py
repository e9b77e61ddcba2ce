"""What is known of one agent: a document that is versioned, bounded and can be read."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sudo_mcp_guardrails.detection.baseline.codec import as_object, as_text, counts_data, counts_of, whole
from sudo_mcp_guardrails.detection.baseline.counts import OTHERS, WINDOW, Counts, surplus
from sudo_mcp_guardrails.detection.errors import DetectionError

FORMAT: Final = 1
MAX_TASKS: Final = 8
"""Tasks that are kept apart; what the others do is counted together."""
MAX_BYTES: Final = 8 * 1024 * 1024
"""Largest document that is read, unpacked."""
_SHOWN: Final = 10


@dataclass(slots=True)
class Baseline:
    """What one agent did, by task; also what all agents of a task did, and what one run did so far.

    Attributes:
        name: of the agent.
        tasks: counts of each task.
        merges: how many runs were learned.
        frozen: whether nothing is learned now.
        epoch: how often it was frozen or thawed; a run that saw another epoch is not learned.
    """

    name: str
    tasks: dict[str, Counts] = field(default_factory=dict)
    merges: int = 0
    frozen: bool = False
    epoch: int = 0

    @property
    def latest(self) -> int:
        """The last day of which anything is known; -1 where nothing is."""
        return max((day for one in self.tasks.values() for day in one.calls), default=-1)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return sum(one.size for one in self.tasks.values())

    def counts(self, task: str) -> Counts:
        """Return where a task is counted, made where it is not there."""
        found = self.tasks.get(task)
        if found is None:
            found = self.tasks[task] = Counts()
            self._fold()
            found = self.tasks.get(task) or self.tasks[OTHERS]
        return found

    def find(self, task: str) -> Counts:
        """Return what is known of a task, without a change; nothing where it is unknown."""
        return self.tasks.get(task) or self.tasks.get(OTHERS) or Counts()

    def merge(self, other: Baseline) -> None:
        """Add what another holds, in any order of others, and forget what is too old by then."""
        for task, counts in other.tasks.items():
            self.tasks.setdefault(task, Counts()).merge(counts)
        self._fold()
        self.merges += other.merges
        latest = self.latest
        for counts in self.tasks.values():  # an empty one stays: its place decides which others are folded
            counts.trim(latest)

    def _fold(self) -> None:
        for task in surplus(self.tasks, MAX_TASKS):
            folded = self.tasks.pop(task)
            self.tasks.setdefault(OTHERS, Counts()).merge(folded)

    def to_data(self) -> dict[str, Any]:
        """Return the document as JSON's own types, in one order."""
        return {
            "format": FORMAT,
            "name": self.name,
            "merges": self.merges,
            "frozen": self.frozen,
            "epoch": self.epoch,
            "tasks": {task: counts_data(self.tasks[task]) for task in sorted(self.tasks)},
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON, 64 hexadecimal digits: the same for the same content."""
        return hashlib.sha256(_text(self.to_data())).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the document packed."""
        return zlib.compress(_text(self.to_data()), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> Baseline:
        """Return the document that :meth:`to_bytes` wrote.

        Raises:
            DetectionError: for anything else: another format, damage, more than :data:`MAX_BYTES`.
        """
        return cls.from_data(unpacked(data))

    @classmethod
    def from_data(cls, data: object) -> Baseline:
        """Return the document that :meth:`to_data` wrote.

        Raises:
            DetectionError: for anything else.
        """
        found = as_object(data, "baseline")
        if found.get("format") != FORMAT:
            raise DetectionError(
                f"baseline of format {str(found.get('format'))[:40]!r} is not allowed, allowed: {FORMAT}"
            )
        name = as_text(found.get("name"), "name of the baseline")
        tasks = as_object(found.get("tasks"), f"tasks of baseline {name!r}")
        if len(tasks) > MAX_TASKS + 1:
            raise DetectionError(f"baseline {name!r} has {len(tasks)} tasks, allowed: {MAX_TASKS + 1}")
        return cls(
            name,
            {task: counts_of(one, f"task {task[:80]!r} of baseline {name!r}") for task, one in tasks.items()},
            whole(found.get("merges"), f"merges of baseline {name!r}"),
            found.get("frozen") is True,
            whole(found.get("epoch"), f"epoch of baseline {name!r}"),
        )

    def describe(self) -> dict[str, Any]:
        """Return what people ask of a baseline: what was learned, how much, up to when, and its digest."""
        return {
            "name": self.name,
            "digest": self.digest,
            "runs": self.merges,
            "frozen": self.frozen,
            "last_day": day_text(self.latest) if self.tasks else None,
            "tasks": {task: _described(self.tasks[task], self.latest) for task in sorted(self.tasks)},
        }


def _described(counts: Counts, latest: int) -> dict[str, Any]:
    totals: dict[str, int] = {}
    for actions in counts.actions.values():
        for name, count in actions.items():
            totals[name] = totals.get(name, 0) + count
    terms: dict[str, int] = {}
    for term in counts.last:
        kind = term.partition(" ")[0]
        terms[kind] = terms.get(kind, 0) + 1
    return {
        "days": len(counts.calls),
        "first_day": day_text(min(counts.calls, default=latest)),
        "calls": sum(calls for day, calls in counts.calls.items() if day > latest - WINDOW),
        "actions": len(totals),
        "most": dict(sorted(totals.items(), key=lambda one: (-one[1], one[0]))[:_SHOWN]),
        "terms": dict(sorted(terms.items())),
        "sessions": sum(count for peaks in counts.sessions.values() for count in peaks.values()),
    }


def day_text(day: int) -> str:
    """Return a day, numbered from 1970, as ``2026-11-23``; its number where the calendar has no such day."""
    try:
        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
    except OverflowError:
        return str(day)


def unpacked(data: bytes) -> object:
    """Return the JSON of a packed document.

    Raises:
        DetectionError: it is damaged, or larger than :data:`MAX_BYTES` unpacked.
    """
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(data, MAX_BYTES)
        if not reader.eof:
            raise DetectionError(
                f"baseline of {len(data)} bytes is cut off or too large, allowed: {MAX_BYTES} unpacked"
            )
        return json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise DetectionError(f"baseline of {len(data)} bytes does not parse: {str(error)[:120]}") from None


def _text(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")
