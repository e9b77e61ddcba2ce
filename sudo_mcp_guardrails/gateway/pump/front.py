"""What every request over HTTP must be before anything is done with it: sent to here, by a client that is known."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, REFUSED, TOO_LARGE, RefusedError
from sudo_mcp_guardrails.gateway.tokens.verify import TokenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sudo_mcp_guardrails.gateway.tokens.verify import Tokens

_log = logging.getLogger(__name__)

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
        tokens: Access tokens that are taken, in the place of ``clients``.
        metadata: URL of the protected resource's metadata, which who is refused is told (RFC 9728); empty for none.
    """

    hosts: frozenset[str]
    clients: Mapping[str, str] = field(default_factory=dict)
    origins: frozenset[str] = frozenset()
    tokens: Tokens | None = None
    metadata: str = ""

    def __post_init__(self) -> None:
        """Refuse digests that are none, and a door that is open to a network."""
        for digest in self.clients:
            if len(digest) != _DIGEST or set(digest) - set("0123456789abcdef"):
                raise GatewayError(f"client {digest[:8]!r}… is not allowed, expected the SHA-256 of a token, in hex")
        if self.clients and self.tokens is not None:
            raise GatewayError("clients and access tokens together are not allowed, expected one of them")
        known = bool(self.clients) or self.tokens is not None
        if not known and not all(urlsplit(f"//{host}").hostname in LOOPBACK for host in self.hosts):
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
        kind, _, token = headers.get("authorization", "").partition(" ")
        if self.tokens is not None:
            if kind.lower() != "bearer":
                raise UnknownClientError(self.metadata)
            try:
                return self.tokens.principal(token.strip())
            except TokenError as error:
                _log.warning("an access token is refused: %s", error)
                raise UnknownClientError(self.metadata) from error
        if not self.clients:
            return ""
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

    def __init__(self, metadata: str = "") -> None:
        super().__init__(REFUSED, "a bearer token that this guard knows is required")
        where = f' resource_metadata="{metadata}"' if metadata else ""
        self.headers = ((b"www-authenticate", f"Bearer{where}".encode("latin-1")),)

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
