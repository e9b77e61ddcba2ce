"""The approval workflow with a kill switch: a contained agent proposes nothing, and nothing of its is carried out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.state.kill_switch import Switch
from sudo_mcp_guardrails.state.targets import Target
from tests.handlers.approval import fakes, works
from tests.handlers.approval.test_broker import PROPOSALS, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.approval.evidence import Record

TABLE = "kill-switch"
BOT = Target.agent("release-bot")


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setitem(fakes.TABLES, TABLE, ("switch", "target"))
    monkeypatch.setitem(works.ENVIRON, "KILL_SWITCH_TABLE", TABLE)
    made = Scene(tmp_path)
    made.works.dynamodb.tables[TABLE] = {}
    return made


def throw(scene: Scene, target: Target = BOT) -> None:
    item = Switch(target, "K1", "a test", "arn:aws:iam::111111111111:user/Rita", 1, "INC-1").item("mcp-guardrails")
    scene.works.dynamodb.put_item(TableName=TABLE, Item=item)


def propose(scene: Scene) -> tuple[int, str]:
    answer = scene.works.request("POST", "/approvals", {"environment": "sandbox", **PROPOSALS["calls"]})
    return answer["statusCode"], str(json.loads(answer["body"]).get("error", ""))


def test_a_contained_agent_proposes_nothing_until_it_is_restored(scene: Scene) -> None:
    throw(scene)
    assert propose(scene) == (403, "agent 'release-bot' proposes nothing now")
    scene.works.dynamodb.tables[TABLE].clear()
    assert propose(scene) == (202, "")


@pytest.mark.parametrize("target", [BOT, Target.of_class("release-*"), Target.everyone()])
@pytest.mark.parametrize("what", ["change set", "calls", "request"])
def test_what_was_approved_before_is_not_carried_out(scene: Scene, what: str, target: Target) -> None:
    approval = scene.approved(what)
    throw(scene, target)
    answer = scene.carried_out(approval)
    assert answer["refused"]
    assert "the kill switch stops agent 'release-bot'" in answer["because"]
    assert scene.target.ran == []
    assert "execution" not in scene.kinds(approval)
    assert "apply-refused" in scene.kinds(approval)


def test_an_execution_stops_where_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thrown between the claim and the first call: the session is not opened, and the end is on record as one."""
    approval = scene.approved("calls")
    thrown: list[bool] = []
    append_if = EvidenceStore.append_if

    def claimed(store: EvidenceStore, chain: str, last: Record | None, kind: str, *more: Any) -> Record:
        made = append_if(store, chain, last, kind, *more)
        if kind == "execution":
            throw(scene)
            thrown.append(True)
        return made

    monkeypatch.setattr(EvidenceStore, "append_if", claimed)
    answer = scene.apply(approval)
    assert thrown
    assert (answer["running"], answer["outcome"]) == (False, "failed")
    assert "the kill switch stops agent 'release-bot'" in answer["detail"]
    assert scene.target.ran == []


def test_another_agents_containment_stops_nothing(scene: Scene) -> None:
    throw(scene, Target.agent("cost-bot"))
    approval = scene.approved("calls")
    assert scene.carried_out(approval)["outcome"] == "executed"


@pytest.mark.parametrize("table", ["", "another-table"])
def test_nobody_proposes_and_nothing_is_carried_out_where_it_cannot_be_read(scene: Scene, table: str) -> None:
    approval = scene.approved("calls")
    scene.works.environ = {**scene.works.environ, "KILL_SWITCH_TABLE": table}
    assert scene.carried_out(approval)["refused"]
    assert propose(scene)[0] == 403
    assert scene.target.ran == []
