"""Check an RSA signature with nothing but the standard library, so that a Lambda function needs no package for it.

Only public values are used here, so there is no secret that timing could give away. The encoded message is made anew
and compared whole, as RFC 8017, 8.2.2, demands: nothing of the signature is parsed, which is where forgeries get in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

MIN_BITS: Final = 2048
"""Shortest key that is believed, the length of CloudTrail's; shorter ones can be broken (NIST SP 800-131A)."""
MAX_BITS: Final = 16_384

_SHA256: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""The beginning of the DigestInfo of SHA-256: RFC 8017, 9.2, note 1."""
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """A public key.

    Attributes:
        modulus: n.
        exponent: e.
    """

    modulus: int
    exponent: int

    @classmethod
    def from_der(cls, der: bytes) -> RsaPublicKey:
        """Read a key as ``ListPublicKeys`` gives it, DER of PKCS #1, or DER of a SubjectPublicKeyInfo.

        Raises:
            ValueError: For other bytes, or a key that is too short or no RSA key.
        """
        body, rest = _element(der, _SEQUENCE)
        if rest:
            raise ValueError("bytes after the key")
        if body[:1] == bytes([_SEQUENCE]):
            _, bits = _element(body, _SEQUENCE)  # the algorithm; another one's key is none of two integers
            inner, _ = _element(bits, _BIT_STRING)
            return cls.from_der(inner[1:])
        modulus, rest = _element(body, _INTEGER)
        exponent, rest = _element(rest, _INTEGER)
        key = cls(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))
        if rest or key.exponent < 3 or not key.exponent & 1 or not key.modulus & 1:  # noqa: PLR2004
            raise ValueError("not an RSA public key")
        if not MIN_BITS <= key.modulus.bit_length() <= MAX_BITS:
            raise ValueError(f"a key of {key.modulus.bit_length()} bits, expected {MIN_BITS} to {MAX_BITS}")
        if key.exponent.bit_length() > 64:  # noqa: PLR2004
            raise ValueError("an exponent of more than 64 bits")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the owner of the key signed a message: RSASSA-PKCS1-v1_5 with SHA-256; takes 0.1 ms."""
        length = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != length or number >= self.modulus:
            return False
        info = _SHA256 + hashlib.sha256(message).digest()
        expected = b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info
        return pow(number, self.exponent, self.modulus).to_bytes(length, "big") == expected


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Split the first element off: its content, and what follows."""
    if len(data) < 2 or data[0] != tag:  # noqa: PLR2004
        raise ValueError("not the DER of a public key")
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        start += count
        length = int.from_bytes(data[2:start], "big")
        if not 1 <= count <= 4:  # noqa: PLR2004
            raise ValueError("not the DER of a public key")
    if len(data) < start + length:
        raise ValueError("the DER of a public key, cut off")
    return data[start : start + length], data[start + length :]
