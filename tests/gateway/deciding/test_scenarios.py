"""Every scenario is decided as it says, for the reason that it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.gateway.call import Verdict
from tests.gateway.deciding.making import contained, deciding, session
from tests.gateway.deciding.scenarios import SCENARIOS

if TYPE_CHECKING:
    from tests.gateway.deciding.scenario import Scenario


def played(scenario: Scenario) -> str:
    """Play a scenario; return what is not as it says, or nothing."""
    containment = contained(scenario.kill_switch) if scenario.kill_switch else None
    check = deciding(scenario.rules, containment, **scenario.given)
    own = session(**scenario.session)
    for each in scenario.before:
        made = check.before(own, each)
        check.decided(own, each, made)
        if made.verdict is not Verdict.ALLOW:
            return f"{each} before it is {made}"
    outcome = check.before(own, scenario.call)
    ids = [reason.id for reason in outcome.reasons]
    if outcome.verdict is not scenario.verdict:
        return f"{outcome}"
    if scenario.reason not in (ids or [""]):
        return f"{scenario.reason!r} is not among {outcome.reasons}"
    if scenario.says and not any(scenario.says in f"{each.text} {each.rule}" for each in outcome.reasons):
        return f"{scenario.says!r} is in none of {outcome.reasons}"
    return ""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.id)
def test_scenario(scenario: Scenario) -> None:
    """It is decided so."""
    assert not played(scenario)


def test_ids_are_unique() -> None:
    """No scenario hides another."""
    assert len({each.id for each in SCENARIOS}) == len(SCENARIOS)
