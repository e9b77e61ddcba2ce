"""The layers for several processes that look at once: what they remember of an agent is in a table, batch by batch.

Each batch begins with what all others have counted, and writes it back if nobody else has written it meanwhile; else it
is looked at anew. So a session's calls, an hour's deletes and what was said already count over all processes. Baselines
are only read here; what is to be learned goes into a journal.
"""

from __future__ import annotations

import base64
import json
import logging
import zlib
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.baselines import Baselines
from sudo_mcp_guardrails.detection.baseline.codec import as_object
from sudo_mcp_guardrails.detection.baseline.deviation import Deviation
from sudo_mcp_guardrails.detection.baseline.document import unpacked
from sudo_mcp_guardrails.detection.baseline.layers import looking_layers
from sudo_mcp_guardrails.detection.baseline.said import digest_of
from sudo_mcp_guardrails.detection.baseline.work import Works, capability
from sudo_mcp_guardrails.detection.correlating_store import Stored
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline.journal import Journal
    from sudo_mcp_guardrails.detection.baseline.layers import RememberingLayer
    from sudo_mcp_guardrails.detection.baseline.planned import PlannedCalls
    from sudo_mcp_guardrails.detection.baseline.store import BaselineStore
    from sudo_mcp_guardrails.detection.baseline.work import Task, Work
    from sudo_mcp_guardrails.detection.correlating_store import GroupTable
    from sudo_mcp_guardrails.detection.paths import Path
    from sudo_mcp_guardrails.detection.profile import AgentProfile
    from sudo_mcp_guardrails.trail.attribution import Attributed

FORMAT: Final = 1
KEPT_SECONDS: Final = 3 * 86_400
"""How long the memory of an agent that does nothing is kept: longer than any session and any rate's quiet time."""
MAX_AGENTS: Final = 2_000
"""How many agents one batch may be about; a batch has no more events."""
MAX_TEXT: Final = 380_000
"""Most characters of one agent's memory: an item of DynamoDB holds 400 KB."""

_log = logging.getLogger(__name__)


class LookingBaselines(Baselines):
    """Baselines that are looked at and never changed; the surprise that runs reach goes into a journal.

    Args:
        store: of the documents; it is only read.
        journal: where peaks are noted.
        hot: as of :class:`~.baselines.Baselines`.
    """

    def __init__(self, store: BaselineStore, journal: Journal, *, hot: int = 256) -> None:
        super().__init__(store, hot=hot)
        self._journal = journal

    def note_peak(self, agent: str, run: str, task: str, peak: int) -> None:
        """Write down how surprising a run is."""
        self._journal.peak(agent, run, task, peak)

    def learn(self, run: str, *, clean: bool) -> bool:
        """Raise DetectionError: one process alone learns, and it is not this one."""
        raise DetectionError(f"run {run[:80]!r} (clean {clean}) is not learned by a process that looks")

    def flush(self) -> None:
        """Raise DetectionError, as :meth:`learn`."""
        raise DetectionError("baselines are not written by a process that looks")


