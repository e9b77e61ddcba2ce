"""The tree that a trace is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(str, Enum):
    """What a node stands for."""

    PERSON = "person"
    """Who stands behind the sessions."""
    GRANT = "grant"
    """How the session came to be: an OAuth grant, or the broker's ``AssumeRole``."""
    STEP = "step"
    """One event of a grant."""
    SESSION = "session"
    TOOL_CALL = "tool-call"
    """A call of an MCP server's tool."""
    API_CALL = "api-call"
    SESSION_END = "session-end"
    APPROVAL = "approval"


class Mark(str, Enum):
    """What to notice about a node."""

    ASKED = "asked for"
    DENIED = "denied"
    FAILED = "failed"
    WRITES = "writes"
    """CloudTrail says that the call is not read-only."""
    OTHER_REGION = "other Region"
    """In another Region than the tool call that made it, or than most of the session."""
    OTHER_ACCOUNT = "other account"
    """In another account than most of the session."""
    UNKNOWN = "unknown"
    """A link of the chain that the events do not show; the node says why."""
    UNLISTED = "not listed"
    """An MCP server made the call, and no tool call that was seen lists it."""


class Asked(str, Enum):
    """What a trace was asked by."""

    RUN = "run"
    SESSION = "session"
    EVENT = "event"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in a trace. All texts are safe to show, see :func:`~sudo_mcp_guardrails.trail.trace.text.shown`.

    Attributes:
        kind: what it stands for.
        title: in a few words.
        time: ``eventTime``, or when it began.
        event_id: of the event that it is; None for what is no event.
        marks: what to notice.
        facts: label and value, in the order to show them.
        reason: why a link is not known; None where it is.
        children: what came of it.
    """

    kind: Kind
    title: str
    time: str | None = None
    event_id: str | None = None
    marks: tuple[Mark, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    children: tuple[Node, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """Yield this node and all below it, each with its depth, from the top down."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the events tell of a run, a session, an event or a request.

    Attributes:
        asked: what was asked for.
        by: as what it was found.
        people: the tree's roots, one for each person or unknown person.
        events: how many events are in it.
        denied: of these, how many were denied.
        regions: of the events, sorted.
        accounts: of the events, sorted.
        first_time: earliest ``eventTime``.
        last_time: latest.
        complete: False where there are more events than a trace takes.
    """

    asked: str
    by: Asked
    people: tuple[Node, ...]
    events: int
    denied: int
    regions: tuple[str, ...]
    accounts: tuple[str, ...]
    first_time: str | None
    last_time: str | None
    complete: bool = True

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Yield all nodes, each with its depth, from the top down."""
        for person in self.people:
            yield from person.walk()

    def count(self, kind: Kind) -> int:
        """Return how many nodes of a kind there are."""
        return sum(node.kind is kind for _, node in self.walk())

    def summary(self) -> dict[str, Any]:
        """Return the trace in numbers, as JSON."""
        return {
            "asked": self.asked,
            "by": self.by.value,
            "events": self.events,
            "people": sum(node.kind is Kind.PERSON and node.reason is None for _, node in self.walk()),
            "sessions": self.count(Kind.SESSION),
            "tool_calls": self.count(Kind.TOOL_CALL),
            "api_calls": self.count(Kind.API_CALL),
            "denied": self.denied,
            "unknown": sum(node.reason is not None for _, node in self.walk()),
            "regions": list(self.regions),
            "accounts": list(self.accounts),
            "first_time": self.first_time,
            "last_time": self.last_time,
            "complete": self.complete,
        }

    def items(self) -> list[dict[str, Any]]:
        """Return the nodes from the top down, as JSON; ``parent`` is the index of the node above, null for a root."""
        found: list[dict[str, Any]] = []
        above: list[int] = []
        for depth, node in self.walk():
            del above[depth:]
            found.append(
                {
                    "kind": node.kind.value,
                    "parent": above[-1] if above else None,
                    "title": node.title,
                    "time": node.time,
                    "event_id": node.event_id,
                    "marks": [mark.value for mark in node.marks],
                    "facts": dict(node.facts),
                    "reason": node.reason,
                }
            )
            above.append(len(found) - 1)
        return found
