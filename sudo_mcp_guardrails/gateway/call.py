"""What every check of the gateway speaks of: a call of a tool, its result, and what a check says of them.

A check is asked twice: :meth:`Check.before` with the call, before any byte of it reaches the server, and
:meth:`Check.after` with the result, before any byte of that reaches the client. The guard asks all of them, in their
order, and the strictest answer counts. A check that raises is a check that denies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Verdict(str, Enum):
    """What becomes of a call, or of a result, from the mildest to the strictest."""

    ALLOW = "allow"
    REDACT = "redact"
    """It goes on changed: something in it was masked or cut."""
    ASK = "ask"
    """A person decides first."""
    DENY = "deny"

    def __or__(self, other: Verdict) -> Verdict:
        """Return the stricter of two."""
        return max(self, other, key=_STRICTNESS.__getitem__)


_STRICTNESS = {verdict: number for number, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a check says what it says.

    Attributes:
        id: Stable, ``room.what``, such as ``pin.changed`` or ``taint.untrusted-argument``.
        text: One sentence for the agent: what is wrong and what it can do instead. Holds no secret and no text of an
            untrusted server.
        rule: The policy, Sid or rule that says so; empty where the check itself does.
        person: Whether a person may lift it for one call.
    """

    id: str
    text: str
    rule: str = ""
    person: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check says of a call or a result.

    Attributes:
        verdict: What becomes of it.
        reasons: Why; at least one for all but ALLOW.
        value: With REDACT, what goes on instead: the arguments, or the result.
    """

    verdict: Verdict = Verdict.ALLOW
    reasons: tuple[Reason, ...] = ()
    value: Mapping[str, Any] | None = None


ALLOWED = Outcome()


@dataclass(slots=True)
class Session:
    """One client's work through the guard, for as long as it lasts.

    Attributes:
        id: Minted by the guard: the protocol of 2026-07-28 has none.
        agent: Name of the agent.
        capability: ``read``, ``plan`` or ``apply``: of the guard's own credentials for it, never chosen by the agent.
        run: The run of the broker's session; empty where there is none.
        principal: Who the client showed to be, such as an OAuth subject; empty on stdio.
        intent: What the host handed over at the start of the run, through a channel the model cannot write: the
            user's words; None where nothing was.
        sop: Name of the SOP that is followed; empty for none.
        state: What checks keep for the session, each under its own name.
    """

    id: str
    agent: str
    capability: str = "read"
    run: str = ""
    principal: str = ""
    intent: str | None = None
    sop: str = ""
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, as the client sent it.

    Attributes:
        server: Name of the server behind the guard.
        tool: Name of the tool, as the server calls it.
        arguments: As parsed; never changed in place.
        definition: The tool's definition as the server last listed it, whole; None where it never did.
        trace: W3C trace context of ``_meta`` (``traceparent`` and its kin).
        number: Of the call in its session, from 1.
        meta: ``_meta`` of the request, whole.
    """

    server: str
    tool: str
    arguments: Mapping[str, Any]
    definition: Mapping[str, Any] | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a server answered.

    Attributes:
        body: The ``result`` of the JSON-RPC answer, whole (``content``, ``structuredContent``, ``isError``, ``_meta``);
            for a JSON-RPC error, ``{"error": …}``.
        size: Bytes of the answer, as it came.
    """

    body: Mapping[str, Any]
    size: int


class Check(Protocol):
    """One of the guard's checks. One event loop calls both methods: they must not block, and take well under 1 ms."""

    @property
    def name(self) -> str:
        """Its name, as records and errors say it."""
        ...

    def before(self, session: Session, call: ToolCall) -> Outcome:
        """Judge a call that was not made yet."""
        ...

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:
        """Judge a result that nobody has seen yet."""
        ...


class ListCheck(Protocol):
    """A check that sees lists of tools before the client does."""

    def listed(self, session: Session, server: str, tools: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the tools that the client may see, each with the very fields it came with."""
        ...
