"""The provider's HTTP: discovery, keys, sign-in and tokens.

It answers on loopback alone, and only under its own address, so that no page of the internet can reach it by a name
that resolves to loopback. OpenID Connect Core 1.0, RFC 6749, RFC 7636 (PKCE).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sudo_mcp_guardrails.local.oidc import pages
from sudo_mcp_guardrails.local.oidc.grants import (
    WRONG_TRIES,
    Pending,
    RefusedError,
    SignedIn,
    check_grant,
    checked_request,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.oidc.grants import Request
    from sudo_mcp_guardrails.local.oidc.provider import OidcProvider

LONGEST_BODY = 16_384
SESSION_COOKIE = "mcp_guardrails_oidc"
_FORM = "application/x-www-form-urlencoded"


def serve(provider: OidcProvider, host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread of its own.

    Raises:
        OSError: the port cannot be used.
    """
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), name="oidc-provider", daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    provider: OidcProvider
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: library code does not print."""

    def do_GET(self) -> None:
        """Discovery, keys, and the beginning of a sign-in."""
        path = urlsplit(self.path)
        if not self._own_address():
            return
        if path.path == "/.well-known/openid-configuration":
            self._json(_discovery(self.provider.issuer), anyone=True)
        elif path.path == "/jwks.json":
            self._json({"keys": [self.provider.key.public()]}, anyone=True)
        elif path.path == "/authorize":
            with self.provider.lock:
                self._authorize(_pairs(path.query))
        else:
            self._json({"error": "not_found"}, HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """The sign-in form, and the exchange of a code."""
        if not self._own_address():
            return
        size = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "").split(";")[0].strip()
        if not size.isdigit() or int(size) > LONGEST_BODY or kind != _FORM:
            self.close_connection = True
            self._json({"error": "invalid_request"}, HTTPStatus.BAD_REQUEST)
            return
        given = _pairs(self.rfile.read(int(size)).decode("utf-8", "replace"))
        with self.provider.lock:
            if self.path == "/authorize":
                self._signed_in(given)
            elif self.path == "/token":
                self._token(given)
            else:
                self._json({"error": "not_found"}, HTTPStatus.NOT_FOUND)

    def do_OPTIONS(self) -> None:
        """A browser's question before it exchanges a code."""
        if self._own_address():
            self._answer(HTTPStatus.NO_CONTENT, b"", {"Access-Control-Allow-Methods": "POST", **self._cors()})

    def _own_address(self) -> bool:
        if self.headers.get("Host", "") == urlsplit(self.provider.issuer).netloc:
            return True
        self.close_connection = True
        self._json({"error": "invalid_request", "error_description": "another host"}, HTTPStatus.MISDIRECTED_REQUEST)
        return False

    def _authorize(self, given: dict[str, str]) -> None:
        try:
            request = checked_request(given, self.provider.clients)
        except RefusedError as error:
            self._refuse(error, given)
            return
        session = self.provider.sessions.get(self._cookie())
        now = time.time()
        if session is not None and request.fresh_enough(session.at, now):
            self._send_code(request, session)
        elif request.prompt == "none":
            self._refuse(RefusedError("login_required", "nobody is signed in"), given)
        else:
            # The cookie ties the form to this browser: nobody else can finish, or begin, a sign-in in it.
            browser = secrets.token_urlsafe(32)
            name = self.provider.requests.put(Pending(request, browser))
            page = pages.sign_in_page(name, request.client, username=given.get("login_hint", ""))
            self._page(page, request.redirect_uri, cookie=f"{SESSION_COOKIE}_form={browser}")

    def _signed_in(self, given: dict[str, str]) -> None:
        name = given.get("request", "")
        pending = self.provider.requests.get(name)
        mine = self._cookie("_form")
        foreign = self.headers.get("Origin", self.provider.issuer) != self.provider.issuer
        if pending is None or foreign or not secrets.compare_digest(mine.encode(), pending.browser.encode()):
            text = "This sign-in is over, or began elsewhere. Go back to where you came from and begin again."
            self._page(pages.problem_page(text), status=HTTPStatus.BAD_REQUEST)
            return
        request = pending.request
        username = given.get("username", "")
        person = self.provider.person(username, given.get("password", ""), given.get("code", ""))
        if person is None:
            pending.tries += 1
            if pending.tries >= WRONG_TRIES:
                self.provider.requests.take(name)
            problem = "User name, password or one-time code is wrong."
            page = pages.sign_in_page(name, request.client, username=username, problem=problem)
            self._page(page, request.redirect_uri, status=HTTPStatus.UNAUTHORIZED)
            return
        self.provider.requests.take(name)
        signed_in = SignedIn(person, time.time())
        session = self.provider.sessions.put(signed_in)
        self._send_code(request, signed_in, cookie=f"{SESSION_COOKIE}={session}")

    def _send_code(self, request: Request, signed_in: SignedIn, cookie: str = "") -> None:
        code = self.provider.codes.put((request, signed_in))
        answer = {"code": code, "iss": self.provider.issuer, **({"state": request.state} if request.state else {})}
        self._redirect(request.redirect_uri, answer, cookie)

    def _token(self, given: dict[str, str]) -> None:
        # Taken whatever else is wrong: a code that was tried once is gone.
        found = self.provider.codes.take(given.get("code", ""))
        try:
            request, signed_in = check_grant(given, found)
        except RefusedError as error:
            told = {"error": error.code, "error_description": str(error)}
            self._json(told, HTTPStatus.BAD_REQUEST, self._cors())
            return
        self._json(self.provider.tokens(request, signed_in), headers=self._cors())

    def _refuse(self, error: RefusedError, given: dict[str, str]) -> None:
        if not error.told:
            self._page(pages.problem_page(f"{error.code}: {error}."), status=HTTPStatus.BAD_REQUEST)
            return
        answer = {"error": error.code, "error_description": str(error), "iss": self.provider.issuer}
        if given.get("state"):
            answer["state"] = given["state"]
        self._redirect(given["redirect_uri"], answer)

    def _redirect(self, uri: str, answer: dict[str, str], cookie: str = "") -> None:
        headers = {
            "Location": f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}",
            "Referrer-Policy": "no-referrer",
        }
        self._answer(HTTPStatus.SEE_OTHER, b"", headers, cookie)

    def _page(self, page: str, redirect_uri: str = "", *, status: HTTPStatus = HTTPStatus.OK, cookie: str = "") -> None:
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": pages.policy(redirect_uri),
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        self._answer(status, page.encode(), headers, cookie)

    def _json(
        self,
        value: dict[str, Any],
        status: HTTPStatus = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
        *,
        anyone: bool = False,
    ) -> None:
        more = {"Access-Control-Allow-Origin": "*"} if anyone else headers or {}
        self._answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **more})

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str], cookie: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if cookie:
            self.send_header("Set-Cookie", f"{cookie}; Path=/authorize; HttpOnly; SameSite=Lax")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _cors(self) -> dict[str, str]:
        origin = self.headers.get("Origin", "")
        known = any(origin in client.origins for client in self.provider.clients.values())
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if known else {}

    def _cookie(self, suffix: str = "") -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(SESSION_COOKIE + suffix)
        except CookieError:
            return ""
        return found.value if found else ""


def _pairs(text: str) -> dict[str, str]:
    """The parameters; one that is given twice is as none (RFC 6749 section 3.1 forbids it)."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=50):
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "prompt_values_supported": ["none", "login"],
        "scopes_supported": ["openid"],
        "claims_supported": ["sub", "auth_time", "amr", "preferred_username"],
        "authorization_response_iss_parameter_supported": True,
    }
