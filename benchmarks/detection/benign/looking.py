"""Has the detector look at benign events, and counts what each rule says of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from benchmarks.detection.benign.agents import profiles
from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.finding import Findings
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

_AT_ONCE: Final = 2_000


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
    """

    events: int = 0
    agents: int = 0
    days: set[str] = field(default_factory=set)
    findings: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    levels: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)


def look(lines: Iterable[str]) -> Looked:
    """Look at events, one a line of JSON, with all rules of the project and the agents' profiles."""
    attributor, detector, findings = Attributor(), Detector(shipped(), facts=Facts(profiles())), Findings()
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
                    found.alerts[alert.rule] += 1
                    found.levels[alert.rule] = alert.level.value
                    found.sentences.setdefault(alert.rule, alert.sentence)
                    finding = findings.add(alert)
                    found.findings[alert.rule] += finding is not None and finding.is_new
    return found
