"""The session broker with a kill switch: whom it refuses, and that it refuses everybody where it cannot read."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers import session_broker as broker
from sudo_mcp_guardrails.state.kill_switch import Switch
from sudo_mcp_guardrails.state.targets import Target
from tests.handlers.approval.fakes import aws_error
from tests.handlers.test_session_broker import HOST, ask, environment, event, sts

if TYPE_CHECKING:
    from tests.handlers.test_session_broker import FakeSts

__all__ = ["environment", "sts"]
TABLE = "mcp-guardrails-kill-switch"


class FakeSwitch:
    """DynamoDB with the switch's items, or an error."""

    def __init__(self, *targets: Target, error: Exception | None = None) -> None:
        self.items = [
            Switch(target, "K1", "a test", HOST, 1_790_000_000, "INC-1").item("mcp-guardrails") for target in targets
        ]
        self.error = error
        self.asked = 0

    def query(self, **call: Any) -> dict[str, Any]:
        assert (call["TableName"], call["ConsistentRead"]) == (TABLE, True)
        self.asked += 1
        if self.error is not None:
            raise self.error
        return {"Items": self.items}


def asked(sts_: FakeSts, switch: FakeSwitch) -> tuple[int, dict[str, Any]]:
    answer = broker.handler(event(), None, sts_, switch)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture(autouse=True)
def switched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILL_SWITCH_TABLE", TABLE)


@pytest.mark.parametrize("target", [Target.agent("release-bot"), Target.of_class("release-*"), Target.everyone()])
def test_a_contained_agent_gets_no_session_and_is_not_told_why(
    sts: FakeSts, target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    status, body = asked(sts, FakeSwitch(target))
    assert (status, body) == (403, {"error": "agent 'release-bot' gets no session now"})
    assert sts.calls == []
    assert "INC-1" in caplog.text


def test_another_agents_containment_is_none_of_its(sts: FakeSts) -> None:
    assert asked(sts, FakeSwitch(Target.agent("data-bot")))[0] == 200


def test_the_switch_is_read_for_each_session(sts: FakeSts) -> None:
    switch = FakeSwitch()
    for count in (1, 2):
        assert asked(sts, switch)[0] == 200
        assert switch.asked == count


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ThrottlingException"])
def test_nobody_gets_a_session_where_the_switch_cannot_be_read(sts: FakeSts, code: str) -> None:
    assert asked(sts, FakeSwitch(error=aws_error(code)))[0] == 403
    assert sts.calls == []


def test_an_item_that_is_not_understood_stops_everybody(sts: FakeSts) -> None:
    switch = FakeSwitch(Target.agent("data-bot"))
    switch.items[0]["level"] = {"S": "K9"}
    assert asked(sts, switch)[0] == 403


def test_a_table_without_a_name_stops_everybody(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILL_SWITCH_TABLE", "")
    assert asked(sts, FakeSwitch())[0] == 403


def test_without_a_switch_none_is_read(sts: FakeSts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILL_SWITCH_TABLE")
    assert ask(sts)[0] == 200
