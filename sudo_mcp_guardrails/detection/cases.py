"""Cases of rules: events that a rule must fire on, and events that it must not.

One JSON file a rule, by the rule's name, in ``detection/cases``::

    {"rule": "aws_trail_stopped",
     "base": {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"},
     "positives": [{"why": "as it is called", "event": {}}],
     "negatives": [{"why": "another call", "event": {"eventName": "StartLogging"}},
                   {"why": "approved work", "event": {}, "agent": {"capability": "apply"}}]}

``base`` is optional: what it holds is laid under every event of the file, null takes a field away, so that a negative
shows the one thing in which it differs; lists are taken whole. A correlation has sequences instead::

    {"rule": "aws_many_secrets",
     "base": {"eventName": "GetSecretValue"},
     "sequences": {"positives": [{"why": "ten in ten minutes", "events": [
                                   {"at": 0, "event": {"requestParameters": {"secretId": "s"}},
                                    "repeat": 10, "every": 60, "vary": "requestParameters.secretId"}]}],
                   "negatives": []}}

``at`` is in seconds from the sequence's start; without it, an event's own ``eventTime`` counts. ``repeat`` makes
several of one, ``every`` seconds apart, and ``vary`` sets a number behind a field's text in each.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_FILE: Final = 1024 * 1024
"""Largest file, in bytes."""

MAX_EVENTS: Final = 2000
"""How many events one sequence may have."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a case.

    Attributes:
        event: as CloudTrail writes it.
        agent: what is known of the agent behind it; None for nobody's.
        time: in seconds.
    """

    event: dict[str, Any]
    agent: dict[str, Any] | None
    time: int

    @property
    def document(self) -> dict[str, Any]:
        """The event as conditions see it, with ``agent`` where one is known."""
        return self.event if self.agent is None else {**self.event, "agent": self.agent}


@dataclass(frozen=True, slots=True)
class Case:
    """What happens, and whether a rule must fire on it.

    Attributes:
        why: what it shows, in a few words.
        fires: whether the rule must fire.
        steps: one event for a rule, several for a correlation.
    """

    why: str
    fires: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases of one rule or correlation.

    Attributes:
        rule: its name.
        cases: all, the positives first.
        sequences: whether they are a correlation's.
    """

    rule: str
    cases: tuple[Case, ...]
    sequences: bool = False


def shipped() -> dict[str, Cases]:
    """Return the cases that come with the package, by the rule's name.

    Raises:
        DetectionError: for an installation that is damaged.
    """
    folder = resources.files(__package__).joinpath("cases")
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return _named(loads(one.read_text(encoding="utf-8"), one.name) for one in files)


def load_directory(directory: Path) -> dict[str, Cases]:
    """Return the cases of a directory's ``*.json`` files, by the rule's name.

    Raises:
        DetectionError: for a directory without any, two files for one rule, or as :func:`loads`.
    """
    files = sorted(directory.glob("*.json"))
    if not files:
        raise DetectionError(f"{directory} holds no cases, expected *.json files")
    found: list[Cases] = []
    for file in files:
        try:
            size = file.stat().st_size
            if size > MAX_FILE:
                raise DetectionError(f"{file.name} has {size} bytes, allowed: {MAX_FILE} at most")
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DetectionError(f"{file.name} cannot be read: {error}") from None
        found.append(loads(text, file.name))
    return _named(found)


def loads(text: str, place: str) -> Cases:
    """Return the cases of one file.

    Args:
        text: JSON, as above.
        place: what errors call it.

    Raises:
        DetectionError: for anything else; names the place.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DetectionError(f"{place} does not parse: {error}") from None
    rule = data.get("rule") if isinstance(data, dict) else None
    if not isinstance(rule, str):
        raise DetectionError(f"{place} names the rule {rule!r}, allowed: a rule's name")
    sequences = "sequences" in data
    holder = data["sequences"] if sequences else data
    base = data.get("base", {})
    if not isinstance(holder, dict) or not isinstance(base, dict):
        raise DetectionError(f"'sequences' or 'base' of {place} is no object")
    cases: list[Case] = []
    for name, fires in (("positives", True), ("negatives", False)):
        listed = holder.get(name, [])
        if not isinstance(listed, list):
            raise DetectionError(f"{name!r} of {place} is {listed.__class__.__name__}, allowed: a list")
        for index, one in enumerate(listed):
            where = f"{name}[{index}] of {place}"
            cases.append(_case(one, where, base, fires=fires, sequence=sequences))
    return Cases(rule, tuple(cases), sequences)


def _case(data: object, where: str, base: Mapping[str, Any], *, fires: bool, sequence: bool) -> Case:
    if isinstance(data, list):  # a sequence that says nothing of itself
        data = {"events": data}
    if not isinstance(data, dict):
        raise DetectionError(f"{where} is {data.__class__.__name__}, allowed: an object")
    listed = data.get("events") if sequence else [data]
    if not isinstance(listed, list) or not listed:
        raise DetectionError(f"'events' of {where} is {listed!r}, allowed: a list of events")
    steps: list[Step] = []
    for one in listed:
        steps.extend(_steps(one, where, base))
        if len(steps) > MAX_EVENTS:
            raise DetectionError(f"{where} has more than {MAX_EVENTS} events, allowed: {MAX_EVENTS} at most")
    for index, step in enumerate(steps):
        step.event.setdefault("eventID", f"{where} {index}")
    return Case(str(data.get("why", where)), fires, tuple(steps))


def _steps(data: object, where: str, base: Mapping[str, Any]) -> Iterable[Step]:
    if not isinstance(data, dict) or not isinstance(data.get("event"), dict):
        raise DetectionError(f"an event of {where} is no object with 'event'")
    agent = data.get("agent")
    if agent is not None and not isinstance(agent, dict):
        raise DetectionError(f"'agent' of {where} is {agent!r}, allowed: an object or null")
    event = _laid(base, data["event"])
    start = data.get("at", seconds_of(event.get("eventTime")) or 0)
    repeat, every = data.get("repeat", 1), data.get("every", 1)
    for name, value in (("at", start), ("repeat", repeat), ("every", every)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise DetectionError(f"{name!r} of {where} is {value!r}, allowed: 0 or more")
    if repeat > MAX_EVENTS:
        raise DetectionError(f"'repeat' of {where} is {repeat}, allowed: {MAX_EVENTS} at most")
    for index in range(repeat):
        one = copy.deepcopy(event) if repeat > 1 else event
        if repeat > 1 and "vary" in data:
            _vary(one, str(data["vary"]), index, where)
        yield Step(one, agent, start + index * every)


def _vary(event: dict[str, Any], field: str, index: int, where: str) -> None:
    *path, last = field.split(".")
    there: Any = event
    for name in path:
        there = there.get(name) if isinstance(there, dict) else None
    if not isinstance(there, dict) or not isinstance(there.get(last), str):
        raise DetectionError(f"'vary' of {where} is {field!r}, allowed: a field with a text")
    there[last] = f"{there[last]}{index}"


def _laid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return one object laid over another, at every depth; null takes away."""
    found: dict[str, Any] = copy.deepcopy(dict(base))
    for name, value in over.items():
        below = found.get(name)
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict):
            found[name] = _laid(below if isinstance(below, dict) else {}, value)
        else:
            found[name] = copy.deepcopy(value)
    return found


def _named(found: Iterable[Cases]) -> dict[str, Cases]:
    named: dict[str, Cases] = {}
    for one in found:
        if one.rule in named:
            raise DetectionError(f"two files hold cases of the rule {one.rule!r}, allowed: one")
        named[one.rule] = one
    return named
