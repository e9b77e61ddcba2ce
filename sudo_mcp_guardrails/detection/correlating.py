"""Correlations over time, in memory that is bounded."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sudo_mcp_guardrails.detection.matching.values import getter, text_of
from sudo_mcp_guardrails.detection.rule import Counting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.detection.rule import Correlation, Rule

MAX_GROUPS: Final = 20_000
"""How many groups of one correlation are kept; those that were heard of least recently go first."""

MAX_VALUES: Final = 8
"""How many values of one field of one event are counted."""


class Seen(NamedTuple):
    """One event that a rule fired on, as a correlation keeps it. Sorted by time."""

    time: int
    event_id: str
    value: str


class Hit(NamedTuple):
    """A correlation that came true.

    Attributes:
        correlation: which.
        group: values of the fields that it groups by.
        seen: what it counted, the oldest first.
    """

    correlation: Correlation
    group: tuple[str, ...]
    seen: tuple[Seen, ...]


@dataclass(slots=True)
class Group:
    """What a correlation keeps of one group.

    Attributes:
        seen: the events, the oldest first.
        quiet_until: the correlation does not fire before, since it has.
    """

    seen: list[Seen] = field(default_factory=list)
    quiet_until: int = 0


class SharedGroups(Protocol):
    """Groups that several processes count in."""

    def group(self, correlation: Correlation, key: tuple[str, ...]) -> Group:
        """Return a group as all have counted so far; what is changed in it is handed on."""
        ...


class Correlator:
    """Counts what rules found.

    A correlation fires once, and again when a whole window has passed. An event that comes twice counts once; one that
    comes late counts where its time lies, as long as the window still holds what is around it.

    Args:
        correlations: all that are counted.
        shared: groups that other processes count in too. Default: this process counts alone.
    """

    def __init__(self, correlations: Iterable[Correlation], shared: SharedGroups | None = None) -> None:
        self._by_rule: dict[str, list[_Counter]] = {}
        for one in correlations:
            counter = _Counter(one, shared)
            for name in one.rules:
                self._by_rule.setdefault(name, []).append(counter)

    def counts(self, rules: Sequence[Rule]) -> bool:
        """Tell whether any correlation counts one of these rules."""
        return any(rule.name in self._by_rule for rule in rules)

    def add(self, rules: Sequence[Rule], document: Mapping[str, Any], event_id: str, time: int) -> list[Hit]:
        """Count an event.

        Args:
            rules: those that fired on it.
            document: the event, with ``agent`` where one is known.
            event_id: its ``eventID``.
            time: its ``eventTime`` in seconds since 1970.

        Returns:
            The correlations that came true by it.
        """
        hits: list[Hit] = []
        for rule in rules:
            for counter in self._by_rule.get(rule.name, ()):
                hit = counter.add(rule.name, document, event_id, time)
                if hit is not None:
                    hits.append(hit)
        return hits

    @property
    def groups(self) -> int:
        """How many groups are kept, of all correlations."""
        counters = {id(one): one for found in self._by_rule.values() for one in found}
        return sum(len(one.groups) for one in counters.values())


class _Counter:
    """One correlation's groups."""

    def __init__(self, correlation: Correlation, shared: SharedGroups | None) -> None:
        self._correlation = correlation
        self._shared = shared
        self._keys: list[Callable[[Mapping[str, Any]], Any]] = [getter(name) for name in correlation.group_by]
        self._value = getter(correlation.field) if correlation.field else None
        self.groups: OrderedDict[tuple[str, ...], Group] = OrderedDict()

    def add(self, rule: str, document: Mapping[str, Any], event_id: str, time: int) -> Hit | None:
        key = self._key(document)
        if key is None:  # nothing to group by: such an event belongs to no group, as in Sigma
            return None
        if self._shared is not None:
            group = self._shared.group(self._correlation, key)
        elif key in self.groups:
            group = self.groups[key]
            self.groups.move_to_end(key)
        else:
            group = self.groups[key] = Group()
            if len(self.groups) > MAX_GROUPS:
                self.groups.popitem(last=False)
        for value in self._values(rule, document):
            keep(group.seen, Seen(time, event_id, value), self._correlation)
        return hit_of(self._correlation, key, group, time)

    def _key(self, document: Mapping[str, Any]) -> tuple[str, ...] | None:
        found: list[str] = []
        for get in self._keys:
            value = get(document)
            if value is None:
                return None
            found.append(",".join(map(text_of, value)) if isinstance(value, list) else text_of(value))
        return tuple(found)

    def _values(self, rule: str, document: Mapping[str, Any]) -> list[str]:
        if self._correlation.counting is Counting.EVENT_COUNT:
            return [""]
        if self._value is None:
            return [rule]
        value = self._value(document)
        if value is None:
            return []
        return [text_of(one) for one in (value if isinstance(value, list) else [value])[:MAX_VALUES]]


def hit_of(correlation: Correlation, key: tuple[str, ...], group: Group, time: int) -> Hit | None:
    """Return the hit that a group makes around a time, and let it be quiet for a window then; None for none."""
    window = [one for one in group.seen if abs(one.time - time) <= correlation.seconds]
    if len(window) < correlation.count or time < group.quiet_until:
        return None
    if window[-1].time - window[0].time > correlation.seconds:
        window = [one for one in window if window[-1].time - one.time <= correlation.seconds]
        if len(window) < correlation.count:
            return None
    if correlation.counting is Counting.TEMPORAL_ORDERED:
        places = [correlation.rules.index(one.value) for one in window]
        if places != sorted(places):
            return None
    group.quiet_until = window[-1].time + correlation.seconds
    return Hit(correlation, key, tuple(window))


def keep(seen: list[Seen], new: Seen, correlation: Correlation) -> None:
    """Add an event: of equal values only the last is kept, and no more than the count asks for."""
    if correlation.counting is Counting.EVENT_COUNT:
        if any(one.event_id == new.event_id for one in seen):
            return
    else:
        for index, one in enumerate(seen):
            if one.value == new.value:
                if one.time >= new.time:
                    return
                del seen[index]
                break
    insort(seen, new)
    if len(seen) > correlation.count:
        del seen[0]
