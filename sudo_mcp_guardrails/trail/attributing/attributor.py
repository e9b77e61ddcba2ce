"""Lead an event back to the agent's run behind it, in one pass over events in any order."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing.explain import DOUBT, doubted, explained
from sudo_mcp_guardrails.trail.attributing.knowledge import (
    CALL,
    DOUBTED,
    GRANT,
    SESSION,
    MemoryKnowledge,
    SessionFacts,
)
from sudo_mcp_guardrails.trail.attributing.mcp import (
    MCP_EVENT_TYPE,
    OAUTH_EVENTS,
    grant,
    is_mcp_service,
    names_agent_program,
    tool_call,
)
from sudo_mcp_guardrails.trail.attributing.sessions import MINTING, RUN, AgentRoles, broker_roles, minted
from sudo_mcp_guardrails.trail.attributing.waiting import Waiting
from sudo_mcp_guardrails.trail.attribution import Attribution, By

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge
    from sudo_mcp_guardrails.trail.attributing.sessions import Minted
    from sudo_mcp_guardrails.trail.event import Event

NOBODY: Final = Attribution(
    By.NOBODY,
    reason="nothing tells of an agent: no role on the agents' path, no run id, no session or call of an MCP server",
)
_MAX_LISTED: Final = 50_000
_MAX_SESSIONS: Final = 20_000
_MAX_PROGRAMS: Final = 10_000
_STS: Final = "sts.amazonaws.com"
_SIGN_IN: Final = "signin.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Amendment:
    """A better attribution of an event that was attributed before what tells of it came."""

    day: str
    event_id: str
    attribution: Attribution


class Attributor:
    """Attributes events, and learns of sessions and tool calls from them.

    Args:
        names: where the agents' roles live. Default: the library's prefix.
        clients: agent of each OAuth client, by the client's ARN. Default: none; a session that was granted to a
            client is then known as an agent's, and not whose.
        knowledge: what is remembered. Default: in memory, for this process.
        brokers: ARNs of the roles that mint agents' sessions, those of the session broker and of who mints apply
            sessions, in every account: the tags of sessions that others mint are not believed. Default: all are.

    Raises:
        TrailError: for a broker that is no role's ARN.
    """

    def __init__(
        self,
        names: GuardrailNames | None = None,
        *,
        clients: Mapping[str, str] | None = None,
        knowledge: Knowledge | None = None,
        brokers: Collection[str] | None = None,
    ) -> None:
        self._roles = AgentRoles(names or GuardrailNames())
        self._mark = self._roles.mark
        self._mark_bytes = self._mark.encode()
        self._clients = dict(clients or {})
        self._brokers = broker_roles(brokers) if brokers is not None else None
        self._known: Knowledge = knowledge if knowledge is not None else MemoryKnowledge()
        self._amendments: dict[tuple[str, str], Attribution] = {}
        # A tool call lists what it made; the call itself need not say that a server made it.
        self._listed: OrderedDict[str, None] = OrderedDict()
        self._waiting = Waiting(self._known)
        self._no_programs: set[str | None] = {None}
        self._of_sessions: dict[tuple[str | None, ...], Attribution | None] = {}

    def attribute(self, event: Event) -> Attribution:
        """Attribute one event.

        Events may come in any order: what a later one tells of this one becomes an :class:`Amendment`.
        """
        # Taken apart at once, since this runs for each event: looking up a field by its name takes longer.
        _, _, source, _, kind, _, _, _, _, _, _, key, _, service, role, run, oauth, _, agent, request, _, _, raw = event
        if (
            kind == MCP_EVENT_TYPE
            # Some services leave the session's context out; the key still tells.
            or (self._mark in role if role is not None else key is not None)
            or (service is not None and is_mcp_service(service))
            or run is not None
            or oauth is not None
            or (source == _STS and self._mark_bytes in raw)
            or source == _SIGN_IN
            or (agent not in self._no_programs and self._is_program(agent))
            or request in self._listed
        ):
            return self._attribute(event)
        return NOBODY

    def amendments(self) -> list[Amendment]:
        """Hand out what was learned of earlier events since the last flush; again after a sink that was down."""
        return [Amendment(day, event_id, better) for (day, event_id), better in self._amendments.items()]

    @property
    def unamended(self) -> int:
        """Events that will not be amended, since too many of one session waited for what tells of it."""
        return self._waiting.refused

    def flush(self) -> None:
        """Store what was learned; call it when the events have been written."""
        self._known.flush()
        self._amendments.clear()
        self._of_sessions.clear()
        for key in self._waiting.since_flush():
            self._tell_if_known(key)

    def _is_program(self, user_agent: str | None) -> bool:
        """Tell whether a user agent names an agent's program, and remember those that do not."""
        if user_agent is not None and names_agent_program(user_agent):
            return True
        if len(self._no_programs) >= _MAX_PROGRAMS:
            self._no_programs.clear()
        self._no_programs.add(user_agent)
        return False

    def _tell_if_known(self, key: str) -> None:
        """Tell the events that wait for something what another process has learned of it meanwhile.

        It looked who waits before this one's events did, and this one looked for it before it was there: of two who
        each write first and read then, one sees the other.
        """
        if not self._known.shared:
            return
        if key.startswith(CALL):
            call = self._known.get(key)
            if call is not None:
                self._tell_of_call(key, *call)
            return
        facts = self._known.get(SESSION + key)
        if facts is not None:
            by = By.SIGN_IN_SESSION if key.startswith("arn:") else By.SESSION_TAGS
            self._amend(key, by, SessionFacts(**facts))

    def _attribute(self, event: Event) -> Attribution:
        """Attribute an event that has a sign of an agent."""
        if event.source == _STS and event.name in MINTING and (learned := self._learn_session(event)) is not None:
            return learned
        if event.source == _SIGN_IN and event.name in OAUTH_EVENTS:
            return self._granting(event)
        found = self._from_session(event)
        if event.type == MCP_EVENT_TYPE:
            return self._calling(event, found)
        if event.request_id in self._listed or (event.invoked_by is not None and is_mcp_service(event.invoked_by)):
            return self._downstream(event, found)
        if found is None and event.user_agent is not None and names_agent_program(event.user_agent):
            found = explained(Attribution(By.USER_AGENT, session=_session_key(event)))
        if found is None:
            if event.sign_in_session is not None:  # the grant may come later, of another Region's file
                self._waiting.add(event.sign_in_session, event, NOBODY)
            return NOBODY
        return self._wait_for_session(event, found)

    def _from_session(self, event: Event) -> Attribution | None:
        """Return what the event's session tells, or None where it is no agent's; the same for all of a session."""
        session = (event.role_arn, event.source_identity, event.access_key, event.sign_in_session)
        if session not in self._of_sessions:
            if len(self._of_sessions) >= _MAX_SESSIONS:
                self._of_sessions.clear()
            self._of_sessions[session] = self._look_up_session(event)
        return self._of_sessions[session]

    def _look_up_session(self, event: Event) -> Attribution | None:
        """Return what is known of the event's session."""
        role = self._roles.of(event.role_arn) if event.role_arn else None
        run = event.source_identity if event.source_identity and RUN.fullmatch(event.source_identity) else None
        key = _session_key(event)
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

    def _learn_session(self, event: Event) -> Attribution | None:
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
            self._amend(key, By.SESSION_TAGS, facts)
        return explained(Attribution(By.SESSION_TAGS, session=found.keys[0], **facts.to_dict()))

    def _doubt(self, found: Minted) -> Attribution:
        """Take in a session that no broker is seen to have minted; its run's facts are for the broker to tell."""
        key, stated = found.keys[0], found.facts.to_dict()
        told = self._known.get(SESSION + key)  # by the copy of the event that the broker's account has
        if told is not None:
            return explained(Attribution(By.SESSION_TAGS, session=key, **{**told, **stated}))
        self._known.put(DOUBTED + key, stated)
        by = By.SOURCE_IDENTITY if found.facts.run else By.ROLE_PATH
        return explained(Attribution(by, session=key, reason=DOUBT, **stated))

    def _granting(self, event: Event) -> Attribution:
        """Attribute an OAuth grant, and learn the session that comes of it."""
        granted = grant(event)
        if not granted.mcp or event.error is not None:
            return NOBODY
        facts = SessionFacts(agent=self._clients.get(granted.client or ""), person=event.principal_arn)
        pending = f"{event.principal_arn} {granted.client}"
        session = event.sign_in_session
        if session is None:
            return self._asking(event, facts, pending)
        self._of_sessions.clear()
        self._known.put(GRANT + pending, {"session": session, "time": event.event_time or ""})
        self._known.put(SESSION + session, facts.to_dict())
        self._amend(session, By.SIGN_IN_SESSION, facts)
        self._amend(pending, By.SIGN_IN_SESSION, facts, session=session)
        return explained(Attribution(By.SIGN_IN_SESSION, session=session, **facts.to_dict()))

    def _asking(self, event: Event, facts: SessionFacts, pending: str) -> Attribution:
        """Attribute the first event of a grant; the session stands in the event of the token, which is the later."""
        told = self._known.get(GRANT + pending)
        session = told["session"] if told and (event.event_time or "") <= told["time"] else None
        found = explained(Attribution(By.SIGN_IN_SESSION, session=session, **facts.to_dict()))
        if session is None:
            self._waiting.add(pending, event, found)
        return found

    def _calling(self, event: Event, session: Attribution | None) -> Attribution:
        """Attribute a tool call, and remember which calls it made."""
        call = tool_call(event)
        found = session or explained(Attribution(By.MCP_EVENT, session=_session_key(event)))
        found = found.of_call(found.by, call.tool, event.event_id)
        for request in call.requests:
            self._list(request)
            self._known.put(CALL + request, [call.tool, event.event_id])
            self._tell_of_call(CALL + request, call.tool, event.event_id)
        return self._wait_for_session(event, found)

    def _tell_of_call(self, key: str, tool: str | None, tool_call: str) -> None:
        """Give the calls that a tool call lists what it tells."""
        for identity, before in self._waiting.told(key):
            by = By.DOWNSTREAM_REQUEST if before.by is By.INVOKED_BY else before.by
            self._better(identity, before.of_call(by, tool, tool_call))

    def _downstream(self, event: Event, session: Attribution | None) -> Attribution:
        """Attribute an API call that an MCP server made."""
        found = session or Attribution(By.INVOKED_BY, session=_session_key(event))
        call = self._known.get(CALL + event.request_id) if event.request_id else None
        if call is not None:
            found = found.of_call(found.by if session else By.DOWNSTREAM_REQUEST, *call)
            return self._wait_for_session(event, found if session else explained(found))
        found = found if session else explained(found)
        if event.request_id:
            self._waiting.add(CALL + event.request_id, event, found)
        return self._wait_for_session(event, found)

    def _wait_for_session(self, event: Event, found: Attribution) -> Attribution:
        """Note an event whose session may yet be told of."""
        if found.by not in (By.SESSION_TAGS, By.SIGN_IN_SESSION):
            run = event.source_identity if found.run else None
            for key in filter(None, (run or event.access_key, event.sign_in_session)):
                self._waiting.add(key, event, found)
        return found

    def _amend(self, key: str, by: By, facts: SessionFacts, *, session: str | None = None) -> None:
        """Give the events that waited for a session what is now known of it."""
        known: dict[str, Any] = {**facts.to_dict(), **({"session": session} if session else {})}
        for identity, before in self._waiting.told(key):
            # The role is what IAM checked, and outranks what another session of the run was minted for.
            own = {name: value for name in ("agent", "capability") if (value := getattr(before, name)) is not None}
            # A run off the agents' path, or told by no broker, was chained, or somebody chose it: it stays the weaker.
            weak = before.by is By.SOURCE_IDENTITY and (before.agent is None or doubted(before))
            kept = before.by if weak else by
            self._better(identity, replace(before, by=kept, **{**known, **own}))

    def _better(self, identity: tuple[str, str], found: Attribution) -> None:
        """Note what is known of an earlier event by now."""
        found = explained(found)
        self._amendments[identity] = found
        self._waiting.update(identity, found)

    def _list(self, request: str) -> None:
        """Remember a request id that a tool call lists."""
        if len(self._listed) >= _MAX_LISTED:
            self._listed.popitem(last=False)
        self._listed[request] = None


def _session_key(event: Event) -> str | None:
    """Return what names an event's session: the key of an OAuth session rotates, its ARN stays."""
    return event.sign_in_session or event.access_key or event.source_identity
