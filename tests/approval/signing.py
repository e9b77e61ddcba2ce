"""Keys and signatures of P-256 for tests, by the book and slowly; nothing that anybody should sign with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.authentication.p256_curve import G, N, P

Affine = tuple[int, int] | None


@dataclass(frozen=True)
class PrivateKey:
    secret: int
    public: P256PublicKey


@lru_cache(maxsize=32)
def make_key(secret: int) -> PrivateKey:
    point = multiple(secret)
    assert point is not None
    return PrivateKey(secret, P256PublicKey(*point))


def sign(key: PrivateKey, message: bytes) -> bytes:
    return der_of(*sign_digest(key, hashlib.sha256(message).digest()))


def sign_digest(key: PrivateKey, digest: bytes) -> tuple[int, int]:
    """r and s, with a nonce that follows from key and digest."""
    nonce = int.from_bytes(hashlib.sha512(key.secret.to_bytes(32, "big") + digest).digest(), "big") % (N - 1) + 1
    point = multiple(nonce)
    assert point is not None
    r = point[0] % N
    return r, pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * key.secret) % N


def multiple(factor: int) -> Affine:
    found: Affine = None
    for bit in f"{factor:b}":
        found = added(found, found)
        if bit == "1":
            found = added(found, G)
    return found


def added(first: Affine, second: Affine) -> Affine:
    """The textbook's addition, with divisions: another way than the one under test."""
    if first is None or second is None:
        return second if first is None else first
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if first == second else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def der_of(r: int, s: int) -> bytes:
    body = b"".join(b"\x02" + bytes([len(number)]) + number for number in (_shortest(r), _shortest(s)))
    return b"\x30" + bytes([len(body)]) + body


def _shortest(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
