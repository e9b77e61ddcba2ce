"""Who can sign in, to which client, and what a sign-in proves.

The one-time code is RFC 6238's (SHA-1, 30 s, 6 digits), so that an authenticator app shows it too. A code may be used
again within its half minute, so that a play that signs in twice need not wait.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE_SECONDS = 30
CODE_DIGITS = 6
_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,128}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


class OidcError(Exception):
    """A person, a client or a request of the local provider is not allowed; the message is one line."""


@dataclass(frozen=True)
class Person:
    """A made-up person.

    Args:
        username: what is typed, and `preferred_username`.
        password: what is typed; no real one.
        secret: of the one-time codes; made of the username when left out, since nothing real hangs on it.
        subject: the `sub` claim; the username when left out.
        amr: what a sign-in proves, RFC 8176's names; password and one-time code when left out.
        claims: further claims, such as `email` or `groups`.

    Raises:
        OidcError: the username or the password is not allowed.
    """

    username: str
    password: str
    secret: bytes = b""
    subject: str = ""
    amr: tuple[str, ...] = ("pwd", "otp", "mfa")
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.username):
            msg = f"username {self.username!r} is not allowed; give 1 to 128 letters, digits or . _ @ + -"
            raise OidcError(msg)
        if not self.password:
            msg = f"password of {self.username!r} is empty; give one"
            raise OidcError(msg)
        if not self.secret:
            object.__setattr__(self, "secret", hashlib.sha256(self.username.encode()).digest()[:20])

    @property
    def sub(self) -> str:
        """The `sub` claim."""
        return self.subject or self.username

    @property
    def authenticator_key(self) -> str:
        """The secret as an authenticator app takes it."""
        return base64.b32encode(self.secret).decode()

    def code(self, at: float | None = None) -> str:
        """The one-time code at a time in seconds since 1970; now when left out."""
        return _code(self.secret, int((time.time() if at is None else at) // CODE_SECONDS))

    def takes(self, code: str, at: float | None = None) -> bool:
        """Whether a code is this half minute's or the last one's."""
        step = int((time.time() if at is None else at) // CODE_SECONDS)
        return any(hmac.compare_digest(_code(self.secret, each).encode(), code.encode()) for each in (step, step - 1))


def _code(secret: bytes, step: int) -> str:
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**CODE_DIGITS).zfill(CODE_DIGITS)


@dataclass(frozen=True)
class Client:
    """An application that people sign in to: public, with PKCE, without a secret.

    Args:
        client_id: its id, and the tokens' audience.
        redirect_uris: where a sign-in may lead back to, compared as a whole.

    Raises:
        OidcError: a redirect URI is none on loopback.
    """

    client_id: str
    redirect_uris: tuple[str, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.client_id):
            msg = f"client id {self.client_id!r} is not allowed; give 1 to 128 letters, digits or . _ @ + -"
            raise OidcError(msg)
        for uri in self.redirect_uris:
            parts = urlsplit(uri)
            host = parts.hostname or ""
            if parts.scheme not in {"http", "https"} or not (host in _LOOPBACK or host.endswith(".localhost")):
                msg = f"redirect URI {uri!r} is not allowed; give one on localhost, *.localhost or 127.0.0.1"
                raise OidcError(msg)
            if parts.fragment or "@" in parts.netloc:
                msg = f"redirect URI {uri!r} is not allowed; give one without a fragment or a user"
                raise OidcError(msg)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of its redirect URIs, from which a browser may call the token endpoint."""
        parts = [urlsplit(uri) for uri in self.redirect_uris]
        return frozenset(f"{each.scheme}://{each.netloc}" for each in parts)
