from __future__ import annotations

from math import log2 as real

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.detection.baseline.bits import BIT, ONE, backed_off, log2, surprise


@given(st.integers(1, 2**200))
def test_the_logarithm_is_the_real_one_rounded_down(number: int) -> None:
    assert abs(log2(number) / BIT - real(number)) <= 2 / BIT


@given(st.integers(0, 80))
def test_powers_of_two_are_exact(power: int) -> None:
    assert log2(1 << power) == power * BIT


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, ONE), st.integers(1, 1000))
def test_a_share_is_above_zero_and_at_most_one(one: int, other: int, below: int, weight: int) -> None:
    assert 1 <= backed_off(one, one + other, below, weight) <= ONE


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12))
def test_shares_of_all_actions_add_up_to_no_more_than_one(counts: list[int]) -> None:
    below = ONE // len(counts)
    assert sum(backed_off(count, sum(counts), below, 20) for count in counts) <= ONE + len(counts)


@pytest.mark.parametrize(
    ("own", "peers", "everybody", "bits"),
    [
        ((0, 0), (0, 0), (0, 0), 14.3),  # one of 20,000 actions
        ((500, 1000), (0, 0), (0, 0), 1.0),
        ((0, 4112), (1, 61_000), (3, 400_000), 23.6),
        ((0, 4112), (0, 61_000), (0, 400_000), 43.2),
        ((0, 4112), (30_500, 61_000), (3, 400_000), 8.7),
        ((0, 0), (30_500, 61_000), (3, 400_000), 1.0),
    ],
)
def test_an_action_backs_off_to_peers_and_then_to_all(
    own: tuple[int, int], peers: tuple[int, int], everybody: tuple[int, int], bits: float
) -> None:
    assert surprise(own, peers, everybody) / BIT == pytest.approx(bits, abs=0.15)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_what_was_called_more_often_is_less_surprising(own: int, peers: int, everybody: int) -> None:
    here = surprise((own, 1000), (peers, 1000), (everybody, 1000))
    for more in ((own + 50, peers, everybody), (own, peers + 50, everybody), (own, peers, everybody + 50)):
        assert surprise((more[0], 1000), (more[1], 1000), (more[2], 1000)) <= here


def test_own_calls_may_be_counted_in_parts() -> None:
    whole = surprise((3, 100), (5, 100), (7, 100))
    assert surprise((3000, 100_000), (5, 100), (7, 100), unit=1000) == whole
