"""Rules and correlations as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition


class Level(str, Enum):
    """How bad it is if a rule is right, in Sigma's words."""

    INFORMATIONAL = "informational"
    """Worth keeping, no finding of its own: what correlations count."""
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Source(str, Enum):
    """Which layer made an alert, in the order in which they look."""

    INVARIANT = "invariant"
    """A rule about what no agent may ever do; it learns nothing, and its alerts may contain by themselves."""
    RULE = "rule"
    CORRELATION = "correlation"
    NEW_TERM = "new-term"
    SURPRISE = "surprise"
    DEVIATION = "deviation"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over one event.

    Attributes:
        id: a UUID, as Sigma has it.
        name: its file's name; what correlations and filters call it by.
        title: what it watches for, in a few words.
        level: how bad.
        condition: when it fires.
        sentence: what an alert says, with fields of the event in braces; the title where it is empty.
        tags: ATT&CK and ATLAS techniques and others, such as ``attack.t1562.008``.
        source: INVARIANT or RULE.
        contains: whether an alert contains the agent at once, without a person.
    """

    id: str
    name: str
    title: str
    level: Level
    condition: Condition
    sentence: str = ""
    tags: tuple[str, ...] = ()
    source: Source = Source.RULE
    contains: bool = False


class Counting(str, Enum):
    """What a correlation counts."""

    EVENT_COUNT = "event_count"
    """Events that the rules fired on."""
    VALUE_COUNT = "value_count"
    """Different values of a field among them."""
    TEMPORAL = "temporal"
    """Rules that fired, in any order: all must."""
    TEMPORAL_ORDERED = "temporal_ordered"
    """As TEMPORAL, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rule over what other rules found.

    Attributes:
        id: a UUID.
        name: its file's name.
        title: what it watches for.
        level: how bad.
        rules: names of the rules that it counts.
        counting: what it counts.
        group_by: fields whose values must be equal; none for all events together.
        seconds: how long the window is.
        count: how many make an alert; for the temporal ones the number of rules.
        field: the field whose values VALUE_COUNT counts.
        sentence: as of a rule, with ``{count}`` beside.
        tags: as of a rule.
        contains: as of a rule.
    """

    id: str
    name: str
    title: str
    level: Level
    rules: tuple[str, ...]
    counting: Counting
    group_by: tuple[str, ...]
    seconds: int
    count: int
    field: str = ""
    sentence: str = ""
    tags: tuple[str, ...] = ()
    contains: bool = False
