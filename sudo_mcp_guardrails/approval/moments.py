"""Times: whole seconds since 1970 inside, ``2026-11-23T10:00:05Z`` in documents."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Annotated, Final

from sudo_mcp_guardrails.approval.errors import DecisionError

LAST: Final = 253_370_764_799
"""End of the year 9998, so that in every zone there is a day after it."""
Time = Annotated[int, "time"]
"""A moment: seconds since 1970, UTC, from 0 to :data:`LAST`; written as text in documents."""
_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def moment(text: str) -> int:
    """Read a time.

    Args:
        text: UTC, such as ``2026-11-23T10:00:05Z``, and no other form: one moment has one text.

    Raises:
        DecisionError: it is none, or before 1970.
    """
    try:
        # The pattern, since strptime also takes fewer digits.
        read = datetime.strptime(text if _WRITTEN.fullmatch(text) else "", "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=timezone.utc
        )
    except ValueError:
        raise DecisionError(f"time {text[:40]!r} is none, allowed: YYYY-MM-DDTHH:MM:SSZ") from None
    return check_time("time", round(read.timestamp()))


def written(time: int) -> str:
    """Return a time as documents have it."""
    return datetime.fromtimestamp(check_time("time", time), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_time(what: str, time: int) -> int:
    """Return a time that is one.

    Args:
        what: it is, for the error.
        time: seconds since 1970.

    Raises:
        DecisionError: it is no whole number, before 1970 or after 9998.
    """
    if type(time) is not int or not 0 <= time <= LAST:
        raise DecisionError(f"{what} {time!r} is no time, allowed: whole seconds from 0 to {LAST}")
    return time
