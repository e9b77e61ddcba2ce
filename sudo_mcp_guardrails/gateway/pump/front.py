"""What every request over HTTP must be before anything is done with it: sent to here, by a client that is known."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, REFUSED, TOO_LARGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

PATH: Final = "/mcp"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_DIGEST: Final = 64


@dataclass(frozen=True)
class Door:
    """Who may come in.

    A browser that was sent here by a page of somebody else (DNS rebinding) names a host or an origin that is not here.

    Attributes:
        hosts: Names, with their ports, by which clients reach the guard.
        clients: Principals by the SHA-256 of their bearer tokens, in hexadecimal; where there are none, everybody who
            reaches the guard is the principal ``""``.
        origins: Of pages that may call it.
    """

    hosts: frozenset[str]
    clients: Mapping[str, str] = field(default_factory=dict)
    origins: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse digests that are none, and a door that is open to a network."""
        for digest in self.clients:
            if len(digest) != _DIGEST or set(digest) - set("0123456789abcdef"):
                raise GatewayError(f"client {digest[:8]!r}… is not allowed, expected the SHA-256 of a token, in hex")
        if not self.clients and not all(urlsplit(f"//{host}").hostname in LOOPBACK for host in self.hosts):
            raise GatewayError(f"hosts {sorted(self.hosts)} without clients are not allowed, expected loopback alone")

    def admit(self, headers: Mapping[str, str]) -> str:
        """Return the principal of a request.

        Raises:
            RefusedError: It comes from elsewhere, or from nobody who is known.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if host.lower() not in self.hosts:
            raise RefusedError(REFUSED, f"host {host[:80]!r} is not allowed")
        if origin is not None and origin.lower() not in self.origins and not self._own(origin):
            raise RefusedError(REFUSED, f"origin {origin[:80]!r} is not allowed")
        if not self.clients:
            return ""
        kind, _, token = headers.get("authorization", "").partition(" ")
        given = hashlib.sha256(token.strip().encode("latin-1", "replace")).hexdigest()
        found = None
        for digest, principal in self.clients.items():
            if hmac.compare_digest(digest, given):
                found = principal
        if kind.lower() != "bearer" or found is None:
            raise UnknownClientError
        return found

    def _own(self, origin: str) -> bool:
        parts = urlsplit(origin.lower())
        return parts.scheme in {"http", "https"} and parts.netloc in self.hosts


class UnknownClientError(RefusedError):
    """A request without a token that is known."""

    def __init__(self) -> None:
        super().__init__(REFUSED, "a bearer token that this guard knows is required")

    @property
    def status(self) -> int:
        """HTTP's status for it."""
        return 401


async def body_of(receive: Callable[[], Awaitable[dict[str, Any]]], headers: Mapping[str, str], limit: int) -> bytes:
    """Return a request's body; the caller bounds the time.

    Raises:
        RefusedError: It is larger than ``limit``, or the client left before its end.
    """
    length = headers.get("content-length", "")
    parts, size, more = [], 0, True
    if length.isdigit() and int(length) > limit:
        raise RefusedError(TOO_LARGE, f"a message of more than {limit} bytes is not allowed")
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise RefusedError(INVALID_REQUEST, "the client left before its request was whole")
        part = event.get("body", b"")
        size += len(part)
        if size > limit:
            raise RefusedError(TOO_LARGE, f"a message of more than {limit} bytes is not allowed")
        parts.append(part)
        more = event.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)
