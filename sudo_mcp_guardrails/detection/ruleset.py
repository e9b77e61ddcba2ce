"""All rules at once, quick enough for every event of an organization.

What most rules ask first (which service, which call, what kind of event and identity, whether it failed, whether it is
an agent's) takes few values. For each combination of them that occurs, the rules are reduced to what is left to ask,
once; most events then cost one look into a dictionary, and never have their JSON parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.matching.needed import needed
from sudo_mcp_guardrails.detection.matching.specialise import specialised
from sudo_mcp_guardrails.detection.rule import Rule  # noqa: TC001 - of a named tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.trail.event import Event

    Check = tuple[Rule, "Callable[[Mapping[str, Any]], bool] | None"]
    FactsKey = tuple[str | tuple[str, ...] | bool | None, ...]
    Key = tuple[str | None, str | None, str | None, str | None, str | None, FactsKey | None]

AGENT: Final = "agent"
"""Under this name rules find what is known of the agent behind an event; CloudTrail has no such field."""

KNOWN: Final = ("eventSource", "eventName", "eventType", "errorCode", "userIdentity.type")
"""The fields that rules are reduced by."""

KNOWN_FACTS: Final = ("capability", "via", "mcp_only", "tier", "contained", "outside", "watch", "first")
"""Of the facts about an agent, those of few values, by which rules are reduced too."""

PRESENT_FACTS: Final = ("by", "name", "run", "plan_digest")
"""Those of many values: rules are reduced by whether they are there."""

MAX_COMBINATIONS: Final = 8192
"""How many combinations are remembered; events of others are tested by every rule, which takes longer."""


class _Left(NamedTuple):
    """What is left to ask of events with one combination of known fields.

    Attributes:
        checks: the rules, each with what is left of its condition; None where nothing is.
        names: field names, quoted as in JSON, of which an event must have one to meet any; None where it need not.
    """

    checks: tuple[Check, ...]
    names: tuple[bytes, ...] | None


class Ruleset:
    """Rules, ready to be asked about events.

    Args:
        rules: all that are asked. Each name and id once.

    Raises:
        RuleError: for a name or an id that occurs twice, or a condition with a value that its operator cannot take.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: tuple[Rule, ...] = tuple(rules)
        for what in ("name", "id"):
            seen: set[str] = set()
            for rule in self.rules:
                value = getattr(rule, what)
                if value in seen:
                    raise RuleError(f"rule {what} {value!r} occurs twice, allowed: once")
                seen.add(value)
        self._all = _Left(tuple((rule, matcher(rule.condition)) for rule in self.rules), None)
        self._reduced: dict[Key, _Left] = {}

    def matching(self, document: Mapping[str, Any], agent: Mapping[str, Any] | None = None) -> Sequence[Rule]:
        """Return the rules that fire on an event.

        Args:
            document: the event's JSON, parsed.
            agent: what is known of the agent behind it, for the fields that begin with ``agent.``; None for nobody's.
        """
        identity = document.get("userIdentity")
        kind = identity.get("type") if isinstance(identity, dict) else None
        get = document.get
        key = (get("eventSource"), get("eventName"), get("eventType"), get("errorCode"), kind, _facts_key(agent))
        try:
            left = self._reduced.get(key)
        except TypeError:  # a list or an object where a text belongs
            left = self._all
        if left is None:
            left = self._reduce(key)
        return _fired(left.checks, _with(document, agent)) if left.checks else ()

    def matching_event(
        self, event: Event, agent: Mapping[str, Any] | None = None
    ) -> tuple[Sequence[Rule], Mapping[str, Any]]:
        """Return the same of an event as the trail's reader hands it on, parsing its JSON only where it must.

        Args:
            event: the event.
            agent: as of :meth:`matching`.

        Returns:
            The rules that fire, and the event's JSON with ``agent`` beside; empty where no rule fires.
        """
        key = (event.source, event.name, event.type, event.error, event.identity_type, _facts_key(agent))
        left = self._reduced.get(key)
        if left is None:
            left = self._reduce(key)
        checks, names = left
        if not checks or (names is not None and not _has_one(event.raw, names)):
            return (), {}
        document = event.document()
        seen = _with(document, agent)
        # The reader takes what is no text for absent; a rule may see more of such an event.
        told = document.get("errorCode") is None if event.error is None else True
        fired = _fired(checks, seen) if told and all(key[:3]) and key[4] else self.matching(document, agent)
        return (fired, seen) if fired else ((), {})

    def _reduce(self, key: Key) -> _Left:
        """Return what is left to ask of events with one combination of known fields."""
        if len(self._reduced) >= MAX_COMBINATIONS or not all(one is None or one.__class__ is str for one in key[:5]):
            return self._all
        if key[5] is not None and not all(map(_is_plain, key[5])):
            return self._all
        known: dict[str, Any] = dict(zip(KNOWN, key[:5], strict=True))
        present = _put_facts(known, key[5])
        checks: list[Check] = []
        names: set[str] | None = set()
        for rule in self.rules:
            rest = specialised(rule.condition, known, AGENT + "." if key[5] is None else None, present)
            if rest is False:
                continue
            checks.append((rule, None if rest is True else matcher(rest)))
            own = None if rest is True else needed(rest, AGENT + ".")
            names = None if names is None or own is None else names | own
        left = _Left(tuple(checks), None if names is None else tuple(f'"{name}"'.encode() for name in sorted(names)))
        self._reduced[key] = left
        return left


def _facts_key(agent: Mapping[str, Any] | None) -> FactsKey | None:
    """Return what rules are reduced by of the facts about an agent."""
    if agent is None:
        return None
    get = agent.get
    return (
        *[tuple(value) if value.__class__ is list else value for value in map(get, KNOWN_FACTS)],
        *[get(name) is not None for name in PRESENT_FACTS],
    )


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(one.__class__ is str for one in value)
    return value is None or value.__class__ is str or value.__class__ is bool


def _put_facts(known: dict[str, Any], facts: FactsKey | None) -> tuple[str, ...]:
    """Add what is known of the facts to the known fields, and return those that are there with any value."""
    if facts is None:
        return ()
    held, there = facts[: len(KNOWN_FACTS)], facts[len(KNOWN_FACTS) :]
    known.update((f"{AGENT}.{name}", value) for name, value in zip(KNOWN_FACTS, held, strict=True))
    known.update((f"{AGENT}.{name}", None) for name, one in zip(PRESENT_FACTS, there, strict=True) if not one)
    return tuple(f"{AGENT}.{name}" for name, one in zip(PRESENT_FACTS, there, strict=True) if one)


def _has_one(raw: bytes, names: tuple[bytes, ...]) -> bool:
    """Tell whether an event has one of these fields; where JSON's escapes may hide one, it may."""
    for name in names:
        if name in raw:
            return True
    return b"\\u" in raw


def _with(document: Mapping[str, Any], agent: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return document if agent is None else {**document, AGENT: agent}


def _fired(checks: Sequence[Check], document: Mapping[str, Any]) -> list[Rule]:
    return [rule for rule, test in checks if test is None or test(document)]
