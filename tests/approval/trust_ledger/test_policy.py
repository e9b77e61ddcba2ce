from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.trust_ledger.policy import BUDGETS, STEPS, TABLE, Budget, Handling, Step, TrustPolicy
from tests.approval.trusting import POLICY, R0, R1, R2, R3, R4, T0, T1, T2, T3

AUTO, AUDITED, ASK, NO = Handling


def test_the_table_is_the_researchs() -> None:
    rows = {tier: tuple(row[risk] for risk in (R0, R1, R2, R3, R4)) for tier, row in TABLE.items()}
    assert rows == {
        T0: (AUTO, NO, NO, NO, NO),
        T1: (AUTO, ASK, ASK, ASK, NO),
        T2: (AUTO, AUTO, ASK, ASK, NO),
        T3: (AUTO, AUTO, AUDITED, ASK, NO),
    }


def changed(tier: Any, risk: Any, handling: Handling) -> dict[Any, Any]:
    return {**TABLE, tier: {**TABLE[tier], risk: handling}}


@pytest.mark.parametrize("tier", [T0, T1, T2, T3])
@pytest.mark.parametrize("handling", [AUTO, AUDITED])
def test_no_policy_can_do_r3_or_r4_by_rule(tier: Any, handling: Handling) -> None:
    for risk in (R3, R4):
        with pytest.raises(TrustError, match=r"does R3 by rule|does not refuse R4"):
            TrustPolicy(table=changed(tier, risk, handling))


def test_no_policy_can_let_people_approve_r4() -> None:
    with pytest.raises(TrustError, match="does not refuse R4"):
        TrustPolicy(table=changed(T3, R4, ASK))


def test_a_tier_that_acts_by_rule_has_a_budget() -> None:
    with pytest.raises(TrustError, match="T2 does something by rule and has no budget"):
        TrustPolicy(budgets={T3: BUDGETS[T3]})
    with pytest.raises(TrustError, match="T1 does something by rule and has no budget"):
        TrustPolicy(table=changed(T1, R1, AUTO))


def test_a_table_with_a_hole_is_refused() -> None:
    with pytest.raises(TrustError, match="does not say what T2 does with R0"):
        TrustPolicy(table={**TABLE, T2: {}})


@pytest.mark.parametrize("key", [(R0, T0), (R4, T1), (R2, T3)])
def test_a_step_that_leads_nowhere_is_refused(key: Any) -> None:
    with pytest.raises(TrustError, match="leads nowhere"):
        TrustPolicy(steps={**STEPS, key: Step(1)})


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0},
        {"credits_a_day": 0},
        {"repeat_days": 0},
        {"half_life": 4000},
        {"cusum_bad": 10_000},
        {"cusum_limit": 0},
        {"minors": 0},
        {"audit": -1},
        {"caught": 1_000_001},
        {"skew": 90_000},
    ],
)
def test_a_value_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TrustError, match="out of bounds"):
        TrustPolicy(**change)


def test_a_step_or_budget_out_of_bounds_is_refused() -> None:
    with pytest.raises(TrustError):
        Step(-1)
    with pytest.raises(TrustError):
        Step(1, 5)
    with pytest.raises(TrustError):
        Budget(0, 1, 1, 1)
    with pytest.raises(TrustError):
        Budget(1, 1, -1, 1)


def test_a_policys_version_is_of_all_it_says() -> None:
    assert replace(POLICY).digest == TrustPolicy().digest
    others = [
        replace(POLICY, alpha=40_000),
        replace(POLICY, skew=0),
        replace(POLICY, table=changed(T3, R2, ASK)),
        replace(POLICY, steps={**STEPS, (R2, T2): Step(57, 10_000, 2)}),
        replace(POLICY, budgets={**BUDGETS, T3: (Budget(60, 1, 1, 1),)}),
    ]
    assert len({POLICY.digest, *(other.digest for other in others)}) == 6
