from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.deciding.delegation import Delegation, DelegationRules, lent
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.made import IDP, POLICY, START, asked, decided, stand_in

NOW = START + 60
DAY = 86_400


def test_a_delegation_lends_the_delegators_groups() -> None:
    proxy = stand_in("carol", "dave")
    assert lent(proxy, "dave", NOW, DelegationRules(), POLICY.people) == ("carol", ("sre", "security"))
    narrowed = stand_in("carol", "dave", groups=("security", "managers"))
    assert lent(narrowed, "dave", NOW, DelegationRules(), POLICY.people) == ("carol", ("security",))


def test_it_holds_from_its_start_until_its_end() -> None:
    proxy = stand_in("bob", "dave", starts=NOW, ends=NOW + DAY)
    for time in (NOW, NOW + DAY - 1):
        assert lent(proxy, "dave", time, DelegationRules(), POLICY.people)[0] == "bob"
    for time in (NOW - 1, NOW + DAY):
        with pytest.raises(DecisionError, match="holds from 2026-11-23T10:01:00Z until 2026-11-24T10:01:00Z"):
            lent(proxy, "dave", time, DelegationRules(), POLICY.people)


@pytest.mark.parametrize(
    ("changes", "rules", "reason"),
    [
        ({}, DelegationRules(allowed=False), "takes no delegations"),
        ({"delegator": f"{IDP}#mallory"}, DelegationRules(), "is nobody that the policy knows"),
        ({"delegate": f"{IDP}#alice"}, DelegationRules(), "and not 'dave'"),
        ({"delegator": "dave@example.com", "made_by": "dave"}, DelegationRules(), "to himself"),
        ({"made_by": f"{IDP}#dave"}, DelegationRules(), "was made by"),
        ({"made_by": f"{IDP}#mallory"}, DelegationRules(), "was made by"),
        ({"made": NOW + 1}, DelegationRules(), "holds from"),
        ({"ends": START + 8 * DAY}, DelegationRules(max_days=7), "more than the 7 days"),
    ],
)
def test_what_lends_nothing(changes: dict[str, Any], rules: DelegationRules, reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        lent(stand_in("bob", "dave", **changes), "dave", NOW, rules, POLICY.people)


def test_what_was_lent_cannot_be_lent_on() -> None:
    # Bob stands in for carol, and lends dave what he has: his own groups, and none of hers.
    proxy = stand_in("bob", "dave")
    assert lent(proxy, "dave", NOW, DelegationRules(), POLICY.people) == ("bob", ("security",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ends": START}, "allowed: up to 90 days"),
        ({"ends": START + 91 * DAY}, "allowed: up to 90 days"),
        ({"reason": " "}, "reason has 1 characters"),
        ({"id": ""}, "id has 0 characters"),
        ({"starts": -1}, "starts -1 is no time"),
    ],
)
def test_a_delegation_has_an_end_and_a_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        replace(stand_in("bob", "dave").delegation, **changes)
    for days in (0, 91):
        with pytest.raises(DecisionError, match="allowed are 1 to 90"):
            DelegationRules(max_days=days)


def test_what_is_stated_is_what_is_shown() -> None:
    with pytest.raises(DecisionError, match="'delegation-2' is stated, and 'delegation-1' is shown"):
        decided(asked(), "dave", proxy=stand_in("bob", "dave"), on_behalf_of="delegation-2")
    with pytest.raises(DecisionError, match="'delegation-1' is stated, and '' is shown"):
        decided(asked(), "dave", on_behalf_of="delegation-1")


def test_it_is_read_as_it_is_written() -> None:
    delegation = stand_in("bob", "dave").delegation
    assert Delegation.from_document(delegation.document()) == delegation
