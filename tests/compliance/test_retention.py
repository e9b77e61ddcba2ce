"""How long logs are kept: the numbers, which of them wins, and what that conflicts with."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import RULES, Basis, Retention, RetentionError, rule_of


@pytest.mark.parametrize(
    ("frameworks", "days", "searchable"),
    [
        ([Framework.HIPAA], 2192, 90),
        ([Framework.PCI_DSS], 365, 90),
        ([Framework.SOC2], 365, 90),
        ([Framework.ISO_27001], 365, 90),
        ([Framework.SOX], 2557, 90),
        ([Framework.FEDRAMP], 913, 365),
        ([Framework.NIST_800_53], 365, 90),
        ([Framework.GDPR], 183, 90),
        ([Framework.HIPAA, Framework.PCI_DSS], 2192, 90),
        ([Framework.PCI_DSS, Framework.HIPAA, Framework.SOX], 2557, 90),
        ([Framework.HIPAA, Framework.FEDRAMP], 2192, 365),
        (["pci-dss", "soc2"], 365, 90),
    ],
    ids=str,
)
def test_the_longest_wins(frameworks: list[Framework | str], days: int, searchable: int) -> None:
    retention = Retention.for_(*frameworks)
    assert (retention.days, retention.searchable_days) == (days, searchable)


def test_the_order_of_frameworks_does_not_count() -> None:
    one = Retention.for_(Framework.SOX, Framework.GDPR, Framework.SOX)
    assert one == Retention.for_(Framework.GDPR, Framework.SOX)


def test_every_framework_has_one_rule_with_its_source() -> None:
    assert [rule.framework for rule in RULES] == list(Framework)
    for rule in RULES:
        assert rule_of(rule.framework) is rule
        assert rule_of(rule.framework.value) is rule
        assert rule.confidence in {"high", "medium", "low"}
        assert len(rule.source) > 60
        assert rule.searchable_days <= rule.days


def test_a_text_without_a_number_is_no_rule() -> None:
    by_basis = {basis: {rule.framework for rule in RULES if rule.basis is basis} for basis in Basis}
    assert by_basis[Basis.RULE] == {Framework.PCI_DSS}
    assert by_basis[Basis.CUSTOM] == {Framework.SOC2, Framework.ISO_27001, Framework.NIST_800_53}
    assert by_basis[Basis.LIMIT] == {Framework.GDPR}


class TestConflicts:
    def test_data_minimisation_is_stated_and_does_not_shorten(self) -> None:
        retention = Retention.for_(Framework.HIPAA, Framework.GDPR)
        assert retention.days == 2192
        (conflict,) = retention.conflicts
        assert "gdpr" in conflict
        assert "2192 for hipaa" in conflict
        assert "legal basis" in conflict

    def test_there_is_none_within_the_limit(self) -> None:
        assert Retention.for_(Framework.PCI_DSS, Framework.GDPR).conflicts == ()
        assert Retention.for_(Framework.SOX).conflicts == ()

    def test_an_own_policy_is_named(self) -> None:
        retention = Retention.for_(Framework.GDPR).at_least(730, reason="policy LOG-7")
        assert "730 for policy LOG-7" in retention.conflicts[0]


class TestOwnPolicy:
    def test_it_can_be_all_there_is(self) -> None:
        retention = Retention.custom(30, reason="sandbox")
        assert (retention.days, retention.searchable_days, retention.rules) == (30, 30, ())

    def test_it_can_ask_for_more_but_not_for_less(self) -> None:
        base = Retention.for_(Framework.PCI_DSS)
        more = base.at_least(400, reason="policy LOG-7")
        assert (more.days, more.decided_by, more.rules) == (400, (), base.rules)
        assert base.at_least(10, reason="policy LOG-7") is base
        assert base.decided_by == (rule_of(Framework.PCI_DSS),)


@pytest.mark.parametrize("value", [0, -1, 36_501, True, 1.5, "365", None])
def test_bad_numbers(value: Any) -> None:
    with pytest.raises(RetentionError, match=r"not allowed, expected 1 to 36500"):
        Retention(value)
    with pytest.raises(RetentionError, match=r"not allowed, expected 1 to 36500"):
        Retention.custom(value, reason="a policy")
    with pytest.raises(RetentionError, match=r"not allowed, expected 1 to 36500"):
        Retention.for_("soc2").at_least(value, reason="a policy")


def test_bad_input() -> None:
    with pytest.raises(RetentionError, match="retention for no framework is not allowed, expected some of hipaa"):
        Retention.for_()
    with pytest.raises(RetentionError, match="framework 'hippa' is not known, allowed are hipaa, pci-dss"):
        Retention.for_("hippa")
    with pytest.raises(RetentionError, match="framework 7 is not known"):
        Retention.for_(7)  # type: ignore[arg-type]
    with pytest.raises(RetentionError, match="searchable days 91 of a retention are not allowed, expected at most"):
        Retention(90, 91)
    with pytest.raises(RetentionError, match="retention of 5 days has no reason"):
        Retention.custom(5, reason=" ")
    with pytest.raises(RetentionError, match="at least 5 days has no reason"):
        Retention.for_(Framework.SOX).at_least(5, reason="")
