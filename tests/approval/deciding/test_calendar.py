from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze, Window, first_shown
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import moment, written

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# In 2026 the clocks of Berlin go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.


def span(window: Window, day: str) -> tuple[str, str] | None:
    found = window.on(date.fromisoformat(day))
    return found and (written(found[0]), written(found[1]))


def nightly(start: str, end: str, zone: str = "Europe/Berlin") -> Window:
    return Window(DAYS, start, end, zone)


@pytest.mark.parametrize(
    ("start", "end", "day", "opens", "closes"),
    [
        # An ordinary day, and one over midnight.
        ("22:00", "23:30", "2026-11-23", "2026-11-23T21:00:00Z", "2026-11-23T22:30:00Z"),
        ("22:00", "02:00", "2026-11-23", "2026-11-23T21:00:00Z", "2026-11-24T01:00:00Z"),
        ("00:00", "24:00", "2026-11-23", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"),
        ("10:00", "10:00", "2026-11-23", "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"),
        # The hour that is skipped: what begins in it begins at the jump, what ends in it ends there.
        ("02:30", "05:00", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"),
        ("01:00", "02:30", "2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        ("02:00", "03:00", "2026-03-28", "2026-03-28T01:00:00Z", "2026-03-28T02:00:00Z"),
        ("22:00", "02:30", "2026-03-28", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z"),
        ("00:00", "24:00", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        # The hour that comes twice: the first time counts, so that it closes once.
        ("02:15", "02:45", "2026-10-25", "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z"),
        ("02:00", "03:00", "2026-10-25", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"),
        ("01:00", "02:30", "2026-10-25", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),
        ("00:00", "24:00", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ],
)
def test_a_window_has_one_beginning_and_one_end(start: str, end: str, day: str, opens: str, closes: str) -> None:
    window = nightly(start, end)
    assert span(window, day) == (opens, closes)
    calendar, first, last = Calendar((window,)), moment(opens), moment(closes)
    assert not calendar.closed("production", first)
    assert not calendar.closed("production", last - 1)
    if end not in (start, "24:00"):  # then the next day's follows at once
        assert calendar.closed("production", first - 1)
        assert calendar.closed("production", last)


def test_a_window_that_is_skipped_whole_does_not_open() -> None:
    for start, end in (("02:00", "03:00"), ("02:15", "02:45")):
        assert span(nightly(start, end), "2026-03-29") is None
        assert Calendar((nightly(start, end),)).closed("production", moment("2026-03-29T01:00:00Z"))


def test_the_second_time_of_an_hour_that_comes_twice_is_closed() -> None:
    calendar = Calendar((nightly("02:15", "02:45"),))
    assert not calendar.closed("production", moment("2026-10-25T00:30:00Z"))
    assert calendar.closed("production", moment("2026-10-25T01:30:00Z"))


def test_a_zone_that_skipped_a_day() -> None:
    # Samoa had no 30 December 2011: after the 29th came the 31st.
    samoa = nightly("10:00", "12:00", "Pacific/Apia")
    assert span(samoa, "2011-12-30") is None
    assert first_shown(date(2011, 12, 30), "10:00", ZoneInfo("Pacific/Apia")) == moment("2011-12-30T10:00:00Z")


def test_days_are_those_of_the_zone_and_of_the_beginning() -> None:
    calendar = Calendar((Window(("fri",), "22:00", "04:00", "America/New_York"),))
    assert calendar.closed("production", moment("2026-11-27T23:00:00Z"))
    assert not calendar.closed("production", moment("2026-11-28T03:00:00Z"))
    assert not calendar.closed("production", moment("2026-11-28T08:59:59Z"))
    assert calendar.closed("production", moment("2026-11-28T09:00:00Z"))
    assert calendar.closed("production", moment("2026-11-29T03:30:00Z"))


def test_no_window_is_always_open_and_an_environment_without_one_too() -> None:
    noon = moment("2026-11-23T12:00:00Z")
    assert not Calendar().closed("production", noon)
    calendar = Calendar((Window(("sun",), "10:00", "11:00", environments=("production",)),))
    assert calendar.closed("production", noon) == "outside of the change windows"
    assert not calendar.closed("sandbox", noon)
    assert not calendar.closed("production", noon, break_glass=True)


def test_a_freeze_closes_what_a_window_opens() -> None:
    freeze = Freeze(
        moment("2026-12-20T00:00:00Z"), moment("2027-01-04T00:00:00Z"), "year's end", environments=("production",)
    )
    calendar = Calendar((Window(DAYS, "00:00", "24:00"),), (freeze,))
    inside = freeze.start
    assert calendar.closed("production", inside) == "freeze until 2027-01-04T00:00:00Z: year's end"
    assert not calendar.closed("sandbox", inside)
    assert not calendar.closed("production", freeze.start - 1)
    assert not calendar.closed("production", freeze.end)
    assert not calendar.closed("production", inside, break_glass=True)
    strict = Calendar(freezes=(replace(freeze, break_glass=False),))
    assert strict.closed("production", inside, break_glass=True)


def test_when_it_opens_next() -> None:
    freeze = Freeze(moment("2026-11-23T10:00:00Z"), moment("2026-11-23T13:30:00Z"), "launch")
    calendar = Calendar((Window(("mon",), "12:00", "14:00"), Window(("mon",), "20:00", "21:00")), (freeze,))
    ten, day = moment("2026-11-23T10:00:00Z"), 86_400
    assert calendar.opens("production", ten, ten + day) == moment("2026-11-23T13:30:00Z")
    assert calendar.opens("production", moment("2026-11-23T13:45:00Z"), ten + day) == moment("2026-11-23T13:45:00Z")
    assert calendar.opens("production", moment("2026-11-23T14:00:00Z"), ten + day) == moment("2026-11-23T20:00:00Z")
    assert calendar.opens("production", moment("2026-11-23T14:00:00Z"), moment("2026-11-23T20:00:00Z")) is None
    assert calendar.opens("production", ten, ten + 3600) is None
    assert calendar.opens("production", ten, ten + day, break_glass=True) == ten
    assert calendar.opens("production", moment("2026-11-24T00:00:00Z"), ten + 8 * day) == moment("2026-11-30T12:00:00Z")
    assert Calendar().opens("production", ten, 253_370_764_799) == ten


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"days": ("monday",)}, "day 'monday' of a window is none"),
        ({"days": ()}, "day '' of a window is none"),
        ({"days": ("mon", "mon")}, "twice"),
        ({"start": "24:00"}, "is none, allowed: HH:MM"),
        ({"start": "9:00"}, "time '9:00'"),
        ({"end": "24:01"}, "time '24:01'"),
        ({"end": "12:60"}, "time '12:60'"),
        ({"zone": "Europe/Atlantis"}, "zone 'Europe/Atlantis' is not known here"),
        ({"zone": "../../etc/passwd"}, "is not known here"),
        ({"zone": ""}, "zone '' is not known here"),
    ],
)
def test_what_is_no_window_is_refused(changes: dict[str, Any], reason: str) -> None:
    good: dict[str, Any] = {"days": ("mon",), "start": "09:00", "end": "12:00"}
    with pytest.raises(DecisionError, match=reason):
        Window(**{**good, **changes})


def test_what_is_no_freeze_or_too_much_is_refused() -> None:
    with pytest.raises(DecisionError, match="allowed: after its start"):
        Freeze(10, 10, "never")
    with pytest.raises(DecisionError, match="reason of a freeze has 0 characters"):
        Freeze(10, 11, "")
    with pytest.raises(DecisionError, match="more than 200"):
        Calendar(freezes=tuple(Freeze(n, n + 1, "x") for n in range(201)))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
def test_the_first_time_shown_is_what_walking_through_the_day_finds(zone: str) -> None:
    place = timezone.utc if zone == "UTC" else ZoneInfo(zone)
    for day in (
        date(2026, 3, 29),
        date(2026, 10, 25),
        date(2026, 3, 8),
        date(2026, 11, 1),
        date(2026, 4, 5),
        date(2026, 10, 4),
    ):
        for clock in ("00:00", "01:30", "02:00", "02:15", "02:30", "03:00", "24:00"):
            shown = datetime(day.year, day.month, day.day) + timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))  # noqa: DTZ001 - a clock on a wall
            start = round((shown - timedelta(hours=16)).replace(tzinfo=timezone.utc).timestamp())
            walked = next(
                time
                for time in range(start, start + 40 * 3600, 300)
                if datetime.fromtimestamp(time, place).replace(tzinfo=None) >= shown
            )
            assert first_shown(day, clock, place) == walked, (zone, day, clock)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(moment("2026-01-01T00:00:00Z"), moment("2027-12-31T00:00:00Z")),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sets(st.sampled_from(DAYS), min_size=1),
)
def test_it_opens_when_it_says_and_not_before(time: int, start: int, end: int, days: set[str]) -> None:
    window = Window(
        tuple(sorted(days)), f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}", "Europe/Berlin"
    )
    calendar, until = Calendar((window,)), time + 9 * 86_400
    found = calendar.opens("production", time, until)
    if found is None:  # a window a week, and that one skipped
        assert calendar.closed("production", time)
        return
    assert not calendar.closed("production", found)
    assert all(calendar.closed("production", each) for each in range(time, found, 1800))
    assert found == time or calendar.closed("production", found - 1)
