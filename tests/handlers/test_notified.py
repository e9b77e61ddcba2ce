"""In which order what messages tell of is read."""

from __future__ import annotations

import json

from sudo_mcp_guardrails.handlers.notifications import Notification
from sudo_mcp_guardrails.handlers.notified import NotifiedFiles


def event(time: str, name: str) -> bytes:
    return json.dumps({"eventTime": time, "eventName": name}).encode()


def test_events_come_in_the_order_of_their_time() -> None:
    minted = event("2026-11-23T10:00:00Z", "AssumeRole")
    calls = [event(f"2026-11-23T10:00:{second:02}Z", "GetObject") for second in range(1, 20)]
    files = NotifiedFiles([Notification(events=tuple(reversed([minted, *calls])))], None, max_bytes=1)
    assert [files.read(file) for file in files.files()] == [minted, *calls]


def test_an_event_without_a_time_is_read_too() -> None:
    timeless, timed = b'{"eventName": "x"}', event("2026-11-23T10:00:00Z", "y")
    files = NotifiedFiles([Notification(events=(timed, timeless, timed))], None, max_bytes=1)
    assert [files.read(file) for file in files.files()] == [timeless, timed]
