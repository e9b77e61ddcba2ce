"""The kill switch's readings: what is missing, old or strange counts as thrown."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.deciding.containment import Containment, never, read_file
from sudo_mcp_guardrails.state.kill_switch import KillSwitch
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"target": Target.agent("bot").key, "level": "K2", "reason": "drill", "by": "soc", "at": 1, "incident": "i-1"}


def test_before_the_first_reading_nothing_passes() -> None:
    """A guard that has just started denies."""
    assert not Containment(never).allows("bot").allowed


def test_a_reading_ages_from_when_it_began() -> None:
    """One that took long is as old as its beginning."""
    now = [0.0]

    def slow() -> KillSwitch:
        now[0] += 40
        return KillSwitch()

    found = Containment(slow, 60, lambda: now[0])
    found.refresh()
    now[0] = 60.0
    assert found.allows("bot").allowed
    now[0] = 60.1
    assert not found.allows("bot").allowed


def test_a_failed_reading_takes_the_last_one_back() -> None:
    """What can no longer be read is thrown at once."""
    answers: list[Any] = [KillSwitch(), OSError("gone")]

    def read() -> KillSwitch:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, KillSwitch)
        return found

    containment = Containment(read)
    containment.refresh()
    assert containment.allows("bot").allowed
    containment.refresh()
    assert not containment.allows("bot").allowed


def test_watching_reads_again() -> None:
    """A switch that is thrown later is seen without asking for it."""
    read = threading.Event()
    times: list[int] = []

    def reading() -> KillSwitch:
        times.append(1)
        if len(times) > 2:
            read.set()
        return KillSwitch()

    containment = Containment(reading)
    containment.watch(0.01)
    assert read.wait(10)
    containment.close()
    time.sleep(0.05)
    count = len(times)
    time.sleep(0.1)
    assert len(times) <= count + 1


def test_file(tmp_path: Path) -> None:
    """A file throws what it names."""
    path = tmp_path / "switch.json"
    path.write_text(json.dumps({"switches": [ITEM]}))
    found = read_file(path)
    assert not found.allows("bot").allowed
    assert found.allows("cat").allowed
    path.write_text(json.dumps({"switches": []}))
    assert read_file(path).allows("bot").allowed


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"switches": {}, "x": 1}',
        '{"switches": [1]}',
        '{"switches": null}',
        json.dumps({"switches": [{**ITEM, "level": "K9"}]}),
        json.dumps({"switches": [{**ITEM, "at": True}]}),
        json.dumps({"switches": [{**ITEM, "target": "nobody"}]}),
        json.dumps({"switches": [{**ITEM, "more": 1}]}),
        "[" * 100_000,
    ],
    ids=range(13),
)
def test_a_file_that_is_none_contains_everybody(text: str | None, tmp_path: Path) -> None:
    """Missing, malformed, or with anything strange in it."""
    path = tmp_path / "switch.json"
    if text is not None:
        path.write_text(text)
    assert not read_file(path).allows("cat").allowed
