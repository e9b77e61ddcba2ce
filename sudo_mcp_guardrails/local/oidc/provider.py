"""The provider: people, clients, tokens, and the server that they are reached by."""

from __future__ import annotations

import secrets
import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.oidc.grants import CODE_SECONDS, REQUEST_SECONDS, SESSION_SECONDS, Kept
from sudo_mcp_guardrails.local.oidc.keys import SigningKey
from sudo_mcp_guardrails.local.oidc.people import OidcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from http.server import ThreadingHTTPServer
    from types import TracebackType

    from typing_extensions import Self

    from sudo_mcp_guardrails.local.oidc.grants import Pending, Request, SignedIn
    from sudo_mcp_guardrails.local.oidc.people import Client, Person

LOOPBACK = "127.0.0.1"
TOKEN_SECONDS = 900


class OidcProvider:
    """An OpenID Connect provider on a loopback port, in a thread of this process, from `start` to `stop`.

    Args:
        people: who can sign in.
        clients: what they can sign in to; `register` adds more, once their address is known.
        port: loopback port; a free one when left out.
        leave_out: claims that no token has, such as `amr` or `auth_time`; may be set while it runs, for tests.
        token_seconds: how long tokens hold.

    Raises:
        OidcError: two people have one username.
    """

    def __init__(
        self,
        people: Iterable[Person],
        clients: Iterable[Client] = (),
        *,
        port: int | None = None,
        leave_out: Iterable[str] = (),
        token_seconds: int = TOKEN_SECONDS,
    ) -> None:
        self.people: dict[str, Person] = {}
        for person in people:
            if person.username in self.people:
                msg = f"username {person.username!r} is given twice; give each person one of their own"
                raise OidcError(msg)
            self.people[person.username] = person
        self.clients = {client.client_id: client for client in clients}
        self.leave_out = frozenset(leave_out)
        self.key = SigningKey()
        self.requests: Kept[Pending] = Kept(REQUEST_SECONDS)
        self.sessions: Kept[SignedIn] = Kept(SESSION_SECONDS)
        self.codes: Kept[tuple[Request, SignedIn]] = Kept(CODE_SECONDS)
        # One request at a time: the loads are small, and a code must not be taken twice.
        self.lock = threading.Lock()
        self._port = port
        self._token_seconds = token_seconds
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()

    @property
    def issuer(self) -> str:
        """Its issuer, which is also where it is reached.

        Raises:
            OidcError: it is not running.
        """
        if self._server is None:
            msg = "the provider is not running; call start() or use it in a with block"
            raise OidcError(msg)
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Serve.

        Raises:
            OidcError: it runs already, or the port cannot be used.
        """
        from sudo_mcp_guardrails.local.oidc.server import serve  # noqa: PLC0415 - the server imports this module

        if self._server is not None:
            msg = f"the provider is running already, at {self.issuer}"
            raise OidcError(msg)
        try:
            self._server = serve(self, LOOPBACK, self._port or 0)
        except (OSError, OverflowError) as error:
            msg = f"port {self._port} on {LOOPBACK} cannot be used ({error}); name another, or none"
            raise OidcError(msg) from error
        return self

    def stop(self) -> None:
        """End it; harmless when it is not running."""
        running, self._server = self._server, None
        if running is not None:
            running.shutdown()
            running.server_close()

    def register(self, client: Client) -> None:
        """Add a client, or change one's redirect URIs."""
        self.clients[client.client_id] = client

    def person(self, username: str, password: str, code: str) -> Person | None:
        """Who that is, None when any of the three is wrong."""
        person = self.people.get(username)
        expected = person.password if person else secrets.token_hex()
        right = secrets.compare_digest(expected.encode(), password.encode())
        return person if person is not None and right and person.takes(code) else None

    def tokens(self, request: Request, signed_in: SignedIn) -> dict[str, Any]:
        """The answer to a token request."""
        nonce = {"nonce": request.nonce} if request.nonce else {}
        about = {"scope": request.scope, "client_id": request.client}
        person, at = signed_in.person, signed_in.at
        return {
            "access_token": self.issue(person, request.client, auth_time=at, claims=about, kind="at+jwt"),
            "id_token": self.issue(person, request.client, auth_time=at, claims=nonce),
            "token_type": "Bearer",
            "expires_in": self._token_seconds,
            "scope": request.scope,
        }

    def issue(
        self,
        person: Person,
        audience: str,
        *,
        auth_time: float | None = None,
        claims: Mapping[str, Any] = MappingProxyType({}),
        kind: str = "JWT",
    ) -> str:
        """A signed token without a sign-in, for tests; `claims` go before everything else.

        Args:
            person: whom it speaks of.
            audience: the client.
            auth_time: when the person signed in, in seconds since 1970; now when left out.
            claims: further claims, or others than the usual ones.
            kind: the header's `typ`.
        """
        now = time.time()
        made = {
            "iss": self.issuer,
            "sub": person.sub,
            "aud": audience,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + self._token_seconds,
            "jti": secrets.token_urlsafe(16),
            "auth_time": int(now if auth_time is None else auth_time),
            "amr": list(person.amr),
            "preferred_username": person.username,
            **person.claims,
            **claims,
        }
        return self.key.token({name: value for name, value in made.items() if name not in self.leave_out}, kind=kind)
