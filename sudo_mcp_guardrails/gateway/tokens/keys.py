"""The public keys of an authorization server, as a JSON Web Key Set (RFC 7517), fetched beside the requests."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_MOST_BYTES: Final = 150 * 1024
_MOST_KEYS: Final = 50
_TIMEOUT: Final = 5.0
_FRESH: Final = 3600.0
"""Seconds after which keys are fetched again, so that a withdrawn one goes."""
_SPACING: Final = 60.0
"""Seconds between two fetches, whoever asks for unknown keys how often."""
_STALE: Final = 24 * 3600.0
"""Seconds after which keys that could not be fetched again count no more."""
_RSA_BITS: Final = 2048


class KeySet:
    """Keys by their ids; those of a URL are fetched anew every hour, and when an unknown one is asked for.

    Requests never wait for a fetch: one that names a key that is not known yet is refused, and its client tries again.

    Args:
        place: An ``https`` URL, ``http`` on loopback, or a file.
        fetch: Reads it; for tests.
        clock: Seconds that only grow.

    Raises:
        GatewayError: The place is of another form, cannot be read, or has no key that can be used.
    """

    def __init__(
        self, place: str, *, fetch: Callable[[str], bytes] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place, self._fetch, self._clock = place, fetch or _read, clock
        self._is_file = fetch is None and "://" not in place
        self._keys: Mapping[str, tuple[str, Any]] = parse_keys(self._read_now())
        self._tried = self._read_at = clock()
        self._busy = threading.Lock()

    def find(self, key_id: str) -> tuple[str, Any] | None:
        """Return a key's algorithm and the key; None where it is not known, or nobody could ask for a day."""
        now = self._clock()
        found = self._keys.get(key_id)
        wanted = found is None or now - self._read_at > _FRESH
        if wanted and not self._is_file and now - self._tried > _SPACING and self._busy.acquire(blocking=False):
            self._tried = now
            threading.Thread(target=self._again, daemon=True, name="keys of the authorization server").start()
        if not self._is_file and now - self._read_at > _STALE:
            return None
        return found

    def _again(self) -> None:
        try:
            self._keys = parse_keys(self._read_now())
            self._read_at = self._clock()
        except GatewayError as error:
            _log.warning("keys of the authorization server cannot be fetched: %s", error)
        finally:
            self._busy.release()

    def _read_now(self) -> bytes:
        try:
            return self._fetch(self._place)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise GatewayError(f"keys at {self._place!r} cannot be read: {error}") from error


def parse_keys(raw: bytes) -> dict[str, tuple[str, Any]]:
    """Return keys of a set by their ids: of RSA for RS256, of P-256 for ES256. Others are left out.

    Raises:
        GatewayError: It is no such set, is too large, or has two keys of one id, or none that can be used.
    """
    if len(raw) > _MOST_BYTES:
        raise GatewayError(f"key set of {len(raw)} bytes is not allowed, expected at most {_MOST_BYTES}")
    try:
        listed = json.loads(raw)["keys"]
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise GatewayError(f"key set is not allowed, expected a list of at most {_MOST_KEYS} keys")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GatewayError("key set is not allowed, expected a JSON object with 'keys'") from error
    found: dict[str, tuple[str, Any]] = {}
    for each in listed:
        made = _key(each) if isinstance(each, dict) and each.get("use", "sig") == "sig" else None
        if made is None:
            continue
        if each["kid"] in found:
            raise GatewayError(f"key {each['kid'][:40]!r} is there twice, expected ids that differ")
        found[each["kid"]] = made
    if not found:
        raise GatewayError("key set without a key for RS256 or ES256 that has an id is not allowed")
    return found


def _key(jwk: Mapping[str, Any]) -> tuple[str, Any] | None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - of the extra `gateway`

    if not isinstance(jwk.get("kid"), str) or not jwk["kid"]:
        return None
    try:
        if jwk.get("kty") == "RSA" and jwk.get("alg", "RS256") == "RS256":
            key = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
            return ("RS256", key) if key.key_size >= _RSA_BITS else None
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256" and jwk.get("alg", "ES256") == "ES256":
            return "ES256", ec.EllipticCurvePublicNumbers(
                _number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()
            ).public_key()
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - urllib's signature
        return None


def _read(place: str) -> bytes:
    parts = urlsplit(place)
    if not parts.scheme or "://" not in place:
        return Path(place).read_bytes()
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        raise ValueError("expected an https URL or a file")
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(place, timeout=_TIMEOUT) as answer:
        raw: bytes = answer.read(_MOST_BYTES + 1)
    return raw
