"""The curve P-256 (SP 800-186, section 3.2.1.3): sums and multiples of its points, of public values alone."""

from __future__ import annotations

from typing import Final

P: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Jacobian = tuple[int, int, int]
Affine = tuple[int, int]
INFINITY: Final[Jacobian] = (1, 1, 0)
_BITS: Final = 6
"""Bits that one look into a table takes: more of them make sums shorter, and tables larger."""
_MASK: Final = 2**_BITS - 1


def sum_of_multiples(first: int, second: int, point: tuple[int, int]) -> int | None:
    """Return x of ``first * G + second * point``, both at once (Shamir's trick); None for the point at infinity."""
    generator, other = (*G, 1), (*point, 1)
    table = (INFINITY, generator, other, add(generator, other))
    found = INFINITY
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = double(found)
        chosen = (first >> bit & 1) | (second >> bit & 1) << 1
        if chosen:
            found = add(found, table[chosen])
    return x_of(found)


class Table:
    """Multiples of a point, for whoever multiplies it again and again: one addition for six bits, and no doubling.

    Takes some 20 ms and half a megabyte to make.

    Args:
        point: of the curve.
    """

    def __init__(self, point: Affine) -> None:
        self._rows: list[list[Affine]] = []
        base: Jacobian = (*point, 1)
        for _ in range(0, 256, _BITS):
            row = [base]
            for _ in range(1, _MASK):
                row.append(add(row[-1], base))
            self._rows.append(_affine(row))
            base = add(row[-1], base)

    def multiple(self, factor: int, found: Jacobian = INFINITY) -> Jacobian:
        """Return a sum with a multiple of the point.

        Args:
            factor: 0 to 2**256 - 1.
            found: what it is added to.
        """
        for row in self._rows:
            if not factor:
                break
            digit = factor & _MASK
            if digit:
                found = _add_affine(found, row[digit - 1])
            factor >>= _BITS
        return found


def x_of(point: Jacobian) -> int | None:
    """Return x of a point; None for the one at infinity."""
    x, _, z = point
    return None if z == 0 else x * pow(z, -2, P) % P


def double(point: Jacobian) -> Jacobian:
    """Double a point: "dbl-2001-b" of the Explicit-Formulas Database, for a = -3. No point here has y = 0."""
    x, y, z = point
    if z == 0:
        return INFINITY
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    third = (alpha * alpha - 8 * beta) % P
    return third, (alpha * (4 * beta - third) - 8 * gamma * gamma) % P, ((y + z) * (y + z) - gamma - delta) % P


def add(first: Jacobian, second: Jacobian) -> Jacobian:
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
        return double(first) if s1 == s2 else INFINITY
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, z1 * z2 * h % P


def _add_affine(first: Jacobian, second: Affine) -> Jacobian:
    """Add a point of a table: as :func:`add`, with less to multiply where the second's z is 1."""
    x1, y1, z1 = first
    if z1 == 0:
        return (*second, 1)
    z1z1 = z1 * z1 % P
    h, r = second[0] * z1z1 % P - x1, second[1] * z1 * z1z1 % P - y1
    if h == 0:
        return double(first) if r == 0 else INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(points: list[Jacobian]) -> list[Affine]:
    """Return points, none of them at infinity, by x and y: one inversion for all (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse = pow(products[-1], -1, P)
    found: list[Affine] = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1]), strict=True):
        own = inverse * before % P
        inverse = inverse * z % P
        square = own * own % P
        found.append((x * square % P, y * square * own % P))
    found.reverse()
    return found
