"""What is known of the session that an event came from, and what is learned of sessions from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attributing.explain import DOUBT, explained
from sudo_mcp_guardrails.trail.attributing.knowledge import DOUBTED, GRANT, SESSION, SessionFacts
from sudo_mcp_guardrails.trail.attributing.mcp import grant
from sudo_mcp_guardrails.trail.attributing.sessions import RUN, minted
from sudo_mcp_guardrails.trail.attribution import Attribution, By

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sudo_mcp_guardrails.trail.attributing.amending import Amending
    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge
    from sudo_mcp_guardrails.trail.attributing.sessions import AgentRoles, Minted
    from sudo_mcp_guardrails.trail.event import Event

_MAX_SESSIONS: Final = 20_000


class KnownSessions:
    """Sessions of agents, by what minted or granted them.

    Args:
        knowledge: what is remembered.
        amending: gives earlier events what is learned.
        roles: tells agents' roles from others.
        brokers: roles whose tags are believed; None for all.
        clients: agent of each OAuth client.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        amending: Amending,
        roles: AgentRoles,
        *,
        brokers: Collection[str] | None,
        clients: Mapping[str, str],
    ) -> None:
        self._known = knowledge
        self._amending = amending
        self._roles = roles
        self._brokers = brokers
        self._clients = clients
        self._of_sessions: dict[tuple[str | None, ...], Attribution | None] = {}

    def forget(self) -> None:
        """Look sessions up anew from now on."""
        self._of_sessions.clear()

    def of(self, event: Event) -> Attribution | None:
        """Return what the event's session tells, or None where it is no agent's; the same for all of a session."""
        session = (event.role_arn, event.source_identity, event.access_key, event.sign_in_session)
        if session not in self._of_sessions:
            if len(self._of_sessions) >= _MAX_SESSIONS:
                self._of_sessions.clear()
            self._of_sessions[session] = self._look_up_session(event)
        return self._of_sessions[session]

    def learn(self, event: Event) -> Attribution | None:
        """Take in the event that minted an agent's session, and amend what came before it; None for other sessions."""
        found = minted(event, self._roles, self._brokers)
        if found is None:
            return None
        self._of_sessions.clear()
        if not found.believed:
            return self._doubt(found)
        facts = found.facts
        for key in found.keys:
            if self._known.get(SESSION + key) is not None:
                continue  # a key and a run id are fresh: who names them again did not mint them
            self._known.put(SESSION + key, facts.to_dict())
            self._amending.tell_of_session(key, By.SESSION_TAGS, facts)
        return explained(Attribution(By.SESSION_TAGS, session=found.keys[0], **facts.to_dict()))

    def granted(self, event: Event) -> Attribution | None:
        """Attribute an OAuth grant, and learn the session that comes of it; None for one that is for no MCP server."""
        asked = grant(event)
        if not asked.mcp or event.error is not None:
            return None
        facts = SessionFacts(agent=self._clients.get(asked.client or ""), person=event.principal_arn)
        pending = f"{event.principal_arn} {asked.client}"
        session = event.sign_in_session
        if session is None:
            return self._asking(event, facts, pending)
        self._of_sessions.clear()
        self._known.put(GRANT + pending, {"session": session, "time": event.event_time or ""})
        self._known.put(SESSION + session, facts.to_dict())
        self._amending.tell_of_session(session, By.SIGN_IN_SESSION, facts)
        self._amending.tell_of_session(pending, By.SIGN_IN_SESSION, facts, session=session)
        return explained(Attribution(By.SIGN_IN_SESSION, session=session, **facts.to_dict()))

    def _look_up_session(self, event: Event) -> Attribution | None:
        """Return what is known of the event's session."""
        role = self._roles.of(event.role_arn) if event.role_arn else None
        run = event.source_identity if event.source_identity and RUN.fullmatch(event.source_identity) else None
        key = session_key(event)
        doubt = self._known.get(DOUBTED + event.access_key) if self._brokers is not None and event.access_key else None
        # What the event says itself comes last; where it leaves the session's context out, who minted it told the same.
        stated = {**(doubt or {}), **(role.to_dict() if role else {}), **({"run": run} if run else {})}
        run, reason = stated.get("run"), DOUBT if doubt else None
        # A run that is told off the agents' path, or by no broker, was chained, or somebody chose it.
        of_run = By.SESSION_TAGS if role is not None and not doubt else By.SOURCE_IDENTITY
        for named, sign in ((event.access_key, By.SESSION_TAGS), (run, of_run), (event.sign_in_session, None)):
            facts = self._known.get(SESSION + named) if named else None
            if facts is not None:
                by = sign or By.SIGN_IN_SESSION
                return explained(Attribution(by, session=key, reason=reason, **{**facts, **stated}))
        if not stated:
            return None
        by = By.SOURCE_IDENTITY if run is not None else By.ROLE_PATH
        return explained(Attribution(by, session=key, reason=reason, **stated))

    def _doubt(self, found: Minted) -> Attribution:
        """Take in a session that no broker is seen to have minted; its run's facts are for the broker to tell."""
        key, stated = found.keys[0], found.facts.to_dict()
        told = self._known.get(SESSION + key)  # by the copy of the event that the broker's account has
        if told is not None:
            return explained(Attribution(By.SESSION_TAGS, session=key, **{**told, **stated}))
        self._known.put(DOUBTED + key, stated)
        by = By.SOURCE_IDENTITY if found.facts.run else By.ROLE_PATH
        return explained(Attribution(by, session=key, reason=DOUBT, **stated))

    def _asking(self, event: Event, facts: SessionFacts, pending: str) -> Attribution:
        """Attribute the first event of a grant; the session stands in the event of the token, which is the later."""
        told = self._known.get(GRANT + pending)
        session = told["session"] if told and (event.event_time or "") <= told["time"] else None
        found = explained(Attribution(By.SIGN_IN_SESSION, session=session, **facts.to_dict()))
        if session is None:
            self._amending.wait(pending, event, found)
        return found


def session_key(event: Event) -> str | None:
    """Return what names an event's session: the key of an OAuth session rotates, its ARN stays."""
    return event.sign_in_session or event.access_key or event.source_identity
