"""CloudTrail's times as seconds."""

from __future__ import annotations

from calendar import timegm
from datetime import datetime, timezone


def seconds_of(text: str | None) -> int | None:
    """Return seconds since 1970 of ``2026-11-23T10:00:05Z``; None for what is no such time.

    The trail's reader has checked the form of every ``eventTime`` that it hands on.
    """
    if text is None:
        return None
    try:
        return timegm(
            (int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13]), int(text[14:16]), int(text[17:19]))
        )
    except (ValueError, TypeError):
        return None


def text_of(seconds: int) -> str:
    """Return ``2026-11-23T10:00:05Z`` of seconds since 1970; the number itself where the calendar has no such time."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
