"""The page's static files and its settings. They hold no secret, and nothing of any approval."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.handlers import approval_page
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace
    from sudo_mcp_guardrails.handlers.approval_api_request import Request

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SECURITY: Final = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page_policy(connect: tuple[str, ...]) -> str:
    """Return the page's Content Security Policy.

    Args:
        connect: origins of the identity provider, the only ones that the page talks to besides its own.
    """
    origins = " ".join(("'self'", *connect))
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {origins}; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    )


def page_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page needs to let somebody sign in.

    Args:
        environ: with ``ISSUER`` and ``AUDIENCE``; ``AUTHORIZE_URL`` and ``TOKEN_URL`` where the issuer's discovery
            document cannot be read by a page.
    """
    return {
        "issuer": environ.get("ISSUER", ""),
        "clientId": environ.get("AUDIENCE", ""),
        "authorizeUrl": environ.get("AUTHORIZE_URL", ""),
        "tokenUrl": environ.get("TOKEN_URL", ""),
        "redirectUri": environ.get("PAGE_URL", ""),
    }


def served(place: ApiPlace, request: Request) -> dict[str, Any]:
    """Return the answer to a request for a file.

    Args:
        place: with the environment.
        request: for such as ``/app.js``; ``/`` is the page itself.

    Raises:
        Refusal: there is no such file.
    """
    path = request.path
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(405, f"{request.method[:20]} is not allowed here, allowed is GET")
    environ = place.environ
    urls = (environ.get(name, "") for name in ("ISSUER", "AUTHORIZE_URL", "TOKEN_URL"))
    origins = dict.fromkeys(_origin(url) for url in urls if url)
    headers = {**_SECURITY, "content-security-policy": page_policy(tuple(origins))}
    if path == "/config.json":
        headers |= {"content-type": "application/json", "cache-control": "no-store"}
        return {"statusCode": 200, "headers": headers, "body": json.dumps(page_settings(environ))}
    file = _files().get("/index.html" if path == "/" else path)
    if file is None:
        raise Refusal(404, f"{path[:200]!r} is not here")
    text, kind, tag = file
    headers |= {"content-type": kind, "cache-control": "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return {"statusCode": 304, "headers": headers, "body": ""}
    return {"statusCode": 200, "headers": headers, "body": text}


@cache
def _files() -> dict[str, tuple[str, str, str]]:
    """Return the files by their paths: text, media type and entity tag."""
    found = {}
    for file in sorted(Path(approval_page.__file__).parent.iterdir()):
        if file.suffix in _TYPES and file.is_file():
            text = file.read_text(encoding="utf-8")
            tag = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:12]).decode()
            found[f"/{file.name}"] = (text, _TYPES[file.suffix], f'"{tag}"')
    return found


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
