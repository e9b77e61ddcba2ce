"""The approvals' HTTP API, as a terminal asks it; tokens go into requests, and nowhere else."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPMessage
    from typing import IO

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_BELOW: Final = ".localhost"
_SECONDS: Final = 40
_MAX_ANSWER: Final = 16 * 1024 * 1024
REFUSED: Final = frozenset({403, 404, 409, 410})
"""Statuses by which the API says no to what was asked for."""


class ApiError(GuardrailsError):
    """The API did not answer, or answered no.

    Args:
        status: of HTTP; 0 where there was no answer.
        reason: what it said.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Authorized(Protocol):
    """Somebody who can prove to the API who he is."""

    def authorize(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers that prove it for one request."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is sent to whom it is for: nobody sends it on."""

    def redirect_request(  # noqa: PLR0917 - the base class's arguments
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""
        del req, fp, code, msg, headers, newurl


_opener: Final = urllib.request.build_opener(_NoRedirects)


def checked_url(what: str, url: str) -> str:
    """Return a URL that secrets may be sent to.

    Args:
        what: it is, for the message.
        url: over TLS, or to this machine.

    Raises:
        ApiError: it is neither.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and (host in _LOOPBACK or host.endswith(_BELOW)))
    if not (safe and host) or "@" in parts.netloc:
        raise ApiError(0, f"{what} {url[:200]!r} is not allowed, expected https://… (http:// to this machine alone)")
    return url


def fetch(
    url: str, *, body: bytes | None = None, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a server answers.

    Args:
        url: that was checked.
        body: to post; a ``GET`` without.
        kind: of the body.
        headers: further ones.

    Raises:
        ApiError: it does not answer, answers no, or no JSON.
    """
    given = {"accept": "application/json", **({"content-type": kind} if body is not None else {}), **(headers or {})}
    where = urlsplit(url)
    if (where.hostname or "").endswith(_BELOW):
        # Names below localhost are not resolved everywhere, and must not be asked of anybody else (RFC 6761, 6.3).
        given["host"] = where.netloc
        url = where._replace(netloc=f"127.0.0.1:{where.port or 80}").geturl()
    request = urllib.request.Request(url, data=body, headers=given)  # noqa: S310 - checked_url names the schemes
    place = f"{where.scheme}://{where.netloc}{where.path}"
    try:
        with _opener.open(request, timeout=_SECONDS) as answer:
            text = answer.read(_MAX_ANSWER + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise ApiError(error.code, _reason(error.read(_MAX_ANSWER), f"{place} answers {error.code}")) from None
    except (OSError, ValueError) as error:
        raise ApiError(0, f"{place} does not answer: {getattr(error, 'reason', error)}") from error
    if len(text) > _MAX_ANSWER:
        raise ApiError(0, f"{place} answers more than {_MAX_ANSWER} bytes")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ApiError(0, f"{place} answers no JSON") from error


class Api:
    """The API of one deployment.

    Args:
        url: of its page, such as ``https://approvals.example.com/``.

    Raises:
        ApiError: it is no URL that a token may be sent to.
    """

    def __init__(self, url: str) -> None:
        self.url = checked_url("--url", url).rstrip("/") + "/"

    def settings(self) -> dict[str, str]:
        """Return what is needed to sign in; raises ApiError."""
        found = fetch(f"{self.url}config.json")
        if not isinstance(found, dict):
            raise ApiError(0, f"{self.url}config.json is no object")
        return {str(name): str(value) for name, value in found.items()}

    def get(self, path: str, who: Authorized) -> dict[str, Any]:
        """Ask; raises ApiError."""
        url = f"{self.url}{path}"
        found: dict[str, Any] = fetch(url, headers=who.authorize("GET", url, b""))
        return found

    def post(self, path: str, who: Authorized, body: Mapping[str, Any], page: str) -> dict[str, Any]:
        """State something.

        Args:
            path: below the URL.
            who: states it.
            body: what is stated.
            page: URL of the page, whose origin the API asks for.

        Raises:
            ApiError: it is refused.
        """
        parts, url, text = urlsplit(page), f"{self.url}{path}", json.dumps(body).encode()
        headers = {**who.authorize("POST", url, text), "origin": f"{parts.scheme}://{parts.netloc}"}
        found: dict[str, Any] = fetch(url, body=text, headers=headers)
        return found


def _reason(text: bytes, otherwise: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return otherwise
    # The API says "error", API Gateway "message", and a function's URL "Message".
    told = (
        [found[name] for name in ("error", "message", "Message") if found.get(name)] if isinstance(found, dict) else []
    )
    return str(told[0]) if told else otherwise
