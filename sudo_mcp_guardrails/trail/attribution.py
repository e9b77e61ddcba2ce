"""Whose work an event is: the agent, its run and the reason for it, or why that is not known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.event import Event


class By(str, Enum):
    """What an attribution rests on, the strongest first."""

    SESSION_TAGS = "session-tags"
    """The tags that the broker set when it assumed the role, found by the session's access key."""
    SOURCE_IDENTITY = "source-identity"
    """The run id in the SourceIdentity of a session on the agents' path; it holds through role chaining."""
    ROLE_PATH = "role-path"
    """The role lies on the agents' path, and says whose it is and what it may."""
    SIGN_IN_SESSION = "sign-in-session"
    """A session that was granted to an MCP client by OAuth."""
    MCP_EVENT = "mcp-event"
    """The event is a tool call of an MCP server of AWS."""
    DOWNSTREAM_REQUEST = "downstream-request"
    """A tool call lists this event's request id among those it made."""
    INVOKED_BY = "invoked-by"
    """The event says that an MCP server of AWS made the call."""
    USER_AGENT = "user-agent"
    """The user agent names an MCP server that people run themselves; callers choose it, so it shows little."""
    NOBODY = "nobody"
    """Nothing tells of an agent."""


@dataclass(slots=True, unsafe_hash=True)
class Attribution:
    """Whose work an event is. Not frozen, as :class:`~sudo_mcp_guardrails.trail.event.Event`; nobody changes one.

    Attributes:
        by: what the attribution rests on.
        session: key of the session: the OAuth session's ARN, else the access key, else the SourceIdentity.
        agent: name of the agent.
        run: run id, ``run-`` and a ULID.
        capability: ``read``, ``plan``, ``apply`` or ``execution``.
        ticket: the business reason's key.
        approval: id of the approval.
        plan_digest: digest of the approved plan.
        person: who stands behind the session: the identity that asked the broker or granted the OAuth session.
        tool: the MCP tool that was called, without the prefix ``aws___``.
        tool_call: ``eventID`` of the tool call that this event came from.
        reason: why something above is not known, in one line; None where nothing is missing.
    """

    by: By
    session: str | None = None
    agent: str | None = None
    run: str | None = None
    capability: str | None = None
    ticket: str | None = None
    approval: str | None = None
    plan_digest: str | None = None
    person: str | None = None
    tool: str | None = None
    tool_call: str | None = None
    reason: str | None = None

    def of_call(self, by: By, tool: str | None, tool_call: str) -> Attribution:
        """Return the same for an event of a tool call; ``dataclasses.replace`` takes four times as long."""
        return Attribution(
            by,
            self.session,
            self.agent,
            self.run,
            self.capability,
            self.ticket,
            self.approval,
            self.plan_digest,
            self.person,
            tool,
            tool_call,
            self.reason,
        )

    @property
    def attributed(self) -> bool:
        """Whether this is some agent's work, be it known which one or not."""
        return self.by is not By.NOBODY


class Attributed(NamedTuple):
    """An event and whose work it is."""

    event: Event
    attribution: Attribution
