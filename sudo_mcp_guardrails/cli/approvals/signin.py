"""Sign in afresh, in a browser: authorization code, PKCE, and a redirect to loopback.

RFC 8252 (native apps), RFC 7636 (PKCE) and OpenID Connect Core 1.0: ``prompt=login`` and ``max_age=0`` ask for a new
sign-in, and the ``nonce`` is the challenge of what is stated, so that the token proves that and nothing else. The token
comes from the token endpoint itself, over TLS: whom it is signed by is for the API to verify. It is kept in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
import webbrowser
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from sudo_mcp_guardrails.cli.approvals.api import ApiError, checked_url, fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

REDIRECT_PORT: Final = 8976
"""Port of the redirect, unless another is named; identity providers want to know it beforehand."""
SECONDS: Final = 300
"""How long a sign-in is waited for: no decision may rest on an older one."""
_FORM: Final = "application/x-www-form-urlencoded"
_PAGE: Final = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Signed in</title>"
    b"<p>This is done: go back to the terminal, and close this page.</p></html>"
)


@dataclass(frozen=True)
class Session:
    """Who signed in.

    Attributes:
        token: his ID token.
        claims: what it says; not verified here.
    """

    token: str
    claims: dict[str, Any]

    factor = "jwt"

    def authorize(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the header that says who asks, whatever is asked."""
        del method, url, body
        return {"authorization": f"Bearer {self.token}"}

    @property
    def username(self) -> str:
        """What the person signs in as; empty where the token does not say."""
        return str(self.claims.get("preferred_username", ""))

    @property
    def identity(self) -> str:
        """The identity as the API names it."""
        return f"{self.claims.get('iss')}#{self.claims.get('sub')}"

    @property
    def says_how(self) -> bool:
        """Whether the token says how the person signed in; where not, it proves no second factor."""
        return bool(self.claims.get("amr"))

    def __repr__(self) -> str:
        """Name the person, and never the token."""
        return f"Session({self.identity!r})"


@dataclass(frozen=True)
class SignIn:
    """Signs people in.

    Attributes:
        settings: the API's ``config.json``.
        port: of the redirect.
        report: is told one line, such as the link.
    """

    settings: dict[str, str]
    port: int
    report: Callable[[str], None]

    def fresh(self, nonce: str = "", who: str = "") -> Session:
        """Have somebody sign in now.

        Args:
            nonce: challenge that the token is bound to; a random one by default.
            who: user name that the provider may fill in.

        Raises:
            ApiError: nobody did, or the provider refuses.
        """
        authorize, exchange = self._endpoints()
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        nonce = nonce or secrets.token_urlsafe(32)
        asked = {
            "response_type": "code",
            "client_id": self.settings["clientId"],
            "redirect_uri": self.redirect,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "max_age": "0",
            "prompt": "login",
            **({"login_hint": who} if who else {}),
        }
        with _Redirect(self.port, state) as redirect:
            link = f"{authorize}{'&' if '?' in authorize else '?'}{urlencode(asked)}"
            self.report(f"sign in here, within {SECONDS // 60} minutes:\n{link}")
            open_link(link)
            code = redirect.code()
        grant = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": self.settings["clientId"],
            "code_verifier": verifier,
        }
        tokens = fetch(exchange, body=urlencode(grant).encode(), kind=_FORM)
        return self._session(tokens, nonce)

    @property
    def redirect(self) -> str:
        """Where the sign-in leads back to."""
        return redirect_uri(self.port)

    def _endpoints(self) -> tuple[str, str]:
        found = [self.settings.get("authorizeUrl", ""), self.settings.get("tokenUrl", "")]
        issuer = self.settings.get("issuer", "")
        if not all(found):
            document = fetch(f"{checked_url('issuer', issuer).rstrip('/')}/.well-known/openid-configuration")
            if not isinstance(document, dict) or document.get("issuer") != issuer:
                raise ApiError(0, f"{issuer[:200]!r} does not describe itself as this issuer")
            found = [str(document.get(f"{name}_endpoint", "")) for name in ("authorization", "token")]
        return checked_url("authorization endpoint", found[0]), checked_url("token endpoint", found[1])

    def _session(self, tokens: object, nonce: str) -> Session:
        token = tokens.get("id_token") if isinstance(tokens, dict) else None
        try:
            body = str(token).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            audience = claims["aud"]
            right = (
                claims["nonce"] == nonce
                and claims["iss"] == self.settings["issuer"]
                and self.settings["clientId"] in (audience if isinstance(audience, list) else [audience])
            )
        except (IndexError, KeyError, TypeError, ValueError):
            raise ApiError(0, "the identity provider gives no ID token that can be read") from None
        if not right:
            raise ApiError(0, "the ID token is of another issuer, for another client or for another sign-in")
        return Session(str(token), claims)


def redirect_uri(port: int) -> str:
    """Return where a sign-in leads back to; by name, since Cognito allows HTTP for ``localhost`` alone."""
    return f"http://localhost:{port}/callback"


def open_link(link: str) -> None:
    """Open a link in the browser, where somebody is at the terminal."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        webbrowser.open(link)


class _Redirect:
    """Waits on loopback for the redirect of one sign-in.

    Args:
        port: to listen on.
        state: that the redirect must have.

    Raises:
        ApiError: the port is taken.
    """

    def __init__(self, port: int, state: str) -> None:
        self._answer: dict[str, str] = {}
        try:
            self._server = HTTPServer(("127.0.0.1", port), self._handler(port, state))
        except OSError as error:
            raise ApiError(
                0, f"port {port} cannot be used ({error.strerror}), name another by --redirect-port"
            ) from None
        self._server.timeout = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def code(self) -> str:
        """Wait for the code; raises ApiError."""
        until = time.monotonic() + SECONDS
        while not self._answer:
            if time.monotonic() > until:
                raise ApiError(0, f"nobody signed in within {SECONDS} seconds: nothing was decided")
            self._server.handle_request()
        if "code" not in self._answer:
            raise ApiError(403, f"the identity provider refuses: {self._answer.get('error', 'no code')[:200]}")
        return self._answer["code"]

    def _handler(self, port: int, state: str) -> type[BaseHTTPRequestHandler]:
        waiting = self._answer

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                path = urlsplit(self.path)
                given = dict(parse_qsl(path.query))
                mine = secrets.compare_digest(given.get("state", "").encode(), state.encode())
                # Any page of the internet can send a browser here; who does not know the state is told nothing.
                good = self.headers.get("Host") == f"localhost:{port}" and path.path == "/callback" and mine
                self.send_response(200 if good else 400)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
                self.send_header("cache-control", "no-store")
                self.send_header("referrer-policy", "no-referrer")
                self.end_headers()
                if good:
                    self.wfile.write(_PAGE)
                    waiting.update(given)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing: the request has the code in it."""

        return Handler


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
