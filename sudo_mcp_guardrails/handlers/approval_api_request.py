"""One request to the approval page's API: who makes it, and what it says; everything else is refused."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.approval.bounds import check_name
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.deciding.directory import Identity
from sudo_mcp_guardrails.approval.errors import ApprovalError, DecisionError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY: Final = 65_536
"""Most bytes of a body: a comment of 2,000 characters and an assertion are far less."""
_USER: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:user/[\w+=,.@/-]+", re.ASCII)
_JSON: Final = "application/json"


class Refusal(Exception):  # noqa: N818 - it is an answer and not a failure
    """A request that is answered no, with the HTTP status and the reason for who asks."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: such as ``GET``.
        path: below the stage, such as ``/api/approvals``.
        query: parameters of the URL.
        headers: names in lower case.
        text: the body as it came.
        authorizer: what API Gateway or the function URL verified of who asks; empty where it is nobody.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    text: bytes
    authorizer: Mapping[str, Any]

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Request:
        """Read an event of an HTTP API or a function URL, payload format 2.0.

        Raises:
            Refusal: the body is too long or cannot be read.
        """
        context = event.get("requestContext") or {}
        stage, path = str(context.get("stage", "$default")), str(event.get("rawPath", "/"))
        if stage != "$default" and (path + "/").startswith(f"/{stage}/"):
            path = path[len(stage) + 1 :] or "/"
        body = event.get("body") or ""
        if len(body) > 2 * MAX_BODY:
            raise Refusal(413, f"the body has {len(body)} characters, allowed are {MAX_BODY} bytes")
        try:
            text = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        except ValueError:
            raise Refusal(400, "the body cannot be read") from None
        if len(text) > MAX_BODY:
            raise Refusal(413, f"the body has {len(text)} bytes, allowed are {MAX_BODY}")
        return cls(
            method=str((context.get("http") or {}).get("method", "")),
            path=path,
            query={str(name): str(value) for name, value in (event.get("queryStringParameters") or {}).items()},
            headers={str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()},
            text=text,
            authorizer=context.get("authorizer") or {},
        )

    @property
    def by_iam(self) -> bool:
        """Whether AWS itself verified who asks, by a signature that no page can make."""
        return isinstance(self.authorizer.get("iam"), dict) and not self.authorizer.get("jwt")

    def identity(self) -> Identity:
        """Return who asks, as the authorizer verified it.

        An IAM user is taken by his ARN. A session of a role is not: the role's sessions are agents' and machines' too,
        and say nothing of a second factor.

        Raises:
            Refusal: nobody was verified, or nobody who can be told.
        """
        iam, jwt = self.authorizer.get("iam"), self.authorizer.get("jwt")
        if self.by_iam and isinstance(iam, dict):
            arn = str(iam.get("userArn", ""))
            if not _USER.fullmatch(arn):
                raise Refusal(403, f"{arn[:200]!r} decides nothing, allowed are IAM users and people who sign in")
            return Identity(arn, {})
        claims = jwt.get("claims") if isinstance(jwt, dict) else None
        if not isinstance(claims, dict) or iam is not None:
            raise Refusal(401, "nobody is signed in")
        issuer, subject = claims.get("iss"), claims.get("sub")
        if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
            raise Refusal(401, "the token names no issuer or no subject")
        name = f"{issuer}#{subject}"
        try:
            check_name("identity", name)
        except DecisionError as error:
            raise Refusal(401, str(error)) from None
        return Identity(name, claims)

    def document(self, allowed: frozenset[str], *, page: str) -> dict[str, Any]:
        """Return the body of a request that changes something.

        Args:
            allowed: names that it may have.
            page: URL of the page: a browser must say that the request comes from there.

        Raises:
            Refusal: it is no JSON, has other names, or comes from another page.
        """
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            raise Refusal(415, f"the body is not declared as {_JSON}")
        origin = self.headers.get("origin", "")
        if not self.by_iam and origin != origin_of(page):
            raise Refusal(403, f"the request comes from {origin[:200]!r}, allowed is {origin_of(page)}")
        try:
            found = parsed(self.text, "the body")
        except ApprovalError as error:
            raise Refusal(400, str(error)) from None
        if not isinstance(found, dict) or not set(found) <= allowed:
            raise Refusal(400, f"the body must be an object of {', '.join(sorted(allowed))}, and nothing else")
        return found


def origin_of(url: str) -> str:
    """Return the origin of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def text_in(document: Mapping[str, Any], name: str, *, most: int = 2_000) -> str:
    """Return a text of a body; empty where it is left out.

    Raises:
        Refusal: it is none, or too long.
    """
    found = document.get(name, "")
    if not isinstance(found, str) or len(found) > most:
        raise Refusal(400, f"{name} is no text of up to {most} characters")
    return found


def truth_in(document: Mapping[str, Any], name: str) -> bool:
    """Return a truth value of a body; false where it is left out; raises Refusal."""
    found = document.get(name, False)
    if type(found) is not bool:
        raise Refusal(400, f"{name} is neither true nor false")
    return found
