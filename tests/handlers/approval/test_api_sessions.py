"""The page shows the sessions that the broker will make: the same policies, without what nobody is to see."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.session_policy import SESSION_POLICY_LIMIT
from sudo_mcp_guardrails.handlers import approval_api_sessions
from sudo_mcp_guardrails.handlers.approval_api_sessions import PARTS
from tests.handlers.approval.apis import Api
from tests.handlers.approval.test_broker import PROPOSALS, Scene
from tests.handlers.approval.works import SETTINGS, big_calls

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-${x}-in-the-plan"
ROLE = "arn:aws:iam::222222222222:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    approval_api_sessions._shown.clear()
    return Scene(tmp_path)


def shown(scene: Scene, approval: str, offset: int = 0, who: str = "alice") -> dict[str, Any]:
    status, body = Api(scene.works).get(who, f"/api/approvals/{approval}/sessions?offset={offset}")
    assert status == 200, body
    return body


@pytest.mark.parametrize("what", ["change set", "calls", "request"])
def test_what_is_shown_is_what_sts_gets(scene: Scene, what: str) -> None:
    approval = scene.approved(what)
    found = shown(scene, approval)
    assert (found["account"], found["region"], found["role"]) == ("222222222222", "eu-central-1", ROLE)
    assert (found["next"], found["why"], found["limit"]) == (None, "", SESSION_POLICY_LIMIT)
    assert scene.carried_out(approval)["outcome"] == "executed"
    digest = f"sha256-{scene.case(approval).request.plan_digest}"
    applied = [call for call in scene.target.assumed if {"Key": "plan-digest", "Value": digest} in call["Tags"]]
    assert {call["RoleArn"] for call in applied} == {ROLE}
    assert {call["Policy"] for call in applied} == {
        json.dumps(json.loads(one["policy"]), separators=(",", ":"), ensure_ascii=False) for one in found["sessions"]
    }
    assert [one["characters"] for one in found["sessions"]] == [len(applied[0]["Policy"])]


def test_a_plan_of_many_calls_is_shown_part_by_part(scene: Scene) -> None:
    approval = scene.asked("calls", data=big_calls(500))
    first = shown(scene, approval)
    assert ([one["number"] for one in first["sessions"]], first["next"]) == (list(range(1, PARTS + 1)), PARTS)
    numbers: list[int] = []
    changes = 0
    offset: int | None = 0
    while offset is not None:
        found = shown(scene, approval, offset)
        numbers += [one["number"] for one in found["sessions"]]
        changes += sum(len(one["changes"]) + one["moreChanges"] for one in found["sessions"])
        assert all(one["characters"] <= SESSION_POLICY_LIMIT for one in found["sessions"])
        offset = found["next"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (changes, len(numbers) > PARTS) == (500, True)
    # Another process knows nothing of what was shown before.
    approval_api_sessions._shown.clear()
    assert shown(scene, approval, PARTS)["sessions"][0]["number"] == PARTS + 1


def test_secrets_are_hidden_also_where_a_policy_compares_with_them(scene: Scene) -> None:
    call = {"service": "sqs", "operation": "CreateQueue"}
    parameters = {"QueueName": "release-bot-jobs", "tags": {"password": SECRET, "team": "sre"}}
    approval = scene.asked("calls", data=[{**call, "parameters": parameters}])
    (one,) = shown(scene, approval)["sessions"]
    assert "hunter2" not in json.dumps(one)
    assert "release-bot-jobs" in one["policy"]
    assert one["hidden"]


def test_what_cannot_be_carried_out_is_said(scene: Scene) -> None:
    approval = scene.asked("terraform")
    found = shown(scene, approval)
    assert (found["sessions"], found["role"]) == ([], "")
    assert "no project is set" in found["why"]
    scene.works.configure(
        replace(SETTINGS, policy=scene.works.settings.policy, terraform={"projects": {"release-bot": "apply"}})
    )
    (one,) = shown(scene, approval)["sessions"]
    assert "PLAN_FILE_SHA256" in one["policy"]


def test_who_may_not_see_the_approval_sees_no_session(scene: Scene) -> None:
    approval = scene.asked("calls")
    api = Api(scene.works)
    path = f"/api/approvals/{approval}/sessions"
    api.groups.of["alice"] = ()
    assert api.get("alice", path)[0] == 403
    assert api.get("bob", f"{path}?offset=1000")[0] == 400
    assert api.get("bob", f"{path}?offset=-1")[0] == 400
    assert api.get("bob", "/api/approvals/apr-unknown/sessions")[0] == 404


def test_what_is_shown_needs_no_credentials_of_the_apply_role(scene: Scene) -> None:
    approval = scene.asked("calls", data=PROPOSALS["calls"]["data"])
    before = len(scene.target.assumed)
    shown(scene, approval)
    assert len(scene.target.assumed) == before
