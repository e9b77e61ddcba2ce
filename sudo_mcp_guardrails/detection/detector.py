"""All layers over one event after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sudo_mcp_guardrails.detection.alert import MAX_EVENTS, Alert
from sudo_mcp_guardrails.detection.correlating import Correlator
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from sudo_mcp_guardrails.detection.sentence import cut, filled
from sudo_mcp_guardrails.detection.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.detection.compiled import RuleBook
    from sudo_mcp_guardrails.detection.correlating import Hit, SharedGroups
    from sudo_mcp_guardrails.detection.rule import Rule
    from sudo_mcp_guardrails.trail.attribution import Attributed


class Layer(Protocol):
    """A layer that knows what agents did before; it sees agents' events alone."""

    def look(self, attributed: Attributed, facts: Mapping[str, Any], time: int | None) -> list[Alert]:
        """Return what it finds in one event."""
        ...


class Detector:
    """Looks at events, in the order in which they come.

    Args:
        book: the rules and the correlations.
        facts: tells what is known of agents. Default: what the attribution tells alone.
        layers: what looks beside the rules, in this order. Default: nothing does.
        shared: groups of correlations that other processes count in too. Default: this process counts alone.

    Raises:
        RuleError: for rules that cannot be used together.
    """

    def __init__(
        self,
        book: RuleBook,
        *,
        facts: Facts | None = None,
        layers: Sequence[Layer] = (),
        shared: SharedGroups | None = None,
    ) -> None:
        self._ruleset = Ruleset(book.rules)
        self._correlator = Correlator(book.correlations, shared)
        self._facts = facts or Facts()
        self._layers = tuple(layers)

    def look(self, attributed: Attributed) -> list[Alert]:
        """Return all alerts that one event makes."""
        event, attribution = attributed
        facts = self._facts.of(event, attribution)
        rules, document = self._ruleset.matching_event(event, facts)
        alerts: list[Alert] = []
        if rules:
            alerts.extend(
                _of_rule(rule, attributed, document) for rule in rules if rule.level is not Level.INFORMATIONAL
            )
            if self._correlator.counts(rules):
                time = seconds_of(event.event_time)
                if time is not None:
                    hits = self._correlator.add(rules, document, event.event_id, time)
                    alerts.extend(of_hit(hit, attributed, document) for hit in hits)
        if facts is not None and "by" in facts and self._layers:  # a list that is touched makes nobody an agent
            time = seconds_of(event.event_time)
            for layer in self._layers:
                alerts.extend(layer.look(attributed, facts, time))
        return alerts


def _of_rule(rule: Rule, subject: Attributed, document: Mapping[str, Any]) -> Alert:
    sentence = filled(rule.sentence or rule.title, document)
    # What was asked for and refused must not read as done.
    error = subject.event.error
    if error is not None and error not in sentence:
        sentence = f"{sentence}: answered {cut(error)}"
    return Alert(
        rule=rule.name,
        rule_id=rule.id,
        title=rule.title,
        level=rule.level,
        source=rule.source,
        sentence=sentence,
        subject=subject,
        events=(subject.event.event_id,),
        tags=rule.tags,
        contains=rule.contains,
    )


def of_hit(hit: Hit, subject: Attributed, document: Mapping[str, Any]) -> Alert:
    """Return the alert of a correlation that came true by an event."""
    one = hit.correlation
    counts = {"count": len(hit.seen), "seconds": one.seconds, "minutes": one.seconds // 60}
    return Alert(
        rule=one.name,
        rule_id=one.id,
        title=one.title,
        level=one.level,
        source=Source.CORRELATION,
        sentence=filled(one.sentence or f"{one.title}: {{count}} within {{seconds}} seconds", document, counts),
        subject=subject,
        events=tuple(dict.fromkeys(seen.event_id for seen in hit.seen))[-MAX_EVENTS:],
        count=len(hit.seen),
        tags=one.tags,
        contains=one.contains,
        group=hit.group,
    )
