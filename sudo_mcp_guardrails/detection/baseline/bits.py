"""Probabilities and bits in whole numbers.

Logarithms of the C library differ in the last place between machines; these do not.
"""

from __future__ import annotations

from typing import Final

ONE: Final = 1 << 60
"""Probability 1."""
BIT: Final = 1_024
"""Parts of a bit that surprise is counted in."""
_STEPS: Final = 10
_ACTIONS: Final = 20_000
"""About how many actions AWS has: the share of one that nobody ever called."""
OWN: Final = 20
"""How many calls the peers' share weighs as, beside an agent's own."""
PEERS: Final = 100
"""How many calls the share of all agents weighs as, beside the peers'."""
ALL: Final = 100
"""How many calls a share equal for all actions weighs as, beside that of all agents."""


def log2(number: int) -> int:
    """Return the logarithm to base 2 of a number from 1, in 1,024ths of a bit, rounded down."""
    whole = number.bit_length() - 1
    # A mantissa from 1 to 2 with 62 bits; squaring it gives one bit of the logarithm after the other.
    mantissa = number << (62 - whole) if whole <= 62 else number >> (whole - 62)  # noqa: PLR2004 - as the comment says
    found = whole
    for _ in range(_STEPS):
        mantissa = mantissa * mantissa >> 62
        found <<= 1
        if mantissa >> 63:
            mantissa >>= 1
            found |= 1
    return found


def backed_off(count: int, total: int, below: int, weight: int) -> int:
    """Return a smoothed share of :data:`ONE`, at least 1: Dirichlet's, with the share ``below`` as its prior.

    Args:
        count: how often, of ``total``.
        total: of all; equal to or more than ``count``.
        below: what is expected where nothing is known.
        weight: how many calls the expectation weighs as.
    """
    return max(1, (count * ONE + weight * below) // max(1, total + weight))


def surprise(own: tuple[int, int], peers: tuple[int, int], everybody: tuple[int, int], *, unit: int = 1) -> int:
    """Return -log2 of the probability of an action, in 1,024ths of a bit.

    Source: MacKay and Peto, "A hierarchical Dirichlet language model", 1995.

    Args:
        own: how often the agent called it, of how many calls.
        peers: the same of others with the same task.
        everybody: the same of all agents.
        unit: in what part of a call ``own`` is counted.
    """
    share = backed_off(*everybody, ONE // _ACTIONS, ALL)
    share = backed_off(*peers, share, PEERS)
    share = backed_off(*own, share, OWN * unit)
    return max(0, log2(ONE) - log2(share))
