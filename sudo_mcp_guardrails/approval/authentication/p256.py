"""Check an ECDSA signature on P-256 over SHA-256 with nothing but the standard library, for a Lambda function.

FIPS 186-5, section 6.4.2, and the curve of SP 800-186, section 3.2.1.3. Only public values are used here, so there is
no secret that timing could give away; nothing here signs. A signature is read in one form only: DER of two positive
numbers, each as short as it can be, with nothing behind (RFC 3279, 2.2.3; project Wycheproof collects what goes wrong
where others are taken). A signature ``(r, n - s)`` is as good as ``(r, s)``, since no standard asks for the lower one:
a signature is not the only one of its message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
MAX_SIGNATURE: Final = 72
"""Bytes of the longest DER of two numbers of 256 bits."""
_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""What stands before a point in the SubjectPublicKeyInfo of a P-256 key, RFC 5480."""
_POINT: Final = 65
_Jacobian = tuple[int, int, int]
_INFINITY: Final[_Jacobian] = (1, 1, 0)


@dataclass(frozen=True)
class P256PublicKey:
    """A public key: a point of the curve.

    Attributes:
        x: of the point.
        y: of the point.

    Raises:
        ValueError: they are no point of the curve.
    """

    x: int
    y: int

    def __post_init__(self) -> None:
        """Validate; the curve's order is prime, so that every point on it but infinity has the right order."""
        if not (0 <= self.x < P and 0 <= self.y < P):
            raise ValueError("a coordinate out of the field")
        if (self.y * self.y - (self.x * self.x - 3) * self.x - B) % P:
            raise ValueError("a point that is not on the curve")

    @classmethod
    def from_point(cls, data: bytes) -> P256PublicKey:
        """Read an uncompressed point, 65 bytes of SEC 1; raises ValueError for anything else."""
        if len(data) != _POINT or data[0] != 4:  # noqa: PLR2004
            raise ValueError("not an uncompressed point of P-256")
        return cls(int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big"))

    @classmethod
    def from_der(cls, der: bytes) -> P256PublicKey:
        """Read DER of a SubjectPublicKeyInfo, as KMS's ``GetPublicKey`` and a browser's ``getPublicKey()`` give it.

        Raises:
            ValueError: For other bytes, or a key that is none of this curve.
        """
        if der[: len(_SPKI)] != _SPKI:
            raise ValueError("not the DER of a P-256 public key")
        return cls.from_point(der[len(_SPKI) :])

    def der(self) -> bytes:
        """Return the key as :meth:`from_der` reads it."""
        return _SPKI + b"\x04" + self.x.to_bytes(32, "big") + self.y.to_bytes(32, "big")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the owner of the key signed a message: ECDSA with SHA-256, DER; takes some milliseconds."""
        return self.verifies_digest(signature, hashlib.sha256(message).digest())

    def verifies_digest(self, signature: bytes, digest: bytes) -> bool:
        """Return whether the owner of the key signed what has this SHA-256: KMS's ``MessageType`` ``DIGEST``.

        Args:
            signature: DER of r and s.
            digest: 32 bytes.

        Raises:
            ValueError: the digest has another length.
        """
        if len(digest) != 32:  # noqa: PLR2004
            raise ValueError(f"a digest of {len(digest)} bytes, expected 32")
        numbers = _read(signature)
        if numbers is None:
            return False
        r, s = numbers
        if not (0 < r < N and 0 < s < N):
            return False
        inverse = pow(s, -1, N)
        found = _sum_of_multiples(int.from_bytes(digest, "big") * inverse % N, r * inverse % N, (self.x, self.y))
        if found is None:
            return False
        # x is of the field, which is a little larger than the order: it counts modulo the order.
        return found % N == r


def _read(der: bytes) -> tuple[int, int] | None:
    """Read a signature: SEQUENCE of two INTEGERs, in the one form that DER allows."""
    # Two numbers of 256 bits fit into a length of one byte, so that every longer form is wrong.
    if not 8 <= len(der) <= MAX_SIGNATURE or der[0] != 0x30 or der[1] != len(der) - 2:  # noqa: PLR2004
        return None
    first = _integer(der[2:])
    if first is None:
        return None
    second = _integer(first[1])
    if second is None or second[1]:
        return None
    return first[0], second[0]


def _integer(der: bytes) -> tuple[int, bytes] | None:
    """Split a positive INTEGER off; None where it is none, negative, or longer than it needs to be."""
    if len(der) < 3 or der[0] != 0x02 or not 1 <= der[1] <= 33 or len(der) < 2 + der[1]:  # noqa: PLR2004
        return None
    body = der[2 : 2 + der[1]]
    if body[0] & 0x80 or (len(body) > 1 and body[0] == 0 and not body[1] & 0x80):
        return None
    return int.from_bytes(body, "big"), der[2 + der[1] :]


def _sum_of_multiples(first: int, second: int, point: tuple[int, int]) -> int | None:
    """Return x of ``first * G + second * point``, both at once (Shamir's trick); None for the point at infinity."""
    generator, other = (*G, 1), (*point, 1)
    table = (_INFINITY, generator, other, _add(generator, other))
    found = _INFINITY
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = _double(found)
        chosen = (first >> bit & 1) | (second >> bit & 1) << 1
        if chosen:
            found = _add(found, table[chosen])
    x, _, z = found
    return None if z == 0 else x * pow(z, -2, P) % P


def _double(point: _Jacobian) -> _Jacobian:
    """Double a point: "dbl-2001-b" of the Explicit-Formulas Database, for a = -3. No point here has y = 0."""
    x, y, z = point
    if z == 0:
        return _INFINITY
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    third = (alpha * alpha - 8 * beta) % P
    return third, (alpha * (4 * beta - third) - 8 * gamma * gamma) % P, ((y + z) * (y + z) - gamma - delta) % P


def _add(first: _Jacobian, second: _Jacobian) -> _Jacobian:
    """Add two points, also equal and opposite ones, which forged signatures lead to."""
    x1, y1, z1 = first
    x2, y2, z2 = second
    if z1 == 0:
        return second
    if z2 == 0:
        return first
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    if u1 == u2:
        return _double(first) if s1 == s2 else _INFINITY
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, z1 * z2 * h % P
