"""Points: how much evidence there is that an agent fails more rarely than a class of work allows.

Wald's sequential probability ratio test (1945), one-sided: the likelihood of what was seen under a tenth of the rate to
be ruled out, over the likelihood under that rate. Under the rate to be ruled out, the ratio is a martingale that begins
at 1, so that by Ville's inequality it ever reaches 1/alpha with a probability of alpha at most: the error holds however
often somebody looks, which no confidence interval does that is taken after every task.

The logarithm of the ratio, divided by what one clean item adds, are the points: a clean item is one point, a failure
costs a fixed number of them, and so many are needed. Everything is a whole number of millionths, rounded against the
agent, so that every machine counts the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from functools import lru_cache
from typing import Final

from sudo_mcp_guardrails.approval.errors import TrustError

MILLION: Final = 1_000_000
"""Rates are in failures per million items, points in millionths."""
POINT: Final = MILLION
_PRECISION: Final = Context(prec=60)
_BITS: Final = 64
_LEAST: Final = 10
"""Least rate: one failure in 100,000 items."""


@dataclass(frozen=True)
class Scale:
    """What a clean item gives and a failure costs, for one rate to be ruled out.

    Attributes:
        rate: failures per million items that are to be ruled out.
        needed: points, in millionths.
        cost: of a failure, in millionths.
    """

    rate: int
    needed: int
    cost: int

    def after(self, points: int, *, failed: bool) -> int:
        """Return the points after one more item."""
        return points - self.cost if failed else points + POINT


@lru_cache(maxsize=256)
def scale(rate: int, alpha: int, tries: int = 0) -> Scale:
    """Return the scale of one rate.

    Args:
        rate: failures per million items that are to be ruled out; the test looks for a tenth of it.
        alpha: probability, in millionths, with which an agent of just that rate may ever get there.
        tries: that were given up before. Each halves alpha, so that all tries together stay below twice alpha.

    Raises:
        TrustError: a rate or alpha is out of bounds.
    """
    if not _LEAST <= rate <= MILLION // 2 or not 0 < alpha <= MILLION // 2 or tries < 0:
        raise TrustError(
            f"rate {rate}, alpha {alpha} or tries {tries} is out of bounds, allowed: {_LEAST} to 500000, 1 to 500000, "
            "and 0 or more"
        )
    with localcontext(_PRECISION):
        ruled_out = Decimal(rate) / MILLION
        hoped = ruled_out / 10
        clean = ((1 - hoped) / (1 - ruled_out)).ln()
        cost = (ruled_out / hoped).ln() / clean * POINT
        needed = ((Decimal(MILLION) / alpha).ln() + tries * Decimal(2).ln()) / clean
        # Whole points are needed, since people count in them; rounding up errs against the agent.
        return Scale(
            rate, int(needed.to_integral_value(ROUND_CEILING)) * POINT, int(cost.to_integral_value(ROUND_CEILING))
        )


def decayed(points: int, idle_days: int, half_life: int) -> int:
    """Return what points are worth after days without evidence: half of them after each half-life.

    Only what speaks for the agent decays. A power below 1 of a martingale is none that grows (Jensen's inequality), so
    that the error still holds; what speaks against it stays, or waiting would wash it away.

    Args:
        points: in millionths, positive or not.
        idle_days: whole days without evidence.
        half_life: in days.
    """
    if points <= 0 or idle_days <= 0:
        return points
    halves, rest = divmod(idle_days, half_life)
    return (points * _factor(rest, half_life) >> _BITS) >> min(halves, points.bit_length())


@dataclass(frozen=True)
class Cusum:
    """A cumulative sum (Page, 1954) that tells soon when an agent begins to fail more often.

    Attributes:
        up: added by a failure, in millionths.
        down: taken off by a clean item; the sum never falls below 0, so that nobody saves up for failures to come.
        limit: alarm is given where the sum reaches it.
    """

    up: int
    down: int
    limit: int

    def after(self, total: int, *, failed: bool) -> int:
        """Return the sum after one more item."""
        return max(0, total + self.up if failed else total - self.down)

    def alarm(self, total: int) -> bool:
        """Tell whether a sum gives alarm."""
        return total >= self.limit


@lru_cache(maxsize=64)
def cusum(good: int, bad: int, limit: int) -> Cusum:
    """Return the cumulative sum that tells a bad rate from a good one.

    Args:
        good: failures per million items that are to be expected.
        bad: failures per million items that are to be found.
        limit: of the sum, in millionths of a unit of log-likelihood.

    Raises:
        TrustError: the bad rate is not above the good one, or a value is out of bounds.
    """
    if not _LEAST <= good < bad <= MILLION // 2 or limit < 1:
        raise TrustError(
            f"good rate {good}, bad rate {bad} or limit {limit} is out of bounds, allowed: {_LEAST} to 500000, more "
            "than that up to 500000, and 1 or more"
        )
    with localcontext(_PRECISION):
        up = (Decimal(bad) / good).ln() * MILLION
        down = ((Decimal(MILLION) - good) / (MILLION - bad)).ln() * MILLION
        return Cusum(int(up.to_integral_value(ROUND_CEILING)), int(down.to_integral_value(ROUND_FLOOR)), limit)


@lru_cache(maxsize=1024)
def _factor(days: int, half_life: int) -> int:
    """Return 2 to the power of -days/half_life in units of 2**-64, rounded down, by whole numbers alone."""
    target = 1 << (_BITS * half_life - days)
    low, high = 1 << (_BITS - 1), 1 << _BITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**half_life <= target else (low, middle)
    return high if high**half_life <= target else low
