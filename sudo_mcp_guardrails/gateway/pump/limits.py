"""How much the pump takes, keeps and waits for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from sudo_mcp_guardrails.gateway.errors import GatewayError

_MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the pump; each must be positive.

    Attributes:
        request_bytes: Of one message of the client.
        answer_bytes: Of one message of the server.
        depth: Of nested objects and arrays in a message.
        pending: Requests that one client may have open, and as many of one server to its client.
        sessions: Of clients at one time, over HTTP.
        children: Servers that run at one time, where each session over HTTP has its own.
        tools: Definitions that are remembered of one server.
        buffered_bytes: That may wait for a reader before the writer is paused.
        call_seconds: From a request to its answer; then the client is told that it may still have been executed.
        approval_seconds: For a person to answer.
        idle_seconds: Until a session over HTTP that nobody uses is forgotten.
        body_seconds: For a client to send a request's body.
        look_seconds: For which the guard's own look at the server's tools holds; a call after that makes it look again.
        look_patience: For the server to list its tools when the guard looks.
    """

    request_bytes: int = 4 * _MEBIBYTE
    answer_bytes: int = 16 * _MEBIBYTE
    depth: int = 128
    pending: int = 256
    sessions: int = 10_000
    children: int = 256
    tools: int = 10_000
    buffered_bytes: int = _MEBIBYTE
    call_seconds: float = 300.0
    approval_seconds: float = 300.0
    idle_seconds: float = 3600.0
    body_seconds: float = 30.0
    look_seconds: float = 30.0
    look_patience: float = 15.0

    def __post_init__(self) -> None:
        """Refuse what would stop everything, or bound nothing."""
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 < value < float("inf"):
                raise GatewayError(f"limit {each.name} {value!r} is not allowed, expected a positive finite number")


DEFAULT_LIMITS: Final = Limits()
