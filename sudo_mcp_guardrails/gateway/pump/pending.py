"""What is open between a client and a server, and what the pump does next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.call import Outcome, ToolCall
    from sudo_mcp_guardrails.gateway.guard import Guard
    from sudo_mcp_guardrails.gateway.pump.limits import Limits
    from sudo_mcp_guardrails.gateway.pump.sealing import Sealer


@dataclass(slots=True)
class Looked:
    """When the guard looked at a server's tools.

    Attributes:
        at: By the links' clock; minus infinity where it never did, or the server said that they changed.
    """

    at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all links to one server share.

    Attributes:
        guard: What is asked about calls, results and lists.
        server: Name of the server.
        sealer: Of approvals that clients carry.
        limits: Bounds.
        definitions: The server's tools by name, each as it was last listed.
        looked: When the guard itself last looked at all of the server's tools.
    """

    guard: Guard
    server: str
    sealer: Sealer
    limits: Limits
    definitions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    looked: Looked = field(default_factory=Looked)


@dataclass(slots=True, eq=False)
class Pending:
    """A request of the client that has no answer yet.

    Attributes:
        id: As the client numbered it.
        method: What was asked.
        params: With what.
        modern: Whether the client speaks 2026-07-28 or later.
        deadline: When the client is told that no answer came, by the link's clock.
        asked: With ``tools/call``, what the client sent.
        call: The same, as it goes on.
        approved: Whether a person let this call through.
        held: While a person is asked by a request of our own: its id; else empty.
        bytes: While it is held, what goes to the server then.
        outcome: While it is held, what the checks said.
        waiter: A transport's own: who waits for the person's answer.
        ready: What checks said of its result, off the loop.
    """

    id: str | int
    method: str
    params: Mapping[str, Any]
    modern: bool
    deadline: float
    asked: ToolCall | None = None
    call: ToolCall | None = None
    approved: bool = False
    held: str = ""
    bytes: bytes = b""
    outcome: Outcome | None = None
    waiter: Any = None
    ready: Mapping[int, Outcome] | None = None


class Step(NamedTuple):
    """What goes out next.

    Attributes:
        server: A message to the server, or None.
        client: A message to the client, or None.
        about: The client's request that it belongs to, where it belongs to one.
    """

    server: bytes | None = None
    client: bytes | None = None
    about: Pending | None = None


NOTHING = Step()
