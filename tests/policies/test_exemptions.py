"""Exemptions: owned, reasoned, and soon over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from sudo_mcp_guardrails.policies.exemptions import Exemption, ExemptionError, check_known

TODAY = date(2026, 11, 23)


def exemption(**more: Any) -> Exemption:
    given = {"property": "invariant/trail", "agent": "bot", "owner": "ann@example.com", "until": TODAY, "reason": "why"}
    return Exemption(**{**given, **more})


@pytest.mark.parametrize("field", ["property", "agent", "owner", "reason"])
def test_nothing_may_be_empty(field: str) -> None:
    with pytest.raises(ExemptionError, match=f"has an empty {field}"):
        exemption(**{field: "  "})


def test_ninety_days_are_the_most() -> None:
    exemption(until=TODAY + timedelta(days=90)).check_date(TODAY)
    with pytest.raises(ExemptionError, match="is until 2027-02-22, expected 2027-02-21 or earlier: 90 days from today"):
        exemption(until=TODAY + timedelta(days=91)).check_date(TODAY)


def test_it_covers_one_property_of_one_agent_to_its_last_day() -> None:
    one = exemption()
    assert one.covers("bot", "invariant/trail", TODAY)
    assert not one.covers("bot", "invariant/trail", TODAY + timedelta(days=1))
    assert not one.covers("bot", "invariant/other", TODAY)
    assert not one.covers("other-bot", "invariant/trail", TODAY)


def test_an_expired_one_is_void_and_no_error() -> None:
    exemption(until=TODAY - timedelta(days=400)).check_date(TODAY)


def test_it_must_be_about_something() -> None:
    check_known([exemption()], {"bot": {"invariant/trail"}})
    with pytest.raises(ExemptionError, match="agent 'bot' of an exemption is not known, allowed are a-bot, b-bot"):
        check_known([exemption()], {"b-bot": {"invariant/trail"}, "a-bot": set()})
    with pytest.raises(ExemptionError, match="allowed are none, since the app declares no agent"):
        check_known([exemption()], {})
    with pytest.raises(ExemptionError, match="property 'invariant/trail' of an exemption is not known for agent 'bot'"):
        check_known([exemption()], {"bot": {"invariant/x"}})
