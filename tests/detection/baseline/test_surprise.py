from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.detection.baseline import Baselines
from sudo_mcp_guardrails.detection.baseline import surprise as module
from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.learning import Learning
from sudo_mcp_guardrails.detection.baseline.surprise import FIRST_CALLS, Surprise
from sudo_mcp_guardrails.detection.rule import Source
from tests.detection.baseline.made import DAY, USUAL, look, made, work

if TYPE_CHECKING:
    import pytest

    from sudo_mcp_guardrails.detection.detector import Layer

STRANGE = ("iam:CreateUser", "ec2:AuthorizeSecurityGroupIngress", "iam:AttachUserPolicy")


def _taught(runs: int = 3) -> tuple[Baselines, list[Layer]]:
    baselines = Baselines()
    layers: list[Layer] = [Surprise(baselines), Learning(baselines)]
    assert work(baselines, layers, range(20), runs=runs) == []
    return baselines, layers


def _session(layers: list[Layer], actions: list[str], run: str = "run-x", day: int = 20) -> list[str]:
    alerts = [
        alert
        for place, action in enumerate(actions)
        for alert in look(layers, made(action, day, run=run, time=f"12:{place // 60:02}:{place % 60:02}"))
    ]
    return [alert.sentence for alert in alerts]


def test_a_session_of_unlikely_calls_is_said_once_with_counts() -> None:
    _, layers = _taught()
    (sentence,) = _session(layers, ["s3:GetObject"] * 10 + list(STRANGE) * 4)
    assert sentence.startswith("bot (task read): a mean of ")
    assert "over the session's last 11 calls, of its 47 own sessions 99.5 % stay below 2.5" in sentence
    assert "1 times: iam:CreateUser: 0 of 1,560 by this agent, 0 of 0 by peers, 0 of 0 by other agents" in sentence


def test_usual_sessions_and_a_single_strange_call_are_silent() -> None:
    _, layers = _taught()
    assert _session(layers, list(USUAL) * 12) == []
    assert _session(layers, [*USUAL * 4, STRANGE[0], *USUAL * 4], "run-y") == []


def test_the_end_of_a_long_session_is_not_drowned_by_its_beginning() -> None:
    _, layers = _taught()
    assert len(_session(layers, [*list(USUAL) * 100, *STRANGE * 3])) == 1


def test_few_calls_say_nothing() -> None:
    _, layers = _taught()
    assert _session(layers, list(STRANGE)[:1] * (FIRST_CALLS - 1)) == []
    assert len(_session(layers, list(STRANGE)[:1] * FIRST_CALLS, "run-y")) == 1


def test_a_call_that_comes_again_is_one_call() -> None:
    _, layers = _taught()
    event = made("iam:CreateUser", 20, run="run-y")
    again = [event._replace() for _ in range(3 * FIRST_CALLS)]  # as a batch that is read anew
    assert [alert for one in again for alert in look(layers, one)] == []


def test_one_call_adds_20_bits_at_most_and_leaves_with_as_many() -> None:
    session = module._Session()
    for _ in range(4):
        assert session.add(2 * BIT, "a") is None
    assert session.add(60 * BIT, "b") == 28 * BIT // 5
    for _ in range(module.LAST_CALLS - 1):
        assert session.add(2 * BIT, "a") != 2 * BIT
    assert session.add(2 * BIT, "a") == 2 * BIT


def test_nothing_is_said_before_there_are_20_sessions() -> None:
    _, layers = _taught(runs=1)
    assert _session(layers, list(STRANGE) * 4, "run-y") == []


def test_what_peers_do_is_less_surprising() -> None:
    found = []
    for peers in (0, 4):
        baselines, layers = _taught()
        for number in range(peers):
            work(baselines, layers, range(12, 20), STRANGE, agent=f"peer-{number}")
        found.append(baselines.bits("bot", "read", DAY + 20, STRANGE[0]))
    assert found[0] > found[1] + 8 * BIT


def test_sessions_that_were_surprising_do_not_raise_what_is_allowed() -> None:
    baselines, layers = _taught()
    limit = baselines.view("bot", "read", DAY + 20).threshold
    sessions = baselines.view("bot", "read", DAY + 20).sessions
    for number in range(30):
        run = f"run-teach-{number}"
        assert len(_session(layers, ["iam:CreateUser"] * 8, run, 20)) == 1
        baselines.learn(run, clean=True)
    view = baselines.view("bot", "read", DAY + 20)
    assert view.sessions == sessions + 30
    assert view.threshold == limit


def test_sessions_without_an_id_are_left_alone_and_a_session_key_serves_as_well() -> None:
    _, layers = _taught()
    events = [made("iam:CreateUser", 20, run=None, time=f"12:00:{place:02}") for place in range(10)]
    assert [alert for event in events for alert in look(layers, event)] == []
    events = [made("iam:CreateUser", 20, run=None, session="ASIA1", time=f"12:00:{place:02}") for place in range(10)]
    (alert,) = [alert for event in events for alert in look(layers, event)]
    assert alert.source is Source.SURPRISE
    assert alert.group == ("bot", "ASIA1", "read")


def test_sessions_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 5)
    layer = Surprise(Baselines())
    for number in range(20):
        look([layer], made("s3:GetObject", run=f"run-{number}"))
    assert len(layer._sessions) == 5


def test_refused_calls_are_surprising_though_the_action_is_usual() -> None:
    _, layers = _taught()
    alerts = [
        alert
        for place in range(12)
        for alert in look(layers, made("s3:GetObject", 20, run="r", time=f"12:00:{place:02}", errorCode="AccessDenied"))
    ]
    assert len(alerts) == 1
    assert "s3:GetObject (refused): 0 of 1,560 by this agent" in alerts[0].sentence
