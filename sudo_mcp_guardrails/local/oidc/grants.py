"""A sign-in from the first request to the tokens: checked requests, sessions, and codes that count once."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sudo_mcp_guardrails.local.oidc.keys import base64url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.local.oidc.people import Client, Person

T = TypeVar("T")

CODE_SECONDS = 60
REQUEST_SECONDS = 600
SESSION_SECONDS = 3600
MOST_KEPT = 1000
WRONG_TRIES = 10
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_PROMPTS = frozenset({"", "none", "login"})


class RefusedError(Exception):
    """A request is refused with an OAuth error code.

    Args:
        code: OAuth's or OpenID Connect's name of the error.
        told: whether the client may be told by a redirect; otherwise the browser is, and goes nowhere.
    """

    def __init__(self, code: str, description: str, *, told: bool = True) -> None:
        super().__init__(description)
        self.code = code
        self.told = told


@dataclass(frozen=True)
class Request:
    """A checked authorization request."""

    client: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    challenge: str
    prompt: str
    max_age: int | None

    def fresh_enough(self, signed_in: float, now: float) -> bool:
        """Whether a session of that age may answer this request without a new sign-in."""
        # max_age=0 is OpenID Connect's other way to say prompt=login.
        return self.prompt != "login" and (self.max_age is None or now - signed_in < self.max_age)


@dataclass
class Pending:
    """A request whose form is being filled in, in one browser."""

    request: Request
    browser: str
    tries: int = 0


@dataclass(frozen=True)
class SignedIn:
    """Who signed in, and when."""

    person: Person
    at: float


class Kept(Generic[T]):
    """Values behind random names, for a while, at most so many; the oldest go first."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._values: dict[str, tuple[float, T]] = {}

    def put(self, value: T) -> str:
        """Keep a value; returns its name."""
        while len(self._values) >= MOST_KEPT:
            self._values.pop(next(iter(self._values)))
        name = secrets.token_urlsafe(32)
        self._values[name] = (self._clock() + self._seconds, value)
        return name

    def get(self, name: str) -> T | None:
        """The value, None when there is none any more."""
        kept = self._values.get(name)
        return kept[1] if kept is not None and kept[0] > self._clock() else None

    def take(self, name: str) -> T | None:
        """The value, which is then gone."""
        value = self.get(name)
        self._values.pop(name, None)
        return value


def checked_request(given: Mapping[str, str], clients: Mapping[str, Client]) -> Request:
    """Check an authorization request.

    Raises:
        RefusedError: it is not allowed; only where client and redirect URI hold may the client be told.
    """
    client = clients.get(given.get("client_id", ""))
    if client is None:
        raise RefusedError("unauthorized_client", "the client is not registered", told=False)
    uri = given.get("redirect_uri", "")
    if uri not in client.redirect_uris:
        raise RefusedError("invalid_request", "the redirect URI is not registered", told=False)
    if given.get("response_type") != "code":
        raise RefusedError("unsupported_response_type", "only the authorization code flow is served")
    if "openid" not in given.get("scope", "").split():
        raise RefusedError("invalid_scope", "the scope openid is missing")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        raise RefusedError("invalid_request", "PKCE with S256 is required")
    if given.get("prompt", "") not in _PROMPTS:
        raise RefusedError("invalid_request", "prompt is none or login")
    age = given.get("max_age", "")
    if age and not (age.isascii() and age.isdigit() and len(age) < 10):  # noqa: PLR2004 - thirty years of seconds
        raise RefusedError("invalid_request", "max_age is no number of seconds")
    return Request(
        client=client.client_id,
        redirect_uri=uri,
        scope=given["scope"],
        state=given.get("state", ""),
        nonce=given.get("nonce", ""),
        challenge=given["code_challenge"],
        prompt=given.get("prompt", ""),
        max_age=int(age) if age else None,
    )


def check_grant(given: Mapping[str, str], found: tuple[Request, SignedIn] | None) -> tuple[Request, SignedIn]:
    """Check a token request against the authorization request that its code stands for.

    Raises:
        RefusedError: the code is unknown, used or old, or client, redirect URI or verifier are others.
    """
    if given.get("grant_type") != "authorization_code":
        raise RefusedError("unsupported_grant_type", "only authorization codes are taken")
    if found is None:
        raise RefusedError("invalid_grant", "the code is unknown, used or too old")
    request = found[0]
    verifier = given.get("code_verifier", "")
    proved = base64url(hashlib.sha256(verifier.encode("ascii", "replace")).digest())
    held = (
        given.get("client_id") == request.client,
        given.get("redirect_uri") == request.redirect_uri,
        _VERIFIER.fullmatch(verifier) is not None and secrets.compare_digest(proved, request.challenge),
    )
    if not all(held):
        raise RefusedError("invalid_grant", "client, redirect URI or code verifier do not fit the code")
    return found
