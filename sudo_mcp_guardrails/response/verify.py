"""Looks through CloudTrail for calls of contained principals that succeeded after the switch, and some grace.

Contained are the sessions of the target's roles, whatever sessions those made (by the access keys and source identities
that ``AssumeRole`` handed out), and the OAuth sessions seen in any of them. CloudTrail delivers within some minutes and
in no order, so that events of before the switch should be among those given: they say which sessions there are.

All times are CloudTrail's own. Where the events show the containment itself, its time by AWS's clock counts and not the
responder's, if it is earlier: a responder's clock that is fast would hide calls.
Source: CloudTrail user guide, "CloudTrail record contents" and "CloudTrail userIdentity element".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from sudo_mcp_guardrails.policies.containment.names import deny_name
from sudo_mcp_guardrails.response.errors import VerifyError
from sudo_mcp_guardrails.response.estate import agent_of
from sudo_mcp_guardrails.response.seen import a_text, an_object, moved, parsed, seen_in, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.response.seen import Seen
    from sudo_mcp_guardrails.state.targets import Target

GRACE: Final = 300
"""Seconds after the switch in which IAM may still decide by what was before."""
MAX_GRACE: Final = 3_600
MAX_EVENTS: Final = 2_000_000
"""Events that are kept in mind at once; some 300 bytes each."""
_ALWAYS: Final = frozenset({"GetCallerIdentity"})
"""Needs no permission, and no policy can deny it."""
_TOOL: Final = "AwsMcpEvent"
"""A tool call of a managed MCP server: what it did in AWS has events of its own."""


class Document(Protocol):
    """An event of the trail, such as :class:`sudo_mcp_guardrails.trail.event.Event`."""

    def document(self) -> dict[str, Any]:
        """Return the whole event."""
        ...


class Call(NamedTuple):
    """One call.

    Attributes:
        event_id: CloudTrail's ``eventID``; empty where it has none.
        time: as CloudTrail wrote it; empty where it has none.
        action: ``source:name``, such as ``s3.amazonaws.com:GetObject``.
        principal: ARN of who called.
        why: what makes the caller a contained one.
    """

    event_id: str
    time: str
    action: str
    principal: str
    why: str


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        calls: that succeeded after the switch and its grace, in order of time; those without a time come first.
        attempts: of contained principals that were refused by then: what containment stopped.
        tool_calls: of managed MCP servers that answered; the calls in AWS that they led to are among ``calls``.
        unreadable: events that are no objects, or could not be parsed: nobody knows whose they are.
        after: from when on calls count, as CloudTrail writes times.
        skew: seconds by which the responder's clock was ahead of AWS's, where the events show it; else 0.
    """

    calls: tuple[Call, ...]
    attempts: int
    tool_calls: int
    unreadable: int
    after: str
    skew: int

    @property
    def contained(self) -> bool:
        """Whether nothing succeeded, and every event could be read."""
        return not self.calls and not self.unreadable


def verify(
    events: Iterable[Mapping[str, Any] | Document],
    target: Target,
    names: GuardrailNames,
    at: int,
    *,
    grace: int = GRACE,
) -> Verified:
    """Look for calls that should not have succeeded.

    Args:
        events: Of CloudTrail, in any order; from before the switch on, so that sessions are known.
        target: Whom the containment is about.
        names: Names of the guardrails' own resources.
        at: When, seconds since 1970, by the responder's clock.
        grace: Seconds, 0 to 3,600. Default: 300.

    Raises:
        VerifyError: The grace or the time is out of bounds, or there are more than two million events.
    """
    if not 0 <= grace <= MAX_GRACE:
        raise VerifyError(f"grace of {grace} s is not allowed, expected 0 to {MAX_GRACE}")
    if not 0 <= at < 1 << 33:
        raise VerifyError(f"time {at} is not allowed, expected seconds since 1970")
    seen, unreadable, earliest = _read(events, target, names)
    switched = written(at)
    begun = min(switched, earliest) if earliest else switched
    after = moved(begun, grace)
    known = _contained(seen, target, names)
    calls, attempts, tools = [], 0, 0
    for event in seen:
        why = _why(event, target, names, known)
        if not why or (event.time and event.time <= after):
            continue
        if event.refused:
            attempts += 1
        elif event.type == _TOOL:
            tools += 1
        elif event.action.rsplit(":", 1)[1] not in _ALWAYS:
            calls.append(Call(event.id, event.time, event.action, event.principal, why))
    skew = int((parsed(switched) - parsed(begun)).total_seconds())
    return Verified(tuple(sorted(calls, key=lambda c: (c.time, c.event_id))), attempts, tools, unreadable, after, skew)


def _read(
    events: Iterable[Mapping[str, Any] | Document], target: Target, names: GuardrailNames
) -> tuple[list[Seen], int, str]:
    """Return what is kept, how many could not be read, and when AWS saw the containment; empty where it did not."""
    seen: list[Seen] = []
    unreadable, earliest = 0, ""
    for event in events:
        if len(seen) >= MAX_EVENTS:
            raise VerifyError(f"there are more than {MAX_EVENTS} events, allowed are {MAX_EVENTS}: give a shorter time")
        document = event if isinstance(event, dict) else event.document() if hasattr(event, "document") else None
        if not isinstance(document, dict) or not document:
            unreadable += 1
            continue
        kept = seen_in(document)
        seen.append(kept)
        if kept.time and not kept.refused and _contains(document, target, names):
            earliest = min(earliest, kept.time) if earliest else kept.time
    return seen, unreadable, earliest


def _contained(seen: list[Seen], target: Target, names: GuardrailNames) -> set[str]:
    """Return the access keys, source identities, session ARNs and OAuth sessions of contained principals.

    A session may make another, and that one the next: until nothing new is found.
    """
    known: set[str] = set()
    waiting = seen
    while True:
        later = []
        before = len(known)
        for event in waiting:
            if not _why(event, target, names, known):
                later.append(event)
                continue
            # A source identity holds through role chaining; nobody but the broker sets the agents'.
            known.update(text for text in (event.key, event.identity, event.oauth) if text)
            if not event.refused:
                known.update(event.minted)
        if len(known) == before:
            return known
        waiting = later


def _why(event: Seen, target: Target, names: GuardrailNames, known: set[str]) -> str:
    """Say what makes the caller a contained one; empty for anybody else."""
    for what, arn in (("role", event.role), ("session", "" if event.role else event.principal)):
        agent = agent_of(arn, names) if arn else None
        if agent is not None and target.covers(agent):
            return what
    found = (("access key", event.key), ("session", event.principal), ("source identity", event.identity))
    for what, text in (*found, ("OAuth session", event.oauth)):
        if text and text in known:
            return what
    return ""


def _contains(document: dict[str, Any], target: Target, names: GuardrailNames) -> bool:
    """Return whether an event is the containment of one of the target's roles."""
    asked = an_object(document.get("requestParameters"))
    role = a_text(asked.get("roleName")).removeprefix(f"{names.prefix}-").rpartition("-")[0]
    return (
        document.get("eventName") == "AttachRolePolicy"
        and a_text(asked.get("policyArn")).endswith(f"/{deny_name(names)}")
        and bool(role)
        and target.covers(role)
    )
