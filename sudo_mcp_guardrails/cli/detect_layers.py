"""The layers that know what agents did before, for ``mcp-guardrails detect --baselines DIR``.

In the directory are the baselines, and the OAuth clients that were granted something (``clients.json``). With
``--learn`` runs are taken in at the end: whoever says so says that what was found is all that was wrong.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline import Baselines, DirectoryStore, baseline_layers
from sudo_mcp_guardrails.detection.baseline.journal import Raised
from sudo_mcp_guardrails.detection.baseline.learner import is_clean
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.first_seen import MAX_CLIENTS, FirstSeen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.detector import Layer
    from sudo_mcp_guardrails.trail.attribution import Attributed

CLIENTS: Final = "clients.json"
MAX_RUNS: Final = 1_000_000
"""Runs of one pass that can be learned; of those beyond nothing is."""


class DirectoryLayers:
    """Baselines and clients in a directory, and the runs of one pass.

    Args:
        directory: where they are; made where it is absent.

    Raises:
        DetectionError: it cannot be made, or ``clients.json`` is damaged.
    """

    def __init__(self, directory: Path) -> None:
        self._clients = directory / CLIENTS
        self._baselines = Baselines(DirectoryStore(directory))
        self.first = FirstSeen(self._known())
        """Remembers clients."""
        self._runs: dict[str, bool] = {}

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers, in their order."""
        return (*baseline_layers(self._baselines), self)

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Note that a run was seen; there is never an alert."""
        del facts, time
        run = attributed.attribution.run or attributed.attribution.session
        if run and len(self._runs) < MAX_RUNS:
            self._runs.setdefault(run, True)
        return []

    def found(self, alert: Alert) -> None:
        """Note what was found, whatever its level is: it decides whether its run is learned."""
        run = alert.subject.attribution.run or alert.subject.attribution.session
        if run and not is_clean([Raised(alert.rule, alert.level, alert.source, 0)]):
            self._runs[run] = False

    def learn(self) -> int:
        """Take in the runs that were seen and are clean, forget the others, and save; return how many were learned."""
        learned = sum(self._baselines.learn(run, clean=clean) for run, clean in sorted(self._runs.items()))
        self._baselines.flush()
        new = self._clients.with_suffix(".new")
        new.write_text(json.dumps(list(self.first.known())), encoding="utf-8")
        new.replace(self._clients)
        return learned

    def _known(self) -> list[str]:
        try:
            found = json.loads(self._clients.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise DetectionError(f"clients {str(self._clients)!r} cannot be read: {error}") from None
        if not isinstance(found, list) or len(found) > MAX_CLIENTS or not all(isinstance(one, str) for one in found):
            raise DetectionError(f"clients {str(self._clients)!r} are no list of {MAX_CLIENTS} texts at most")
        return found
