"""Lead an event back to the agent's run behind it, in one pass over events in any order."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing.amending import Amending
from sudo_mcp_guardrails.trail.attributing.explain import explained
from sudo_mcp_guardrails.trail.attributing.knowledge import CALL, MemoryKnowledge
from sudo_mcp_guardrails.trail.attributing.known_sessions import KnownSessions, session_key
from sudo_mcp_guardrails.trail.attributing.mcp import (
    MCP_EVENT_TYPE,
    OAUTH_EVENTS,
    is_mcp_service,
    names_agent_program,
    tool_call,
)
from sudo_mcp_guardrails.trail.attributing.sessions import MINTING, AgentRoles, broker_roles
from sudo_mcp_guardrails.trail.attribution import Attribution, By

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sudo_mcp_guardrails.trail.attributing.amending import Amendment
    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge
    from sudo_mcp_guardrails.trail.event import Event

NOBODY: Final = Attribution(
    By.NOBODY,
    reason="nothing tells of an agent: no role on the agents' path, no run id, no session or call of an MCP server",
)
_MAX_LISTED: Final = 50_000
_MAX_PROGRAMS: Final = 10_000
_STS: Final = "sts.amazonaws.com"
_SIGN_IN: Final = "signin.amazonaws.com"


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
        roles = AgentRoles(names or GuardrailNames())
        self._mark = roles.mark
        self._mark_bytes = self._mark.encode()
        self._known: Knowledge = knowledge if knowledge is not None else MemoryKnowledge()
        self._amending = Amending(self._known)
        self._sessions = KnownSessions(
            self._known,
            self._amending,
            roles,
            brokers=broker_roles(brokers) if brokers is not None else None,
            clients=dict(clients or {}),
        )
        # A tool call lists what it made; the call itself need not say that a server made it.
        self._listed: OrderedDict[str, None] = OrderedDict()
        self._no_programs: set[str | None] = {None}

    def attribute(self, event: Event) -> Attribution:
        """Attribute one event.

        Events may come in any order: what a later one tells of this one becomes an :class:`Amendment`.
        """
        # Taken apart at once, since this runs for each event: looking up a field by its name takes longer.
        _, _, source, _, kind, _, _, _, _, _, key, _, service, role, run, oauth, _, agent, request, _, _, _, raw = event
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
        return self._amending.amendments()

    @property
    def unamended(self) -> int:
        """Events that will not be amended, since too many of one session waited for what tells of it."""
        return self._amending.refused

    def flush(self) -> None:
        """Store what was learned; call it when the events have been written."""
        self._known.flush()
        self._sessions.forget()
        self._amending.flushed()

    def _is_program(self, user_agent: str | None) -> bool:
        """Tell whether a user agent names an agent's program, and remember those that do not."""
        if user_agent is not None and names_agent_program(user_agent):
            return True
        if len(self._no_programs) >= _MAX_PROGRAMS:
            self._no_programs.clear()
        self._no_programs.add(user_agent)
        return False

    def _attribute(self, event: Event) -> Attribution:
        """Attribute an event that has a sign of an agent."""
        if event.source == _STS and event.name in MINTING and (learned := self._sessions.learn(event)) is not None:
            return learned
        if event.source == _SIGN_IN and event.name in OAUTH_EVENTS:
            return self._sessions.granted(event) or NOBODY
        found = self._sessions.of(event)
        if event.type == MCP_EVENT_TYPE:
            return self._calling(event, found)
        if event.request_id in self._listed or (event.invoked_by is not None and is_mcp_service(event.invoked_by)):
            return self._downstream(event, found)
        if found is None and event.user_agent is not None and names_agent_program(event.user_agent):
            found = explained(Attribution(By.USER_AGENT, session=session_key(event)))
        if found is None:
            if event.sign_in_session is not None:  # the grant may come later, of another Region's file
                self._amending.wait(event.sign_in_session, event, NOBODY)
            return NOBODY
        return self._amending.wait_for_session(event, found)

    def _calling(self, event: Event, session: Attribution | None) -> Attribution:
        """Attribute a tool call, and remember which calls it made."""
        call = tool_call(event)
        found = session or explained(Attribution(By.MCP_EVENT, session=session_key(event)))
        found = found.of_call(found.by, call.tool, event.event_id)
        for request in call.requests:
            self._list(request)
            self._known.put(CALL + request, [call.tool, event.event_id])
            self._amending.tell_of_call(CALL + request, call.tool, event.event_id)
        return self._amending.wait_for_session(event, found)

    def _downstream(self, event: Event, session: Attribution | None) -> Attribution:
        """Attribute an API call that an MCP server made."""
        found = session or Attribution(By.INVOKED_BY, session=session_key(event))
        call = self._known.get(CALL + event.request_id) if event.request_id else None
        if call is not None:
            found = found.of_call(found.by if session else By.DOWNSTREAM_REQUEST, *call)
            return self._amending.wait_for_session(event, found if session else explained(found))
        found = found if session else explained(found)
        if event.request_id:
            self._amending.wait(CALL + event.request_id, event, found)
        return self._amending.wait_for_session(event, found)

    def _list(self, request: str) -> None:
        """Remember a request id that a tool call lists."""
        if len(self._listed) >= _MAX_LISTED:
            self._listed.popitem(last=False)
        self._listed[request] = None
