"""Has the detector look at benign events, and counts what each rule says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import profiles
from sudo_mcp_guardrails.detection.baseline import Baselines, baseline_layers
from sudo_mcp_guardrails.detection.baseline.journal import Raised
from sudo_mcp_guardrails.detection.baseline.learner import SETTLE_SECONDS, is_clean
from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.finding import Findings
from sudo_mcp_guardrails.detection.rule import Source
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.detection.alert import Alert

_AT_ONCE: Final = 2_000
_HOUR: Final = 3_600
_LEARNING: Final = frozenset({Source.NEW_TERM, Source.SURPRISE, Source.DEVIATION, Source.RATE})


@dataclass
class Looked:
    """What came of looking.

    Attributes:
        events: how many.
        agents: how many of them are agents'.
        days: how many different days they are of.
        findings: of each rule.
        alerts: of each rule.
        levels: of each rule that said anything.
        sentences: of each rule, what its first alert said.
        learned: how many runs the layers took in on the way.
        layers: of each learning layer that said anything, ``findings`` and ``alerts``; not among those of the rules.
    """

    events: int = 0
    agents: int = 0
    days: set[str] = field(default_factory=set)
    findings: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    levels: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    learned: int = 0
    layers: dict[str, Counter[str]] = field(default_factory=dict)


class Learning:
    """The layers that know what agents did before, learning on the way as the monitoring does.

    A run is over when nothing came of it for a day; it is learned where what was found leaves it clean.
    """

    def __init__(self) -> None:
        self._baselines = Baselines()
        self._runs: dict[str, int] = {}
        self._raised: dict[str, list[Raised]] = {}
        self._hour = -1
        self.layers = (*baseline_layers(self._baselines, profiles=profiles()), self)
        self.learned = 0

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Note that a run was seen, and learn those that are over, once an hour; there is never an alert."""
        del facts
        run = attributed.attribution.run or attributed.attribution.session
        if run and time is not None:
            self._runs[run] = max(time, self._runs.get(run, 0))
            if time // _HOUR > self._hour:
                self._hour = time // _HOUR
                for one in [one for one, last in self._runs.items() if last <= time - SETTLE_SECONDS]:
                    del self._runs[one]
                    self.learned += self._baselines.learn(one, clean=is_clean(self._raised.pop(one, ())))
        return []

    def found(self, alert: Alert) -> None:
        """Note what was found, since it decides whether its run is learned."""
        run = alert.subject.attribution.run or alert.subject.attribution.session
        if run:
            self._raised.setdefault(run, []).append(Raised(alert.rule, alert.level, alert.source, 0))


def look(lines: Iterable[str]) -> Looked:
    """Look at events, one a line of JSON, with all rules of the project, the learning layers and agents' profiles."""
    attributor, findings, learning = Attributor(), Findings(), Learning()
    detector = Detector(shipped(), facts=Facts(profiles()), layers=learning.layers)
    found = Looked()
    each = iter(lines)
    while part := list(islice(each, _AT_ONCE)):
        for content in read_pieces("made.json", ('{"Records":[' + ",".join(part) + "]}").encode()):
            for event in content.events:
                attribution = attributor.attribute(event)
                found.events += 1
                found.agents += attribution.attributed
                found.days.add(event.day)
                for alert in detector.look(Attributed(event, attribution)):
                    learning.found(alert)
                    finding = findings.add(alert)
                    _count(found, alert, new=finding is not None and finding.is_new)
    found.learned = learning.learned
    return found


def _count(found: Looked, alert: Alert, *, new: bool) -> None:
    found.levels[alert.rule] = alert.level.value
    found.sentences.setdefault(alert.rule, alert.sentence)
    if alert.source in _LEARNING:
        found.layers.setdefault(alert.source.value, Counter()).update({"alerts": 1, "findings": int(new)})
    else:
        found.alerts[alert.rule] += 1
        found.findings[alert.rule] += new
