"""Find the events that belong to a run, a session, an event or a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.trace.links import listed
from sudo_mcp_guardrails.trail.trace.nodes import Asked
from sudo_mcp_guardrails.trail.trace.text import shown

MAX_EVENTS: Final = 10_000
"""Most events of a trace. One of as many is no longer for people; a query finds what is in it."""
_ROUNDS: Final = 4
"""A session leads to tool calls, these to what they made, that to a tool call of another session, and it to its."""
_MAX_LINKS: Final = 100_000
_LONGEST: Final = 2048


class NotInTrailError(TrailError):
    """Nothing of the trail is known by what was asked for."""


@dataclass(frozen=True)
class Wanted:
    """Which events are wanted: those that any of these names.

    Attributes:
        runs: run ids, of the attribution or as SourceIdentity.
        sessions: sessions as attributed, ARNs of OAuth sessions, or access keys.
        events: ``eventID``.
        requests: ``requestID``.
    """

    runs: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()

    def matches(self, one: Attributed) -> bool:
        """Tell whether an event is one of them."""
        event, known = one.event, one.attribution
        return (
            event.event_id in self.events
            or event.request_id in self.requests
            or known.run in self.runs
            or event.source_identity in self.runs
            or known.session in self.sessions
            or event.access_key in self.sessions
            or event.sign_in_session in self.sessions
        )

    def __bool__(self) -> bool:
        """Tell whether anything is wanted."""
        return bool(self.runs or self.sessions or self.events or self.requests)


Rows = Callable[[Wanted, int], Iterable[Attributed]]
"""Yields the events that are wanted, at most so many, each once or more than once."""


@dataclass(frozen=True)
class Gathered:
    """The events of a trace.

    Attributes:
        asked: what was asked for.
        by: as what it was found.
        events: each once, the earliest first; those without a time come last.
        complete: whether these are all.
    """

    asked: str
    by: Asked
    events: tuple[Attributed, ...]
    complete: bool = True


def gather(asked: str, rows: Rows, *, limit: int = MAX_EVENTS) -> Gathered:
    """Find the events that belong together.

    A run leads to all its sessions, a session to its events, an event or a request to its run or, without one, its
    session. In each case come the tool calls of these, and what these made in any Region and account.

    Args:
        asked: a run id, an ``eventID``, a ``requestID``, an OAuth session's ARN or an access key.
        rows: finds events.
        limit: most events.

    Raises:
        NotInTrailError: no event is known by what was asked.
        TrailError: it is empty or too long to be an id.
    """
    if not asked or len(asked) > _LONGEST:
        raise TrailError(f"{shown(asked, 80)!r} is no id, allowed are 1 to {_LONGEST} characters")
    one = frozenset([asked])
    found: dict[tuple[str, str], Attributed] = {}
    complete = _add(found, rows, Wanted(one, one, one, one), limit)
    if not found:
        raise NotInTrailError(f"nothing in the trail is known by {shown(asked)!r}: no run, session, event or request")
    by = _by(asked, found.values())
    seen = Wanted(one, one, one, one)
    wanted = _scope(asked, by, found.values())
    for _ in range(_ROUNDS):
        wanted = _without(wanted, seen)
        if not wanted or not complete:
            break
        complete = _add(found, rows, wanted, limit)
        seen = _with(seen, wanted)
        wanted = _linked(found.values())
    ordered = sorted(found.values(), key=lambda each: (each.event.event_time or "~", each.event.event_id))
    return Gathered(asked, by, tuple(ordered), complete)


def _add(found: dict[tuple[str, str], Attributed], rows: Rows, wanted: Wanted, limit: int) -> bool:
    """Take in what is wanted; return whether that is all of it."""
    for each in islice(rows(wanted, limit + 1), limit + 1):
        identity = each.event.day, each.event.event_id
        if identity not in found and len(found) >= limit:
            return False
        found.setdefault(identity, each)
    return True


def _by(asked: str, found: Iterable[Attributed]) -> Asked:
    """Return as what something was found; an id that is two things is the wider one."""
    every = list(found)
    if any(asked in (each.attribution.run, each.event.source_identity) for each in every):
        return Asked.RUN
    if any(asked in (each.attribution.session, each.event.access_key, each.event.sign_in_session) for each in every):
        return Asked.SESSION
    return Asked.EVENT if any(each.event.event_id == asked for each in every) else Asked.REQUEST


def _scope(asked: str, by: Asked, found: Iterable[Attributed]) -> Wanted:
    """Return what to look for at first, beside what was found already."""
    if by in (Asked.RUN, Asked.SESSION):
        return _linked(found)
    named = [each for each in found if asked in (each.event.event_id, each.event.request_id)]
    runs = frozenset(each.attribution.run for each in named if each.attribution.run)
    sessions = frozenset(
        each.attribution.session for each in named if each.attribution.session and not each.attribution.run
    )
    linked = _linked(found)
    return Wanted(runs, sessions, linked.events, linked.requests)


def _linked(found: Iterable[Attributed]) -> Wanted:
    """Return what tool calls made, and the tool calls that made something."""
    events: dict[str, None] = {}
    requests: dict[str, None] = {}
    for each in found:
        if each.attribution.tool_call:
            events[each.attribution.tool_call] = None
        if len(requests) < _MAX_LINKS:
            requests.update(dict.fromkeys(said.request for said in listed(each.event)))
    return Wanted(events=frozenset(events), requests=frozenset(requests))


def _without(wanted: Wanted, seen: Wanted) -> Wanted:
    return Wanted(
        wanted.runs - seen.runs,
        wanted.sessions - seen.sessions,
        wanted.events - seen.events,
        wanted.requests - seen.requests,
    )


def _with(seen: Wanted, wanted: Wanted) -> Wanted:
    return Wanted(
        seen.runs | wanted.runs,
        seen.sessions | wanted.sessions,
        seen.events | wanted.events,
        seen.requests | wanted.requests,
    )
