from __future__ import annotations

from sudo_mcp_guardrails.gateway.pump.duty import Duty
from tests.gateway.pump.making import Clock


def test_a_flood_gets_its_share_and_no_more() -> None:
    clock, spent = Clock(), 0.0
    duty = Duty(share=0.02, burst=0.02, clock=clock)
    while clock.now < 100:
        clock.now += 0.0001
        spent += 0.0001
        clock.now += duty.spend(0.0001)
    assert 0.015 < spent / clock.now < 0.025


def test_who_says_little_never_waits() -> None:
    clock = Clock()
    duty = Duty(clock=clock)
    for _ in range(1000):
        clock.now += 0.01
        assert duty.spend(0.0001) == 0.0
