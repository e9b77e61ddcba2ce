"""The provider's RSA key: its public half as a JSON Web Key, and signed tokens (RS256)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS = 2048


class SigningKey:
    """A fresh key, for as long as this process runs. It takes the extra ``approvals``, which nothing else here does."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - of an extra

        self._key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        numbers = self._key.public_key().public_numbers()
        self.modulus, self.exponent = _number(numbers.n), _number(numbers.e)
        # RFC 7638: the SHA-256 of the required members in alphabetical order.
        thumbprint = json.dumps(
            {"e": self.exponent, "kty": "RSA", "n": self.modulus}, sort_keys=True, separators=(",", ":")
        )
        self.kid = base64url(hashlib.sha256(thumbprint.encode()).digest())

    def public(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": self.modulus,
            "e": self.exponent,
        }

    def token(self, claims: Mapping[str, Any], *, kind: str = "JWT") -> str:
        """The claims as a signed JSON Web Token."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - of an extra
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

        header = {"alg": "RS256", "kid": self.kid, "typ": kind}
        signed = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        signature = self._key.sign(signed.encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"


def base64url(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
