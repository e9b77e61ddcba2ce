"""Make the tree of a trace out of its events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attributing.mcp import MCP_EVENT_TYPE
from sudo_mcp_guardrails.trail.trace.calls import api_call, not_seen, step, tool_call_node
from sudo_mcp_guardrails.trail.trace.links import denied, is_grant, listed, minted_key, session_of
from sudo_mcp_guardrails.trail.trace.nodes import Trace
from sudo_mcp_guardrails.trail.trace.sessions import Session, grant_node, person_node, session_node
from sudo_mcp_guardrails.trail.trace.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.trace.gather import Gathered
    from sudo_mcp_guardrails.trail.trace.nodes import Node

_DEEPEST: Final = 8
"""Sessions minted by sessions that are shown one below the other; the rest of a longer chain stands beside."""


def trace(found: Gathered) -> Trace:
    """Return the tree of what the events tell.

    Each event stands in it once: under the tool call that lists it, else under its session; what minted a session of
    the trace stands under the session that minted it, or as that session's grant.
    """
    events = [one.event for one in found.events]
    times = [event.event_time for event in events if event.event_time]
    return Trace(
        asked=shown(found.asked),
        by=found.by,
        people=_Builder(found).people(),
        events=len(events),
        denied=sum(denied(event) for event in events),
        regions=tuple(sorted({shown(event.region) for event in events if event.region})),
        accounts=tuple(sorted({shown(event.account) for event in events if event.account})),
        first_time=min(times, default=None),
        last_time=max(times, default=None),
        complete=found.complete,
    )


class _Builder:
    """Sorts the events of one trace into sessions, and makes their nodes."""

    def __init__(self, found: Gathered) -> None:
        self.asked = found.asked
        self.events = found.events
        self.sessions: dict[str | None, Session] = {}
        self.by_key: dict[str, Session] = {}
        self.minted: dict[str, Attributed] = {}
        self.made: dict[str, list[Attributed]] = {}
        self.placed: set[str | None] = set()
        self._sort()

    def people(self) -> tuple[Node, ...]:
        """Return the roots: people, each with the grants of the sessions behind which they stand."""
        roots: dict[str | None, list[Node]] = {}
        reasons: dict[str | None, str | None] = {}
        for session in sorted(self.sessions.values(), key=Session.order):
            if session.key in self.placed:
                continue
            self.placed.add(session.key)
            person = session.person
            reasons.setdefault(person, None if person else session.why_no_person)
            below = self._session(session, 1)
            roots.setdefault(person, []).append(grant_node(session, self._steps(session), below))
        return tuple(person_node(person, reasons[person], grants) for person, grants in roots.items())

    def _sort(self) -> None:
        """Tell for each event where it belongs."""
        calls = [one for one in self.events if one.event.type == MCP_EVENT_TYPE]
        owner: dict[str, str] = {}
        for one in calls:
            self.made[one.event.event_id] = []
            for said in listed(one.event):
                owner.setdefault(said.request, one.event.event_id)
        grants: list[Attributed] = []
        for one in self.events:
            event = one.event
            call = owner.get(event.request_id or "") or one.attribution.tool_call
            if is_grant(event):
                grants.append(one)
            elif event.type != MCP_EVENT_TYPE and call in self.made:
                self.made[call].append(one)
                self._note_minted(one)
            else:
                self._of(session_of(one)).add(one)
                self._note_minted(one)
        for one in grants:
            self._of(one.attribution.session).grants.append(one)
        self._adopt()

    def _of(self, key: str | None) -> Session:
        return self.sessions.setdefault(key, Session(key))

    def _note_minted(self, one: Attributed) -> None:
        if (key := minted_key(one.event)) is not None:
            self.minted.setdefault(key, one)

    def _adopt(self) -> None:
        """Turn calls that minted a session of the trace, and whose own session is none of it, into its grant."""
        for key, one in self.minted.items():
            minting = self.sessions.get(session_of(one))
            known = minting is None or minting.grants or minting.key in self.minted or minting.key == key
            if minting is not None and minting.events == [one] and not known:
                # All that is known of the session that minted is that it did: the broker's.
                del self.sessions[minting.key]
                self._of(key).grants.append(one)
                self._of(key).learn(one)
            elif key in self.sessions and minting is not None and minting.key != key:
                self.sessions[key].minted_here = True
        by_run: dict[str, list[Attributed]] = {}
        for session in self.sessions.values():
            for one in session.grants:
                if one.attribution.run:
                    by_run.setdefault(one.attribution.run, []).append(one)
        for session in self.sessions.values():
            # A SourceIdentity is set once and holds through every hop: the run's grant is the session's, too.
            if not session.grants and session.run in by_run:
                session.shared = by_run[session.run][0]

    def _steps(self, session: Session) -> list[Node]:
        return [step(one, self.asked) for one in session.grants]

    def _session(self, session: Session, depth: int) -> Node:
        """Return a session with all that was done in it."""
        region = _usual([one.event.region for one in session.calls])
        account = _usual([one.event.account for one in session.events])
        children = [
            self._tool(one, account, depth)
            if one.event.type == MCP_EVENT_TYPE
            else api_call(one, self.asked, region=region, account=account, alone=True, children=self._hop(one, depth))
            for one in session.events
        ]
        return session_node(session, children, self.asked)

    def _tool(self, one: Attributed, account: str | None, depth: int) -> Node:
        """Return a tool call with what it made: the calls that were seen, and those it lists that were not."""
        told = listed(one.event)
        said = {each.request: each for each in told}
        made = self.made[one.event.event_id]
        below = [
            api_call(
                each,
                self.asked,
                region=one.event.region,
                account=account,
                said=said.get(each.event.request_id or ""),
                children=self._hop(each, depth),
            )
            for each in made
        ]
        there = {each.event.request_id for each in made}
        below += [not_seen(each) for each in told if each.request not in there]
        return tool_call_node(one, self.asked, below, account=account)

    def _hop(self, one: Attributed, depth: int) -> Sequence[Node]:
        """Return the session that a call minted, where it is in the trace and nowhere else yet."""
        key = minted_key(one.event)
        if key is None or key not in self.sessions or key in self.placed or self.minted[key] is not one:
            return ()
        if depth >= _DEEPEST:
            return ()
        self.placed.add(key)
        return [self._session(self.sessions[key], depth + 1)]


def _usual(values: list[str | None]) -> str | None:
    """Return the value that most have; of equals, the first."""
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else None
