"""A whole sign-in without a browser, as a page does it: authorization code, PKCE, nonce and the form."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sudo_mcp_guardrails.local.oidc.keys import base64url
from sudo_mcp_guardrails.local.oidc.people import OidcError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.oidc.people import Person

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_REQUEST = re.compile(r'name="request" value="([^"]+)"')


def sign_in(
    issuer: str, client_id: str, redirect_uri: str, person: Person, *, code: str = "", nonce: str = ""
) -> dict[str, Any]:
    """Sign a person in afresh (`max_age=0`) and return the token answer: `id_token`, `access_token`, and the rest.

    Args:
        issuer: the provider's address.
        client_id: what is signed in to.
        redirect_uri: one that the client is registered with; nothing is fetched from it.
        person: who signs in.
        code: the one-time code; the person's current one when left out.
        nonce: that the token is bound to; a random one when left out.

    Raises:
        OidcError: the provider refused.
    """
    verifier, state, random = (secrets.token_urlsafe(48) for _ in range(3))
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": state,
        "nonce": nonce or random,
        "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "max_age": "0",
    }
    page = _fetch(issuer, "GET", f"/authorize?{urlencode(asked)}")
    found = _REQUEST.search(page["body"])
    if found is None:
        raise OidcError(f"the provider shows no sign-in to {client_id!r}: {page['status']}")
    form = {
        "request": found[1],
        "username": person.username,
        "password": person.password,
        "code": code or person.code(),
    }
    answer = _fetch(issuer, "POST", "/authorize", form, {"Cookie": page["cookie"]})
    back = parse_qs(urlsplit(answer["location"]).query)
    if back.get("state") != [state] or "code" not in back:
        raise OidcError(f"the provider does not sign {person.username!r} in: {answer['status']}")
    grant = {
        "grant_type": "authorization_code",
        "code": back["code"][0],
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "code_verifier": verifier,
    }
    tokens = json.loads(_fetch(issuer, "POST", "/token", grant)["body"])
    if "id_token" not in tokens:
        raise OidcError(f"the provider gives no tokens: {tokens.get('error')}")
    return dict(tokens)


def _fetch(
    issuer: str, method: str, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(issuer).netloc, timeout=10)
    try:
        body = urlencode(form) if form else None
        connection.request(method, path, body, {**(_FORM if form else {}), **(headers or {})})
        answer = connection.getresponse()
        return {
            "status": answer.status,
            "body": answer.read().decode(),
            "location": answer.getheader("Location", ""),
            "cookie": answer.getheader("Set-Cookie", "").split(";")[0],
        }
    finally:
        connection.close()