class StoredLayers:
    """A :class:`~..detector.Layer` that stands for all layers of baselines, over a table.

    Args:
        table: where memories are kept.
        journal: where is noted what may be learned.
        baselines: gives what is known of agents; asked once a batch. None: nothing is learned, and only what needs no
            history looks.
        profiles: what agents declare.
        planned: tells what approved plans hold. None: nobody looks for deviations.
        task: names the task of a session.
    """

    def __init__(
        self,
        table: GroupTable,
        journal: Journal,
        baselines: Callable[[], Baselines] | None,
        *,
        profiles: Mapping[str, AgentProfile] | None = None,
        planned: PlannedCalls | None = None,
        task: Task = capability,
    ) -> None:
        self._table = table
        self._journal = journal
        self._baselines = baselines
        self._profiles = profiles
        self._planned = planned
        self._task = task
        self._known: Baselines | None = None
        self._agents: dict[str, _OfAgent] = {}
        self._blind: set[str] = set()
        self.failed = 0
        """How many events could not be looked at, since a document was damaged, since :meth:`begin`."""

    def begin(self) -> None:
        """Forget what was read: others may have counted since."""
        self._agents, self._blind, self.failed = {}, set(), 0
        self._known = self._baselines() if self._baselines is not None else None
        self._journal.clear()

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return what all layers find in an event; nothing where what is stored is damaged, which is counted."""
        agent = attributed.attribution.agent
        if agent is None:
            return []
        if agent in self._blind:
            self.failed += 1
            return []
        try:
            held = self._agents.get(agent)
            if held is None:
                held = self._agents[agent] = self._opened(agent)
            return held.look(attributed, facts, time)
        except DetectionError as error:  # rules must not fall silent for what a layer cannot read
            _log.error(json.dumps({"agent": agent[:80], "layers": f"not looked at: {error}"}))
            self._agents.pop(agent, None)
            self._blind.add(agent)
            self.failed += 1
            return []

    def path(self, agent: str | None, run: str | None) -> Path | None:
        """Return what is known of a run, this batch included."""
        held = self._agents.get(agent) if agent is not None else None
        return held.paths.of(run) if held is not None and run is not None else None

    def commit(self) -> bool:
        """Write what has changed; return False where another process was quicker: then begin again."""
        for agent, held in sorted(self._agents.items()):
            text = held.dumps()
            if text == held.stored.text:
                continue
            new = Stored(text, held.stored.version + 1)
            if not self._table.save(digest_of(agent), new, seconds=KEPT_SECONDS):
                return False
            held.stored = new
        return True

    def _opened(self, agent: str) -> _OfAgent:
        if len(self._agents) >= MAX_AGENTS:
            raise DetectionError(f"a batch is about more than {MAX_AGENTS} agents, allowed: {MAX_AGENTS} at most")
        stored = self._table.load(digest_of(agent)) or Stored("", 0)
        found = self._made(stored)
        if stored.text:
            try:
                found.take(stored.text)
            except DetectionError as error:  # begins anew: then something may be said twice, and nothing is left out
                _log.error(json.dumps({"agent": agent[:80], "memory": f"begun anew: {error}"}))
                return self._made(stored)
        return found

    def _made(self, stored: Stored) -> _OfAgent:
        works = Works(self._task)
        layers: dict[str, RememberingLayer] = {}
        if self._known is not None:
            layers = looking_layers(self._known, works, profiles=self._profiles, planned=self._planned)
        elif self._planned is not None:
            layers["deviation"] = Deviation(self._planned, works)
        return _OfAgent(works, layers, self._journal if self._known is not None else None, stored)


class _OfAgent:
    """The layers of one agent, with what they remember of it."""

    def __init__(
        self, works: Works, layers: dict[str, RememberingLayer], journal: Journal | None, stored: Stored
    ) -> None:
        self._works = works
        self._layers = layers
        self._journal = journal
        self.stored = stored
        self.paths = Paths()

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        work: Work | None = self._works.of(attributed, facts, time)
        if work is None:
            return []
        self.paths.add(attributed, work)
        found = [alert for layer in self._layers.values() for alert in layer.look(attributed, facts, time)]
        if self._journal is not None:
            self._journal.call(work, attributed.event.event_id)
        return found

    def dumps(self) -> str:
        data = {
            "format": FORMAT,
            "seen": self._works.seen.to_data(),
            "paths": self.paths.to_data(),
            **{name: layer.to_data() for name, layer in self._layers.items()},
        }
        text = base64.b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode("ascii"), 6)).decode()
        if len(text) > MAX_TEXT:
            raise DetectionError(f"memory of an agent has {len(text)} characters, allowed: {MAX_TEXT}")
        return text

    def take(self, text: str) -> None:
        try:
            packed = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise DetectionError(f"memory of {len(text)} characters does not parse: {error}") from None
        data = as_object(unpacked(packed), "memory of an agent")
        if data.get("format") != FORMAT:
            raise DetectionError(f"memory of format {str(data.get('format'))[:40]!r} is not allowed, allowed: {FORMAT}")
        self._works.seen.take(data.get("seen"), "events that were seen")
        self.paths.take(data.get("paths"))
        for name, layer in self._layers.items():
            if name in data:  # a layer that is new since then begins with nothing
                layer.take(data[name])
