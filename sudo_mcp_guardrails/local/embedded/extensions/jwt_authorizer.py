"""Gap: the JWT authorizer of ministack takes tokens without an expiry, and any token where no audience is named.

A token is taken when its RSA signature (RS256, RS384, RS512) verifies with a key that the issuer's own discovery
document leads to, and `iss`, `aud` (or `client_id` where `aud` is absent), `exp`, `nbf` and `iat` hold; a scope of the
route must be among the token's. Everything else is 401, also what cannot be parsed, fetched or decided; a missing scope
is 403. Keys are kept for two hours, as at AWS; a key id that is not among them has them fetched again, at most once in
five seconds.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from __future__ import annotations

import base64
import json
import logging
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from ministack.services import apigateway

LONGEST_TOKEN = 10_240  # bytes: API Gateway's limit of all headers together
_KEPT_SECONDS = 7200.0
_AGAIN_SECONDS = 5.0
_FEWEST_BITS = 2048
_PARTS = 3
_HASHES: dict[str, Any] = {"RS256": hashes.SHA256, "RS384": hashes.SHA384, "RS512": hashes.SHA512}
_log = logging.getLogger("ministack")
_keys: dict[str, tuple[float, list[dict[str, Any]]]] = {}


class _RefusedError(Exception):
    """The token is not taken; the text says why, in the server's log alone."""


def install() -> None:
    """Replace the check of a token."""
    apigateway._validate_jwt_authorizer = _validate


async def _validate(route: Any, authorizer: Any, headers: Any, query: Any) -> tuple[Any, Any, Any]:
    try:
        claims = await _checked(authorizer, headers, query)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong here, nobody comes in
        _log.info("JWT authorizer: %s: %s", type(error).__name__, error)
        return None, None, apigateway._jwt_unauthorized()
    scopes = _scopes(claims)
    wanted = route.get("authorizationScopes") or []
    if wanted and not set(wanted) & set(scopes):
        return None, None, apigateway._jwt_forbidden()
    return claims, scopes, None


async def _checked(authorizer: dict[str, Any], headers: Any, query: Any) -> dict[str, Any]:
    settings = authorizer.get("jwtConfiguration") or {}
    issuer, audience = settings.get("issuer"), settings.get("audience")
    if not issuer or not audience:
        raise _RefusedError("the authorizer names no issuer or no audience")
    token = apigateway._extract_token_from_identity_source(authorizer.get("identitySource") or [], headers, query)
    if not token or len(token) > LONGEST_TOKEN:
        raise _RefusedError("no token, or one that is too long")
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise _RefusedError("a token has three parts")
    header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    if header.get("alg") not in _HASHES or not isinstance(header.get("kid"), str) or "crit" in header:
        raise _RefusedError("the token's header is not allowed")
    key = await _key(str(issuer), header["kid"])
    try:
        key.verify(
            _decoded(parts[2]),
            f"{parts[0]}.{parts[1]}".encode("ascii"),
            padding.PKCS1v15(),
            _HASHES[header["alg"]](),
        )
    except InvalidSignature:
        raise _RefusedError("the signature does not verify") from None
    _check_claims(claims, str(issuer), [str(entry) for entry in audience])
    return dict(claims)


def _check_claims(claims: dict[str, Any], issuer: str, audience: list[str]) -> None:
    now = time.time()
    if claims.get("iss") != issuer:
        raise _RefusedError("another issuer")
    named = claims["aud"] if "aud" in claims else claims.get("client_id")
    if not set(named if isinstance(named, list) else [named]) & set(audience):
        raise _RefusedError("another audience")
    if not _number(claims.get("exp")) > now:
        raise _RefusedError("expired")
    for name in ("nbf", "iat"):
        # A second's tolerance: both are whole seconds, and the clock of the issuer is another process's.
        if name in claims and _number(claims[name]) > now + 1:
            raise _RefusedError(f"{name} is in the future")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _RefusedError("a time is no number")
    return float(value)


def _scopes(claims: dict[str, Any]) -> list[str]:
    found: set[str] = set()
    for value in (claims.get("scope"), claims.get("scp")):
        if isinstance(value, str):
            found |= set(value.split())
        elif isinstance(value, list):
            found |= {str(entry) for entry in value}
    return sorted(found)


def _decoded(part: str) -> bytes:
    # The strict decoder: base64's own passes over what is no base64.
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


async def _key(issuer: str, kid: str) -> rsa.RSAPublicKey:
    fetched, keys = _keys.get(issuer, (0.0, []))
    age = time.monotonic() - fetched if keys else _KEPT_SECONDS
    found = [key for key in keys if key.get("kid") == kid]
    if age >= _KEPT_SECONDS or (not found and age >= _AGAIN_SECONDS):
        keys = await _fetched(issuer)
        _keys[issuer] = (time.monotonic(), keys)
        found = [key for key in keys if key.get("kid") == kid]
    if len(found) != 1 or found[0].get("kty") != "RSA" or found[0].get("use", "sig") != "sig":
        raise _RefusedError("no key of that id")
    modulus, exponent = (int.from_bytes(_decoded(found[0][name]), "big") for name in ("n", "e"))
    if modulus.bit_length() < _FEWEST_BITS:
        raise _RefusedError("the key is too short")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


async def _fetched(issuer: str) -> list[dict[str, Any]]:
    seconds = apigateway._JWKS_TIMEOUT_SECONDS
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    discovered = json.loads((await apigateway._urlopen_async(url, seconds))[2])
    if discovered.get("issuer") != issuer:
        raise _RefusedError("the discovery document is another issuer's")
    fetched = json.loads((await apigateway._urlopen_async(str(discovered["jwks_uri"]), seconds))[2])
    return [key for key in fetched["keys"] if isinstance(key, dict)]
