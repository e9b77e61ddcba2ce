"""The saved plan file of Terraform on its way in: what the intake takes, keeps and refuses."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.store import saved_plan
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from tests.approval.reading import samples
from tests.handlers.approval.fakes import FakeS3
from tests.handlers.approval.works import CALLS, Works

if TYPE_CHECKING:
    from pathlib import Path

SAVED = b"what terraform plan -out wrote"
AGENT = "release-bot"
DIGEST = hashlib.sha256(SAVED).hexdigest()


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def plan() -> dict[str, Any]:
    """A plan for the sandbox's account."""
    text = json.dumps(samples.terraform()).replace(samples.ACCOUNT, "222222222222")
    found: dict[str, Any] = json.loads(text)
    return found


def body(**changes: Any) -> dict[str, Any]:
    made = {"environment": "sandbox", "form": "terraform-plan", "data": plan(), "savedPlan": encoded(SAVED)}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def test_the_file_is_kept_under_its_hash_which_becomes_part_of_the_plan(works: Works) -> None:
    answer = works.request("POST", "/approvals", body(known={"target": "default", "artifact": DIGEST}))
    assert answer["statusCode"] == 202, answer["body"]
    approval = json.loads(answer["body"])["approval"]
    key = saved_plan.key_of(AGENT, approval, DIGEST)
    [(_, kept)] = works.s3.objects["bucket", key]
    assert kept == SAVED
    source = json.loads(works.stepfunctions.executions[approval])["source"]
    text = works.s3.get_object(Bucket="bucket", Key=source["key"], VersionId=source["version"])["Body"].read()
    assert Bundle.from_json(text).plan().artifact == DIGEST
    assert b"terraform plan -out" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"savedPlan": None}, "savedPlan must be base64"),
        ({"savedPlan": ""}, "allowed are 1 to"),
        ({"savedPlan": "no base64!"}, "is not base64"),
        ({"savedPlan": encoded(b"x" * (saved_plan.MAX_SAVED + 1))}, "savedPlan must be base64"),
        ({"savedPlan": encoded(b"x" * 3) * (saved_plan.MAX_SAVED // 3) + "===="}, "savedPlan must be base64"),
        ({"savedPlan": 7}, "savedPlan must be base64"),
        ({"known": {"artifact": "0" * 64}}, f"expected {DIGEST}"),
        ({"known": {"options": {"PlanKey": "mine"}}}, "PlanKey and PlanVersion are not taken"),
        ({"known": {"options": {"PlanVersion": "mine"}}}, "PlanKey and PlanVersion are not taken"),
        ({"form": "api-calls", "data": CALLS}, "takes no savedPlan"),
    ],
)
def test_what_is_no_saved_plan_is_refused(works: Works, changes: dict[str, Any], said: str) -> None:
    answer = works.request("POST", "/approvals", body(**changes))
    assert answer["statusCode"] == 400
    assert said in json.loads(answer["body"])["error"]
    assert works.s3.keys("bucket", "plans/") == []
    assert works.stepfunctions.executions == {}


def test_proposing_again_keeps_one_version_and_another_file_is_another_plan(works: Works) -> None:
    first = works.request("POST", "/approvals", body(token="saved-0001"))
    approval = json.loads(first["body"])["approval"]
    assert works.request("POST", "/approvals", body(token="saved-0001"))["statusCode"] == 202
    assert len(works.s3.objects["bucket", saved_plan.key_of(AGENT, approval, DIGEST)]) == 1
    other = works.request("POST", "/approvals", body(token="saved-0001", savedPlan=encoded(SAVED + b"!")))
    assert other["statusCode"] == 409
    assert [key for key in works.s3.keys("bucket", "plans/") if key.endswith(".tfplan")] == [
        saved_plan.key_of(AGENT, approval, DIGEST)
    ]


def test_after_a_crash_a_second_keeping_makes_no_second_version() -> None:
    s3 = FakeS3()
    for _ in range(2):
        saved_plan.keep(s3, "bucket", AGENT, "apr-1", SAVED)
    assert len(s3.objects["bucket", saved_plan.key_of(AGENT, "apr-1", DIGEST)]) == 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        None,
        {"PlanKey": saved_plan.key_of(AGENT, "apr-2", DIGEST), "PlanVersion": "v"},
        {"PlanKey": saved_plan.key_of("other-bot", "apr-1", DIGEST), "PlanVersion": "v"},
        {"PlanKey": saved_plan.key_of(AGENT, "apr-1", DIGEST)},
        {"PlanKey": "plans/elsewhere", "PlanVersion": "v"},
    ],
)
def test_a_plan_that_names_another_place_is_not_checked_there(options: object) -> None:
    s3 = FakeS3()
    for agent, approval in ((AGENT, "apr-1"), (AGENT, "apr-2"), ("other-bot", "apr-1")):
        saved_plan.keep(s3, "bucket", agent, approval, SAVED)
    with pytest.raises(PlanError, match=f"expected 'plans/{AGENT}/apr-1/"):
        saved_plan.check(s3, "bucket", AGENT, "apr-1", options, DIGEST)
