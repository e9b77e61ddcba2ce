from __future__ import annotations

import doctest
from pathlib import Path
from statistics import mean

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.store.trust_checkpoint import MAX_AGE
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION, POINT, decayed, scale
from sudo_mcp_guardrails.approval.trust_ledger.policy import DAY, TIERS
from tests.approval.test_trust_statistics import (
    ALPHA,
    alarms,
    promoted_by_points,
    promoted_by_wilson,
    restarting,
    share,
)
from tests.approval.trusting import POLICY, R1, R2, T1, T2

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_examples_run() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert (found.failed, found.attempted > 25) == (0, True)


@pytest.mark.parametrize("tier", TIERS)
def test_the_table_is_the_policys(tier: object) -> None:
    row = [POLICY.table[tier][risk].value for risk in RiskClass]  # type: ignore[index]
    assert f"| {tier.value} | {' | '.join(row)} |" in TEXT  # type: ignore[attr-defined]


def test_the_budgets_are_the_policys() -> None:
    rows = [
        f"| {tier.value} | {one.seconds} s | {one.count} | {one.cost} | {one.resources} |"
        for tier, budgets in POLICY.budgets.items()
        for one in budgets
    ]
    assert [row for row in rows if row not in TEXT] == []
    assert TEXT.count(" s | ") == len(rows)


def test_the_steps_are_the_policys() -> None:
    for name, risk, tier in (
        ("T1 to T2, R1 and R2", R1, T1),
        ("T1 to T2, R1 and R2", R2, T1),
        ("T2 to T3, R2", R2, T2),
    ):
        step, found = POLICY.steps[risk, tier], POLICY.scale(risk, tier)
        assert step.rate is not None
        assert found is not None
        row = f"| {name} | {step.days} days | {step.rate * 100 // MILLION} % | {found.needed // POINT} | "
        assert f"{row}{round(found.cost / POINT)} | {step.approvers} |" in TEXT
        more = scale(step.rate, ALPHA, 1).needed // POINT - found.needed // POINT
        assert f"{more} at {step.rate * 100 // MILLION} %" in TEXT
    assert POLICY.canary_days * DAY == 30 * 86_400


@pytest.mark.parametrize(("a_day", "weeks"), [(10, 8), (4, 30), (2, None)])
def test_an_agent_that_rests_at_weekends_takes_so_many_weeks(a_day: int, weeks: int | None) -> None:
    points, found = 0, None
    for week in range(1, 521):
        points = decayed(points, 2, POLICY.half_life) + 5 * a_day * POINT
        if points >= scale(10_000, ALPHA).needed and found is None:
            found = week
    assert found == weeks
    assert "in 8 weeks with 10 credits on each working day, in 30 with 4, never with 2." in " ".join(TEXT.split())


def test_the_figures_are_measured() -> None:
    said = []
    for p0 in (50_000, 10_000):
        rate, found = p0 / MILLION, scale(p0, ALPHA)
        by_points = share(lambda draw, f=found, r=rate: promoted_by_points(f, r, draw), 20_000, "points", p0)  # type: ignore[misc]
        by_wilson = share(lambda draw, r=rate: promoted_by_wilson(r, r, draw), 2_000, "wilson", p0)  # type: ignore[misc]
        said.append(
            f"| at {p0 * 100 // MILLION} % | {by_points / 200:.1f} % of 20,000 | {by_wilson / 20:.0f} % of 2,000 |"
        )
    debts, none = (share(lambda draw, d=d: restarting(draw, debts=d), 5_000, "restarts") / 50 for d in (True, False))  # type: ignore[misc]
    said.append(f"{debts:.1f} % promoted; {none:.0f} % where debts are forgotten")
    five, twenty, good, best = (mean(alarms(rate, 3_000)) for rate in (0.05, 0.20, 0.01, 0.002))
    said.append(f"takes {five:.0f} items on average to find 5 %, and {twenty:.0f} to find 20 %")
    said.append(f"at 1 % after {good:,.0f} items and one at 0.2 % after {best:,.0f}")
    text = " ".join(TEXT.split())
    assert [line for line in said if line not in text] == []


def test_how_long_a_process_goes_on_by_itself_is_the_codes() -> None:
    assert f"at the latest {MAX_AGE // 60} minutes later" in " ".join(TEXT.split())
