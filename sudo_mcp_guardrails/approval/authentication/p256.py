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
from functools import cache, cached_property
from itertools import count
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.authentication.p256_curve import B, G, N, P, Table, sum_of_multiples, x_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SIGNATURE: Final = 72
"""Bytes of the longest DER of two numbers of 256 bits."""
_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""What stands before a point in the SubjectPublicKeyInfo of a P-256 key, RFC 5480."""
_POINT: Final = 65
_TABLE_AFTER: Final = 32
"""Signatures after which a key gets a table: so many take as long as making one."""


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
        first, second = int.from_bytes(digest, "big") * inverse % N, r * inverse % N
        if next(self._uses) < _TABLE_AFTER:
            found = sum_of_multiples(first, second, (self.x, self.y))
        else:
            found = x_of(self._table.multiple(second, _generator().multiple(first)))
        if found is None:
            return False
        # x is of the field, which is a little larger than the order: it counts modulo the order.
        return found % N == r

    @cached_property
    def _uses(self) -> Iterator[int]:
        return count()

    @cached_property
    def _table(self) -> Table:
        return Table((self.x, self.y))


@cache
def _generator() -> Table:
    return Table(G)


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
