from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.baseline import Baselines
from sudo_mcp_guardrails.detection.baseline import rates as module
from sudo_mcp_guardrails.detection.baseline.counts import Counts
from sudo_mcp_guardrails.detection.baseline.document import Baseline
from sudo_mcp_guardrails.detection.baseline.learning import Learning
from sudo_mcp_guardrails.detection.baseline.rates import Rates
from sudo_mcp_guardrails.detection.baseline.usual import Rates as Known
from sudo_mcp_guardrails.detection.rule import Level, Source
from tests.detection.baseline.made import DAY, look, made, work

WORK = ("s3:PutObject", "s3:GetObject", "s3:GetObject", "s3:GetObject", "s3:DeleteObject")


@pytest.fixture
def taught() -> tuple[Baselines, Rates]:
    baselines = Baselines()
    layer = Rates(baselines)
    assert work(baselines, [layer, Learning(baselines)], range(10), WORK, runs=3) == []
    return baselines, layer


def _many(layer: Rates, action: str, count: int, hour: int = 12, day: int = 10, **fields: Any) -> list[Any]:
    return [
        alert
        for place in range(count)
        for alert in look([layer], made(action, day, time=f"{hour:02}:{place // 60:02}:{place % 60:02}", **fields))
    ]


def test_what_is_usual_in_an_hour(taught: tuple[Baselines, Rates]) -> None:
    known = Known(taught[0].of("bot"), DAY + 10)
    assert not known.learning
    assert known.hours == 30
    assert known.usual == {"writes": (16_000, 0, 16), "deletes": (8_000, 0, 8), "errors": (0, 0, 0)}


@pytest.mark.parametrize(
    ("action", "fields", "silent", "said"),
    [
        ("s3:PutObject", {}, 77, ("rate_of_writes", Level.MEDIUM)),
        ("s3:DeleteObject", {}, 29, ("rate_of_deletes", Level.HIGH)),
        ("s3:GetObject", {"errorCode": "NoSuchKey"}, 41, ("rate_of_errors", Level.MEDIUM)),
    ],
)
def test_too_many_in_an_hour_are_said_once(
    taught: tuple[Baselines, Rates], action: str, fields: dict[str, Any], silent: int, said: tuple[str, Level]
) -> None:
    assert _many(taught[1], action, silent, **fields) == []
    alerts = _many(taught[1], action, 300, **fields)
    found = [alert for alert in alerts if alert.rule == said[0]]
    assert [(one.level, one.source, one.count) for one in found] == [(said[1], Source.RATE, silent + 1)]


def test_it_is_said_with_counts(taught: tuple[Baselines, Rates]) -> None:
    (alert,) = _many(taught[1], "s3:DeleteObject", 40)
    assert alert.sentence == (
        "bot had 30 deletes in the hour from 2026-09-11T12:00Z, 0 in the one before; usual are 8.0 an hour, at most 8, "
        "in 30 hours of 14 days; what is too much adds up to 21, allowed are 20"
    )


def test_little_too_much_in_every_hour_adds_up(taught: tuple[Baselines, Rates]) -> None:
    alerts = [len(_many(taught[1], "s3:DeleteObject", 16, hour)) for hour in range(8, 14)]
    assert alerts == [0, 0, 1, 0, 0, 0]


def test_as_much_as_usual_in_every_hour_never_adds_up(taught: tuple[Baselines, Rates]) -> None:
    assert [len(_many(taught[1], "s3:DeleteObject", 9, hour)) for hour in range(24)] == [0] * 24


def test_after_quiet_hours_it_is_said_again(taught: tuple[Baselines, Rates]) -> None:
    assert [len(_many(taught[1], "s3:DeleteObject", 40, hour)) for hour in (1, 2, 20)] == [1, 0, 1]


def test_what_comes_late_counts_where_it_belongs_for_an_hour(taught: tuple[Baselines, Rates]) -> None:
    layer = taught[1]
    _many(layer, "s3:GetObject", 1, 12)
    assert len(_many(layer, "s3:DeleteObject", 50, 11)) == 1
    assert _many(layer, "s3:DeleteObject", 300, 9) == []


def test_nothing_is_said_of_an_agent_that_is_still_learned() -> None:
    baselines = Baselines()
    layer = Rates(baselines)
    assert _many(layer, "s3:DeleteObject", 500) == []
    work(baselines, [Learning(baselines)], range(9), WORK, agent="few", runs=1)
    assert Known(baselines.of("few"), DAY + 9).learning  # seven days, and fewer than twelve hours


def test_the_day_with_most_teaches_nothing(taught: tuple[Baselines, Rates]) -> None:
    baselines, layer = taught
    for run in range(4):
        work(baselines, [Learning(baselines)], [9], ("s3:DeleteObject", f"s3:DeleteA{run}"), calls=2_000)
    assert Known(baselines.of("bot"), DAY + 10).usual["deletes"] == (8_000, 0, 8)
    assert len(_many(layer, "s3:DeleteObject", 40)) == 1


def test_an_agent_whose_hours_vary_is_allowed_more() -> None:
    baselines = Baselines()
    hours = {(DAY + hour // 10) * 24 + hour % 10: [100 * (hour % 2)] * 2 + [0] for hour in range(100)}
    days = {DAY + day: 60 for day in range(10)}
    baselines._agents.put("agent/bot", Baseline("bot", {"read": Counts(days, hours=hours)}))
    assert Known(baselines.of("bot"), DAY + 10).usual["deletes"] == (50_000, 50_000, 100)
    layer = Rates(baselines)
    assert _many(layer, "s3:DeleteObject", 350) == []
    assert {alert.rule for alert in _many(layer, "s3:DeleteObject", 1)} == {"rate_of_writes", "rate_of_deletes"}


@pytest.mark.parametrize(
    ("days", "hours", "learning"),
    [
        ((0, 1, 2), 12, True),  # neither seven days nor 500 calls
        ((0, 1, 8), 12, False),
        ((0, 1, 8), 11, True),  # too few hours
        ((-14, 0, 1), 12, True),  # two days in the window
    ],
)
def test_rates_are_learned_over_days_and_hours(days: tuple[int, ...], hours: int, learning: bool) -> None:  # noqa: FBT001
    calls = {DAY + day: 30 for day in days}
    counts = Counts(calls, hours={(DAY + days[-1]) * 24 + hour: [1, 0, 0] for hour in range(hours)})
    assert Known(Baseline("bot", {"read": counts}), DAY + days[-1] + 1).learning is learning


def test_agents_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_AGENTS", 5)
    layer = Rates(Baselines())
    for number in range(20):
        look([layer], made("s3:PutObject", agent=f"bot-{number}"))
    assert len(layer._sums) == 5
