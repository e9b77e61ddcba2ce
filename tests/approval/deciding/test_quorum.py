from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS, Quorum, Vote, different_groups, lacking
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.trust_ledger.policy import TABLE, Handling


def test_the_defaults_are_those_of_the_issue() -> None:
    table = {(one.risk.value, one.production): (one.people, one.groups, one.rule) for one in QUORUMS}
    assert table == {
        ("R0", False): (0, 0, False),
        ("R0", True): (0, 0, False),
        ("R1", False): (1, 0, True),
        ("R1", True): (1, 0, True),
        ("R2", False): (1, 0, True),
        ("R2", True): (1, 0, True),
        ("R3", False): (2, 0, False),
        ("R3", True): (2, 2, False),
    }
    assert all(one.expires_after <= 4 * 3600 for one in QUORUMS)


def test_the_defaults_leave_it_to_the_tiers_where_a_rule_decides() -> None:
    """A class that some tier does by rule has a quorum that lets it, and no other class has."""
    by_rule = {
        risk
        for row in TABLE.values()
        for risk, handling in row.items()
        if handling in (Handling.AUTOMATIC, Handling.AUDITED) and risk is not RiskClass.R0
    }
    assert by_rule == {RiskClass.R1, RiskClass.R2}
    assert {(one.risk, one.production) for one in QUORUMS if one.rule} == {
        (risk, production) for risk in by_rule for production in (False, True)
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"risk": RiskClass.R4}, "nobody approves what is forbidden"),
        ({"risk": RiskClass.R3, "rule": True}, "lets a rule decide"),
        ({"people": 0}, "quorum of R2 in production is of 0 people, allowed are 1 to 10"),
        ({"people": 11}, "is of 11 people"),
        ({"groups": 2}, "is of 2 groups, allowed are 0 to 1"),
        ({"groups": -1}, "is of -1 groups"),
        ({"expires_after": 4 * 3600 + 1}, "expires after 14401 seconds"),
        ({"expires_after": 0}, "expires after 0 seconds"),
    ],
)
def test_what_no_quorum_may_be(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        Quorum(**{"risk": RiskClass.R2, "production": True, "people": 1, **changes})


def vote(name: str, *groups: str) -> Vote:
    return Vote(frozenset({name}), groups)


def test_what_is_lacking() -> None:
    quorum = Quorum(RiskClass.R3, production=True, people=3, groups=2)
    assert lacking([], quorum) == (3, 2)
    assert lacking([vote("a", "x"), vote("b", "x")], quorum) == (1, 1)
    assert lacking([vote("a", "x"), vote("b", "x"), vote("c", "x", "y")], quorum) == (0, 0)


@given(st.lists(st.sets(st.sampled_from("vwxyz")), max_size=5))
def test_different_groups_are_as_many_as_trying_all_finds(groups: list[set[str]]) -> None:
    def placed(order: tuple[str, ...]) -> int:
        return sum(group in each for group, each in zip(order, groups, strict=False))

    best = max(placed(order) for order in permutations([*"vwxyz", "none"]))
    assert different_groups([tuple(sorted(each)) for each in groups]) == best
