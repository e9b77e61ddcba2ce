from __future__ import annotations

from calendar import timegm
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.profile import AgentProfile, WorkingHours
from sudo_mcp_guardrails.detection.times import seconds_of


def _at(day: int, hour: int) -> int:
    return timegm((2026, 11, day, hour, 30, 0))  # 2026-11-23 is a Monday


def test_hours_of_a_day() -> None:
    hours = WorkingHours(8, 18, frozenset(range(5)))
    assert hours.hold(_at(23, 8))
    assert not hours.hold(_at(23, 18))
    assert not hours.hold(_at(22, 9))


def test_hours_through_the_night_belong_to_the_day_they_began_on() -> None:
    night = WorkingHours(22, 6, frozenset({4}))  # Friday's night
    assert night.hold(_at(27, 23))
    assert night.hold(_at(28, 5))
    assert not night.hold(_at(27, 5))
    assert not night.hold(_at(28, 23))


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - in UTC below
def test_days_are_those_of_the_calendar(moment: datetime) -> None:
    seconds = int(moment.replace(tzinfo=timezone.utc).timestamp())
    assert WorkingHours(0, 24, frozenset({moment.weekday()})).hold(seconds)
    assert not WorkingHours(0, 24, frozenset({(moment.weekday() + 1) % 7})).hold(seconds)
    assert seconds_of(moment.strftime("%Y-%m-%dT%H:%M:%SZ")) == seconds


@pytest.mark.parametrize(("begin", "end"), [(-1, 5), (24, 5), (3, 25), (5, 5), (3, 0)])
def test_hours_that_there_are_none_of_are_refused(begin: int, end: int) -> None:
    with pytest.raises(DetectionError, match="are not allowed"):
        WorkingHours(begin, end)
    with pytest.raises(DetectionError, match="days"):
        WorkingHours(1, 2, frozenset({7}))


def test_a_profile_of_an_agent_and_back() -> None:
    agent = Agent(
        "ci-bot",
        owner="team@example.com",
        services=["s3", "lambda"],
        environments=[
            AgentEnvironment.sandbox("111122223333", regions=["eu-west-1"]),
            AgentEnvironment.production("444455556666", regions=["eu-central-1"]),
        ],
    )
    profile = AgentProfile.of(agent, hours=WorkingHours(8, 18), declared=["s3:Get*"], tier="T2", mcp=True)
    assert profile.accounts == {"111122223333", "444455556666"}
    assert profile.regions == {"eu-west-1", "eu-central-1"}
    assert profile.declares("s3", "GetObject")
    assert not profile.declares("s3", "PutObject")
    assert AgentProfile.from_data(profile.to_data()) == profile
    assert AgentProfile("x").declares("any", "Thing")


@pytest.mark.parametrize("data", [{}, {"name": "x", "accounts": 5}, {**AgentProfile("x").to_data(), "hours": [1]}])
def test_what_is_no_profile_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(DetectionError, match="does not parse"):
        AgentProfile.from_data(data)


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026"])
def test_what_is_no_time_has_no_seconds(text: str | None) -> None:
    assert seconds_of(text) is None
