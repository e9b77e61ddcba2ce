"""The one who learns: reads what was written down of runs that are over, and takes the clean ones in."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
from sudo_mcp_guardrails.detection.baseline.journal import Notes
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.rule import Level, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sudo_mcp_guardrails.detection.baseline.journal import Raised
    from sudo_mcp_guardrails.detection.baseline.shelf import LearnerStore, Listed, Shelf

SETTLE_SECONDS: Final = 24 * 3_600
"""How long nothing may have come of a run before it is over: a session lives 12 hours at most, and files come late."""
INCIDENT_SECONDS: Final = 7 * 86_400
"""How long an incident is open after the last finding of level high, or after the kill switch was seen on."""
MAX_CALLS: Final = 50_000
"""Calls of a run that is learned; a larger one is not, and would weigh no more than a day may."""
MAX_DOCUMENTS: Final = 2_000
"""Documents of such a run."""
AT_ONCE: Final = 40
"""Runs of one agent after which the baseline is written."""
_WORST: Final = frozenset({Level.HIGH, Level.CRITICAL})
_OF_RULES: Final = frozenset({Source.INVARIANT, Source.RULE, Source.CORRELATION})

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Learned:
    """What one pass came to.

    Attributes:
        learned: runs that were taken in.
        unclean: runs that were not, for what was found in them.
        frozen: runs that were not, since an incident was open.
        again: runs that a pass before had taken in, and was cut off.
        damaged: runs that could not be read, or were too large, or had two agents.
        waiting: runs that are not over.
        left: whether there was no time for all.
    """

    learned: int = 0
    unclean: int = 0
    frozen: int = 0
    again: int = 0
    damaged: int = 0
    waiting: int = 0
    left: bool = False


class Learner:
    """Learns. Only one process may at a time; a second one stops at the first write, and nothing is counted twice.

    Args:
        shelf: what was written down.
        store: of the baselines.
        contained: tells whether an agent is contained; where it cannot tell, the answer is yes.
        clock: seconds since 1970.
        settle: seconds after which a run is over.
        incident: seconds that an incident is open.
        in_time: tells whether there is time for more.
    """

    def __init__(
        self,
        shelf: Shelf,
        store: LearnerStore,
        *,
        contained: Callable[[str], bool],
        clock: Callable[[], float],
        settle: int = SETTLE_SECONDS,
        incident: int = INCIDENT_SECONDS,
        in_time: Callable[[], bool] = lambda: True,
    ) -> None:
        self._shelf = shelf
        self._store = store
        self._baselines = Baselines(store, hot=64)
        self._contained = contained
        self._clock = clock
        self._settle = settle
        self._incident = incident
        self._in_time = in_time
        self.result = Learned()
        """What came of it so far."""

    def learn(self) -> Learned:
        """Take in what is over and clean; forget what is over and not.

        Raises:
            ConflictError: another process learns.
            DetectionError: a baseline is damaged.
        """
        agents: dict[str, list[Listed]] = {}
        owners: dict[str, set[str]] = {}
        for run in self._shelf.runs():
            agents.setdefault(run.agent, []).append(run)
            owners.setdefault(run.run, set()).add(run.agent)
        shared = {run for run, names in owners.items() if len(names) > 1}
        for agent, runs in sorted(agents.items()):
            if not self._in_time():
                self.result.left = True
                break
            self._of_agent(agent, runs, shared)
        return self.result

    def _of_agent(self, agent: str, runs: list[Listed], shared: set[str]) -> None:
        now = int(self._clock())
        contained = self._contained(agent)
        if contained:
            self._shelf.note_incident(agent, now, "the agent is contained, or nobody can tell")
        last = self._shelf.incident(agent)
        until = -1 if last is None else last + self._incident
        frozen = contained or now < until
        key = f"agent/{agent}"
        if frozen != self._baselines.of(agent).frozen:
            self._store.mark(key, sorted(self._store.marks(key)))
            (self._baselines.freeze if frozen else self._baselines.thaw)(agent)
            self._baselines.flush()
        over = [run for run in runs if run.newest <= now - self._settle]
        self.result.waiting += len(runs) - len(over)
        for begin in range(0, len(over), AT_ONCE):
            if not self._in_time():
                self.result.left = True
                return
            self._take(key, over[begin : begin + AT_ONCE], shared, until, frozen=frozen)

    def _take(self, key: str, runs: Sequence[Listed], shared: set[str], until: int, *, frozen: bool) -> None:
        """Take in some runs of an agent; their documents go when the baseline is written."""
        before = self._store.marks(key)
        gone: list[str] = []
        taken: list[str] = []
        for run in runs:
            name = mark_of(run.run)
            if name in before:  # a pass was cut off between the two
                self.result.again += 1
            else:
                try:
                    notes = self._read(run, shared=run.run in shared)
                except _GoneError:
                    continue
                except DetectionError as error:
                    _log.error(json.dumps({"agent": run.agent[:80], "run": run.run[:80], "not learned": str(error)}))
                    self.result.damaged += 1
                    notes = None
                if notes is not None and self._learn(notes, until, frozen=frozen):
                    taken.append(name)
            gone += run.documents
        if taken:
            self._store.mark(key, taken)
            self._baselines.flush()
        self._shelf.forget(gone)

    def _learn(self, notes: Notes, until: int, *, frozen: bool) -> bool:
        calls = sorted(notes.calls.values(), key=lambda one: (one.time, one.event))
        if frozen or (calls and calls[0].time < until):
            self.result.frozen += 1
            return False
        if not is_clean(notes.alerts):
            self.result.unclean += 1
            return False
        for one in calls:
            self._baselines.note(notes.agent, notes.run, one.task, one.call, one.time)
        for task, peak in notes.peaks.items():
            self._baselines.note_peak(notes.agent, notes.run, task, peak)
        done = self._baselines.learn(notes.run, clean=True)
        self.result.learned += done
        return done

    def _read(self, run: Listed, *, shared: bool) -> Notes:
        """Return what all documents of a run say.

        Raises:
            _GoneError: another process has forgotten one of them meanwhile.
            DetectionError: it is not to be learned, whatever was found in it.
        """
        if shared:
            raise DetectionError("two agents share its id, allowed: one")
        if len(run.documents) > MAX_DOCUMENTS:
            raise DetectionError(f"it has {len(run.documents)} documents, allowed: {MAX_DOCUMENTS}")
        found = Notes(run.agent, run.run)
        for document in run.documents:
            data = self._shelf.read(document)
            if data is None:
                raise _GoneError
            one = Notes.from_bytes(data)
            if (one.agent, one.run) != (run.agent, run.run):
                raise DetectionError(f"document {document[:120]!r} is of run {one.run[:80]!r} of {one.agent[:80]!r}")
            found.add(one)
            if len(found.calls) > MAX_CALLS:
                raise DetectionError(f"it has more than {MAX_CALLS} calls, allowed: {MAX_CALLS}")
        return found


class _GoneError(Exception):
    """A document is not there any more."""


def is_clean(alerts: Iterable[Raised]) -> bool:
    """Tell whether what was found in a run leaves it to be learned.

    What a rule finds is bad whether it is usual or not: from level medium on it forbids. What a layer finds is only
    unusual, and becomes usual where nobody objects: only from level high on does it forbid.
    """
    return not any(one.level in _WORST or (one.level is Level.MEDIUM and one.source in _OF_RULES) for one in alerts)


def is_incident(level: Level) -> bool:
    """Tell whether a finding of a level opens an incident of its agent."""
    return level in _WORST


def mark_of(run: str) -> str:
    """Return what stands for a run beside a baseline."""
    return hashlib.sha256(run.encode("utf-8", "surrogatepass")).hexdigest()[:16]
