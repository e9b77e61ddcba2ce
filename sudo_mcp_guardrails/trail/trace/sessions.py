"""The nodes above the calls: sessions, their grants, the people behind them, and their approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attributing.mcp import MCP_EVENT_TYPE
from sudo_mcp_guardrails.trail.attribution import By
from sudo_mcp_guardrails.trail.trace.calls import kept
from sudo_mcp_guardrails.trail.trace.links import is_grant, minted_key
from sudo_mcp_guardrails.trail.trace.nodes import Kind, Mark, Node
from sudo_mcp_guardrails.trail.trace.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution

_FEW: Final = 5
_WITHOUT_APPROVAL: Final = frozenset({"read", "plan"})
_NOBODY: Final = "nobody is named by the events of this session"


class Session:
    """One session, as far as its events tell.

    Args:
        key: what names it; None for events that name none.
    """

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.events: list[Attributed] = []
        self.grants: list[Attributed] = []
        self.shared: Attributed | None = None
        self.minted_here = False
        self._learned: list[Attributed] = []

    def add(self, one: Attributed) -> None:
        """Add one of its events."""
        self.events.append(one)
        # What a session minted is attributed to the session that came of it, which may be another agent's.
        if minted_key(one.event) is None:
            self._learned.append(one)

    def learn(self, one: Attributed) -> None:
        """Take in what another's event tells of the session."""
        self._learned.append(one)

    def told(self, name: str) -> str | None:
        """Return what most tells of the session: the first value of a field of the attributions."""
        for one in (*self._learned, *self.grants):
            value: str | None = getattr(one.attribution, name)
            if value:
                return value
        return None

    @property
    def run(self) -> str | None:
        """The run id."""
        return self.told("run")

    @property
    def first(self) -> str | None:
        """When it began, as far as was seen."""
        return min((time for one in (*self.events, *self.grants) if (time := one.event.event_time)), default=None)

    @property
    def last(self) -> str | None:
        """The time of its last event."""
        return max((time for one in self.events if (time := one.event.event_time)), default=None)

    def order(self) -> tuple[bool, bool, str]:
        """Return what sessions are sorted by: those that a call or another grant explains come after these."""
        return self.minted_here, self.shared is not None, self.first or "~"

    @property
    def calls(self) -> list[Attributed]:
        """Its events but for those of MCP servers."""
        return [one for one in self.events if one.event.type != MCP_EVENT_TYPE]

    @property
    def person(self) -> str | None:
        """Who stands behind it."""
        shared = self.shared.attribution.person if self.shared else None
        return self.told("person") or shared

    @property
    def why_no_person(self) -> str:
        """Why nobody is known."""
        return self._reason or _NOBODY

    @property
    def attribution(self) -> Attribution | None:
        """What the strongest of its events rests on."""
        order = list(By)
        found = [one.attribution for one in (*self._learned, *self.grants)]
        return min(found, key=lambda each: order.index(each.by), default=None)

    @property
    def _reason(self) -> str | None:
        return self.attribution.reason if self.attribution else None


def person_node(person: str | None, reason: str | None, grants: Sequence[Node]) -> Node:
    """Return a root."""
    if person is None:
        why = shown(reason or _NOBODY)
        return Node(Kind.PERSON, "person not known", marks=(Mark.UNKNOWN,), reason=why, children=tuple(grants))
    return Node(Kind.PERSON, shown(person), time=grants[0].time, children=tuple(grants))


def grant_node(session: Session, steps: Sequence[Node], below: Node) -> Node:
    """Return how a session came to be, with the session."""
    if steps:
        first = session.grants[0]
        if is_grant(first.event):
            title = "granted by OAuth"
        elif first.attribution.session == session.key:
            title = "minted by the broker"  # the roles on the agents' path trust nobody else
        else:
            title = "minted by another session"
        return Node(Kind.GRANT, title, steps[0].time, children=(*steps, below))
    if session.shared is not None:
        event = session.shared.event
        return Node(
            Kind.GRANT,
            "of the run's grant",
            event.event_time,
            facts=tuple(kept([("run", session.run), ("grant", event.event_id)])),
            children=(below,),
        )
    reason = _no_grant(session)
    return Node(Kind.GRANT, "grant not known", marks=(Mark.UNKNOWN,), reason=reason, children=(below,))


def _no_grant(session: Session) -> str:
    if session.minted_here:
        return "another session of this trace minted it, too deep in a chain or in a circle to be shown under it"
    if session.key is None:
        return "the events name no session"
    if session.key.startswith("AKIA"):
        return "a long-term access key: nothing grants a session, and whoever holds the key is its user"
    return "the event that granted or minted the session was not seen"


def session_node(session: Session, children: Sequence[Node], asked: str) -> Node:
    """Return a session with its calls and, last, its approval."""
    facts = kept(
        [
            ("agent", session.told("agent")),
            ("run", session.run),
            ("capability", session.told("capability")),
            ("ticket", session.told("ticket")),
            ("role", next(_of(session, "role_arn"), None)),
            ("principal", next(_of(session, "principal_arn"), None)),
            ("access keys", _few(_of(session, "access_key"))),
            ("clients", _few(_client(session, "user_agent"))),
            ("from", _few(_client(session, "source_ip"))),
            ("known by", session.attribution.by.value if session.attribution else None),
            ("last event", session.last),
        ]
    )
    asked_for = asked == session.key or any(asked == one.event.access_key for one in session.events)
    return Node(
        Kind.SESSION,
        shown(session.key or "no session is named"),
        session.first,
        marks=(Mark.ASKED,) if asked_for else (),
        facts=tuple(facts),
        children=(*children, _approval(session)),
    )


def _approval(session: Session) -> Node:
    """Return what was approved, or why that is not known."""
    digest = session.told("plan_digest")
    facts = tuple(kept([("plan digest", digest), ("ticket", session.told("ticket"))]))
    if approval := session.told("approval"):
        return Node(Kind.APPROVAL, f"approval {shown(approval)}", facts=facts)
    found = session.attribution
    by = found.by if found else By.NOBODY
    if digest:
        reason = (
            "no approval id in the session; it carries the digest of the plan, which leads to the approval's record"
        )
    elif by is By.SESSION_TAGS and session.told("capability") in _WITHOUT_APPROVAL:
        reason = "no approval id in the session; the broker mints sessions that read or plan without one"
    elif by is By.SESSION_TAGS:
        reason = "no approval id in the session"
    elif by is By.SIGN_IN_SESSION:
        reason = "no approval id in the session: one that is granted by OAuth carries none"
    else:
        reason = "no approval id in the session; the event that minted it, whose tags would tell, was not seen"
    return Node(Kind.APPROVAL, "approval not known", marks=(Mark.UNKNOWN,), facts=facts, reason=reason)


def _of(session: Session, name: str) -> Iterator[str]:
    """Yield the values of a field of the session's events, each once."""
    values = (getattr(one.event, name) for one in session.events)
    yield from dict.fromkeys(value for value in values if value)


def _client(session: Session, name: str) -> Iterator[str]:
    """Yield what is told of the client: not by calls that a service made, whose address is the service's own."""
    events = (one.event for one in session.events if not one.event.invoked_by)
    yield from dict.fromkeys(value for event in events if (value := getattr(event, name)))


def _few(values: Iterator[str]) -> str:
    every = list(values)
    more = f" and {len(every) - _FEW} more" if len(every) > _FEW else ""
    return ", ".join(every[:_FEW]) + more
