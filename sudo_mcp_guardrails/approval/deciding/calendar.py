"""When changes may be made: windows of the week, and freezes.

A calendar never stops a decision, only what carries it out. Clocks are those of the zone, by the IANA database of the
machine (``zoneinfo``). On a day whose clock jumps: a time that it shows twice is the first one, and a time that it
skips is the moment of the jump. So a window opens once a day and closes once; one that is skipped whole never opens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sudo_mcp_guardrails.approval.bounds import check_name, check_names
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time, written  # noqa: TC001 - the codec reads it at run time

if TYPE_CHECKING:
    from datetime import date, tzinfo

MAX_ENTRIES: Final = 200
"""Most windows, and most freezes."""
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_JUMP: Final = 36 * 3600
"""Seconds before a skipped time, at which a clock surely shows less: Samoa once skipped a whole day."""
_MOST_DAYS: Final = 400


@dataclass(frozen=True)
class Window:
    """A time of the week in which changes may be made.

    Attributes:
        days: that it begins on: ``mon`` to ``sun``.
        start: ``22:00``, by the zone's clock.
        end: ``02:00``; one that is not later than the start is on the next day. ``24:00`` is the end of the day.
        zone: such as ``Europe/Berlin``, or ``UTC``.
        environments: that it is for. Default: all.

    Raises:
        DecisionError: a day, a time or the zone is none.
    """

    days: tuple[str, ...]
    start: str
    end: str
    zone: str = "UTC"
    environments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        check_names("days", self.days)
        check_names("environments", self.environments)
        wrong = [day for day in self.days if day not in _DAYS]
        if wrong or not self.days:
            day = wrong[0][:20] if wrong else ""
            raise DecisionError(f"day {day!r} of a window is none, allowed are {', '.join(_DAYS)}")
        for time in (self.start, self.end):
            if not _CLOCK.fullmatch(time) or self.start == "24:00":
                raise DecisionError(f"time {time[:20]!r} of a window is none, allowed: HH:MM, and 24:00 as an end")
        _zone(self.zone)

    def on(self, day: date) -> tuple[int, int] | None:
        """Return when it opens and closes, where it begins on a day; None where it does not, or is skipped whole."""
        if _DAYS[day.weekday()] not in self.days:
            return None
        zone = _zone(self.zone)
        last = day + timedelta(days=1) if self.end <= self.start else day
        opens, closes = first_shown(day, self.start, zone), first_shown(last, self.end, zone)
        return (opens, closes) if opens < closes else None


@dataclass(frozen=True)
class Freeze:
    """A time in which no changes are made.

    Attributes:
        start: when it begins.
        end: when it ends.
        reason: such as ``quarter's end``.
        environments: that it is for. Default: all.
        break_glass: whether an approval by break-glass is carried out in it.

    Raises:
        DecisionError: it ends before it begins, or a value is out of bounds.
    """

    start: Time
    end: Time
    reason: str
    environments: tuple[str, ...] = ()
    break_glass: bool = True

    def __post_init__(self) -> None:
        """Validate."""
        check_time("start of a freeze", self.start)
        check_time("end of a freeze", self.end)
        check_name("reason of a freeze", self.reason)
        check_names("environments", self.environments)
        if self.end <= self.start:
            raise DecisionError(f"freeze {self.reason!r} ends {written(self.end)}, allowed: after its start")


@dataclass(frozen=True)
class Calendar:
    """Windows and freezes.

    Attributes:
        windows: in which changes may be made. Default: at any time. An environment that has none of its own is open.
        freezes: in which they may not, whatever the windows say.

    Raises:
        DecisionError: there are too many.
    """

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        if max(len(self.windows), len(self.freezes)) > MAX_ENTRIES:
            raise DecisionError(f"the calendar has more than {MAX_ENTRIES} windows or freezes")

    def closed(self, environment: str, time: int, *, break_glass: bool = False) -> str:
        """Return why no change may be made in an environment at a time; empty where it may.

        Args:
            environment: name of it.
            time: the moment.
            break_glass: whether it is approved by break-glass: windows do not count then, nor most freezes.
        """
        for freeze in self.freezes:
            passed = break_glass and freeze.break_glass
            if freeze.start <= time < freeze.end and _covers(freeze, environment) and not passed:
                return f"freeze until {written(freeze.end)}: {freeze.reason}"
        windows = [window for window in self.windows if _covers(window, environment)]
        if windows and not break_glass and not any(_open(window, time) for window in windows):
            return "outside of the change windows"
        return ""

    def opens(self, environment: str, time: int, until: int, *, break_glass: bool = False) -> int | None:
        """Return when changes may next be made, ``time`` itself where they may; None where not before ``until``.

        Args:
            environment: name of it.
            time: from when.
            until: an approval ends after hours, so nobody asks for more than some days.
            break_glass: as for :meth:`closed`.
        """
        moments = {time, *(freeze.end for freeze in self.freezes)}
        for window in self.windows:
            local = datetime.fromtimestamp(time, _zone(window.zone)).date()
            days = min((until - time) // 86_400, _MOST_DAYS) + 2
            openings = (window.on(local + timedelta(days=day)) for day in range(-1, days))
            moments.update(opening[0] for opening in openings if opening)
        later = sorted(moment for moment in moments if time <= moment < until)
        return next((each for each in later if not self.closed(environment, each, break_glass=break_glass)), None)


def first_shown(day: date, time: str, zone: tzinfo) -> int:
    """Return the first moment at which the clock of a zone shows a time of a day, or a later one.

    Args:
        day: of the zone.
        time: ``HH:MM``; ``24:00`` is the end of the day.
        zone: the zone.
    """
    shown = datetime(day.year, day.month, day.day) + timedelta(hours=int(time[:2]), minutes=int(time[3:]))  # noqa: DTZ001
    moment = round(shown.replace(tzinfo=zone).timestamp())
    if datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == shown:
        return moment  # of two, that of fold 0, which is the first
    low, high = moment - _LONGEST_JUMP, moment
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) >= shown:
            high = middle
        else:
            low = middle
    return high


def _open(window: Window, time: int) -> bool:
    local = datetime.fromtimestamp(time, _zone(window.zone)).date()
    openings = (window.on(local - timedelta(days=back)) for back in (0, 1))
    return any(opening is not None and opening[0] <= time < opening[1] for opening in openings)


def _covers(entry: Window | Freeze, environment: str) -> bool:
    return not entry.environments or environment in entry.environments


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """Return a zone; UTC needs no database, which a small machine may lack."""
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        allowed = "UTC, and names of the machine's IANA database"
        raise DecisionError(f"zone {name[:80]!r} is not known here, allowed: {allowed}") from None
