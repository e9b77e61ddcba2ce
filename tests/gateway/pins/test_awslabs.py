"""The real definitions of servers of AWS Labs, where they were collected (``python -m tests.gateway.pins.awslabs``)."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.call import Outcome, Session, ToolCall
from sudo_mcp_guardrails.gateway.pins.check import PinCheck
from sudo_mcp_guardrails.gateway.pins.lock import Lock, lock_of, server_pin
from sudo_mcp_guardrails.gateway.pins.pinning import findings_of
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, Snapshot
from tests.gateway.pins.awslabs import COLLECTED

if TYPE_CHECKING:
    from pathlib import Path

MOST_FALSE_ALARMS = 0.02
"""Part of the tools about which a rule for descriptions is wrong; docs/gateway-supply-chain.md has the figures."""


@pytest.fixture(scope="module")
def servers() -> dict[str, list[Snapshot]]:
    files = sorted(COLLECTED.glob("*.json"))
    if len(files) < 10:
        pytest.skip(f"{len(files)} of at least 10 servers collected; run python -m tests.gateway.pins.awslabs")
    return {file.stem: [_snapshot(each) for each in json.loads(file.read_text(encoding="utf-8"))] for file in files}


def _snapshot(document: dict[str, Any]) -> Snapshot:
    return Snapshot(document["era"], document["introduction"], document["lists"])


def test_nothing_is_blocked_and_nothing_is_lost(servers: dict[str, list[Snapshot]]) -> None:
    lock = Lock({name: server_pin({"command": [name]}, each, where=name) for name, each in servers.items()})
    check = PinCheck(lock_of(lock.text()))
    tools = 0
    for name, each in servers.items():
        for snapshot in each:
            session = Session("s", "agent")
            asked = snapshot.era if snapshot.era == ERAS[0] else ""
            assert check.introduced(session, name, copy.deepcopy(snapshot.introduction), asked=asked) == Outcome()
            for kind, items in snapshot.lists.items():
                came = copy.deepcopy(items)
                assert check.offered(session, name, kind, came) == items
            for tool in snapshot.lists["tools"]:
                tools += 1
                assert check.before(session, ToolCall(name, tool["name"], {}, tool)) == Outcome()
            assert check.changes(session) == ()
    assert tools > 100


def test_the_lock_file_reads_back(servers: dict[str, list[Snapshot]], tmp_path: Path) -> None:
    lock = Lock({name: server_pin({"command": [name]}, each, where=name) for name, each in servers.items()})
    (tmp_path / "lock").write_text(lock.text(), encoding="utf-8")
    assert lock_of((tmp_path / "lock").read_bytes()).text() == lock.text()


def test_false_alarms_are_few(servers: dict[str, list[Snapshot]]) -> None:
    lock = Lock({name: server_pin({"command": [name]}, each, where=name) for name, each in servers.items()})
    tools = sum(len(pin.lists["tools"]) for pin in lock.servers.values())
    flagged = {(each.server, each.item) for each in findings_of(lock)}
    assert len(flagged) <= MOST_FALSE_ALARMS * tools, flagged
