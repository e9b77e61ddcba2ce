from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION, POINT, cusum, decayed, scale

ALPHA = 50_000
CUSUM = cusum(10_000, 50_000, 3 * MILLION)


@pytest.mark.parametrize(
    ("rate", "needed", "cost"), [(100_000, 32, 24), (50_000, 65, 49), (10_000, 332, 254), (5_000, 664, 510)]
)
def test_a_scale_is_that_of_the_ratio_test(rate: int, needed: int, cost: int) -> None:
    found = scale(rate, ALPHA)
    assert (found.needed // POINT, found.cost // POINT) == (needed, cost)


@pytest.mark.parametrize("rate", [10, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000])
@pytest.mark.parametrize("tries", [0, 1, 7])
def test_whole_numbers_keep_the_error(rate: int, tries: int) -> None:
    """Exactly: what an item multiplies a bet by is worth 1 at most on average, and 1/alpha is needed."""
    found = scale(rate, ALPHA, tries)
    with localcontext() as context:
        context.prec = 50
        p0 = Decimal(rate) / MILLION
        step = ((1 - p0 / 10) / (1 - p0)).ln()
        mean = (1 - p0) * step.exp() + p0 * (-step * found.cost / POINT).exp()
        assert mean <= 1 + Decimal(10) ** -40
        assert (-step * found.needed / POINT).exp() <= Decimal(ALPHA) / MILLION / 2**tries
        # And no more than a point is asked beyond that.
        assert (-step * (found.needed - POINT) / POINT).exp() > Decimal(ALPHA) / MILLION / 2**tries


def test_one_item_moves_the_points_by_one_or_by_the_cost() -> None:
    found = scale(10_000, ALPHA)
    assert found.after(0, failed=False) == POINT
    assert found.after(POINT, failed=True) == POINT - found.cost


@pytest.mark.parametrize(
    ("rate", "alpha", "tries"), [(9, ALPHA, 0), (500_001, ALPHA, 0), (10, 0, 0), (10, 500_001, 0), (10, 1, -1)]
)
def test_a_scale_out_of_bounds_is_refused(rate: int, alpha: int, tries: int) -> None:
    with pytest.raises(TrustError, match="out of bounds"):
        scale(rate, alpha, tries)


def test_points_halve_in_thirty_days() -> None:
    assert decayed(100 * POINT, 30, 30) == 50 * POINT
    assert decayed(100 * POINT, 60, 30) == 25 * POINT
    assert decayed(100 * POINT, 15, 30) == 70_710_678
    assert decayed(100 * POINT, 0, 30) == 100 * POINT
    assert decayed(100 * POINT, -1, 30) == 100 * POINT


def test_debts_do_not_decay() -> None:
    assert decayed(-254 * POINT, 3000, 30) == -254 * POINT
    assert decayed(0, 30, 30) == 0


@given(st.integers(0, 10**12), st.integers(0, 10_000), st.integers(1, 400))
def test_decay_is_the_power_of_two_rounded_down(points: int, days: int, half_life: int) -> None:
    found = decayed(points, days, half_life)
    with localcontext() as context:
        context.prec = 60
        exact = points * Decimal(2) ** (-Decimal(days) / half_life)
    assert exact - 2 <= found <= exact


@given(st.integers(1, 10**9), st.integers(0, 300), st.integers(0, 300))
def test_waiting_in_two_parts_never_keeps_more(points: int, first: int, second: int) -> None:
    assert decayed(decayed(points, first, 30), second, 30) <= decayed(points, first + second, 30) + 1


def test_the_sum_has_the_researchs_numbers() -> None:
    assert (CUSUM.up, CUSUM.down, CUSUM.limit) == (1_609_438, 41_242, 3_000_000)


def test_the_sum_saves_nothing_up() -> None:
    total = 0
    for _ in range(1000):
        total = CUSUM.after(total, failed=False)
    assert total == 0
    total = CUSUM.after(total, failed=True)
    assert not CUSUM.alarm(total)
    assert CUSUM.alarm(CUSUM.after(total, failed=True))


@pytest.mark.parametrize("clean", range(8))
def test_two_failures_close_together_give_alarm(clean: int) -> None:
    total = CUSUM.after(0, failed=True)
    for _ in range(clean):
        total = CUSUM.after(total, failed=False)
    assert CUSUM.alarm(CUSUM.after(total, failed=True)) == (clean <= 5)


@pytest.mark.parametrize(("good", "bad", "limit"), [(9, 10, 1), (10, 10, 1), (10, 500_001, 1), (10, 20, 0)])
def test_a_sum_out_of_bounds_is_refused(good: int, bad: int, limit: int) -> None:
    with pytest.raises(TrustError, match="out of bounds"):
        cusum(good, bad, limit)
