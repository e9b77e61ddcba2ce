"""Verifying one access token: who signed it, for whom, for what and until when (RFC 9068, RFC 8725, RFC 8707)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.tokens.keys import KeySet

_LEEWAY: Final = 30
_LONGEST: Final = 8192
_KEPT: Final = 1024
_PARTS: Final = 3
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,256}")
_ENCODED: Final = re.compile(r"[A-Za-z0-9_-]*")
_HALF: Final = 32
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})


class TokenError(Exception):
    """A token that is not taken; the message says why, and goes to the log and to nobody else."""


@dataclass
class Tokens:
    """The tokens that a guard takes.

    A verified one is remembered by its hash until it ends, so that its next request costs microseconds.

    Attributes:
        keys: Of the authorization server.
        issuer: Its name, as ``iss`` has it.
        audience: The guard's own URL, as ``aud`` has it: a token for another server is none here.
        scope: What ``scope`` must hold; empty for nothing.
        clock: Seconds since 1970.
    """

    keys: KeySet
    issuer: str
    audience: str
    scope: str = ""
    clock: Callable[[], float] = time.time
    _seen: dict[bytes, tuple[float, str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse to take tokens for anybody, or of anybody."""
        if not self.issuer or not self.audience:
            raise GatewayError(
                f"issuer {self.issuer!r} and audience {self.audience!r} are not allowed, expected both of them"
            )

    def principal(self, token: str) -> str:
        """Return the subject of a token.

        Raises:
            TokenError: It is not taken.
        """
        if len(token) > _LONGEST:
            raise TokenError(f"token of {len(token)} characters")
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        known = self._seen.get(digest)
        if known is not None and self.clock() < known[0] and self.keys.find(known[2]) is not None:
            return known[1]
        ends, subject, key_id = self._verify(token)
        if len(self._seen) >= _KEPT:
            self._seen.pop(next(iter(self._seen)))
        self._seen[digest] = (ends, subject, key_id)
        return subject

    def _verify(self, token: str) -> tuple[float, str, str]:
        parts = token.split(".")
        if len(parts) != _PARTS:
            raise TokenError("token is no signed JWT")
        header, claims, signature = _json(parts[0]), _json(parts[1]), _bytes(parts[2])
        if "crit" in header or str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise TokenError("header has 'crit', or a type that is no access token's")
        key_id = header.get("kid")
        found = self.keys.find(key_id) if isinstance(key_id, str) else None
        if found is None or not isinstance(key_id, str):
            raise TokenError("key is not known")
        algorithm, key = found
        # The key says the algorithm, and the token only that it agrees.
        if header.get("alg") != algorithm:
            raise TokenError("algorithm is not that of the key")
        _check_signature(algorithm, key, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)
        ends, subject = self._judge(claims)
        return ends, subject, key_id

    def _judge(self, claims: Mapping[str, Any]) -> tuple[float, str]:
        now = self.clock()
        if claims.get("iss") != self.issuer:
            raise TokenError("issuer is another")
        audience = claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenError("token is for another server")
        ends = _moment(claims, "exp")
        if ends is None or now >= ends + _LEEWAY:
            raise TokenError("token has ended, or never does")
        for name in ("nbf", "iat"):
            begins = _moment(claims, name)
            if begins is not None and now < begins - _LEEWAY:
                raise TokenError(f"token is not good yet by {name!r}")
        scope = claims.get("scope", "")
        if self.scope and (not isinstance(scope, str) or self.scope not in scope.split(" ")):
            raise TokenError("scope is missing")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise TokenError("subject is missing, or no plain text")
        return ends + _LEEWAY, subject


def _check_signature(algorithm: str, key: Any, message: bytes, signature: bytes) -> None:  # noqa: ANN401 - of either kind
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - of the extra `gateway`
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, padding  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415

    try:
        if algorithm == "RS256":
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return
        if len(signature) != 2 * _HALF:
            raise TokenError("signature has another length")
        r, s = (int.from_bytes(part, "big") for part in (signature[:_HALF], signature[_HALF:]))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise TokenError("signature is wrong") from None


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise TokenError(f"{name!r} is no number")
    return float(found)


def _bytes(text: str) -> bytes:
    if not _ENCODED.fullmatch(text):
        raise TokenError("token is not in base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise TokenError("token is not in base64url") from None


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(text), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError("token is no JSON, or has a name twice") from None
    if not isinstance(found, dict):
        raise TokenError("token holds no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)
