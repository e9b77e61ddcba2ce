"""What the intake takes, from whom, and what it says of it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.handlers import approval_intake
from tests.handlers.approval import fakes
from tests.handlers.approval.works import CALLS, RITA, RUN, Works, big_calls

if TYPE_CHECKING:
    from pathlib import Path

CHANGE_SET = "arn:aws:cloudformation:eu-central-1:222222222222:changeSet/change-1/11111111-2222-3333-4444-555555555555"
OTHER_RUN = "run-01HYYYYYYYYYYYYYYYYYYYYYYY"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def body(**changes: Any) -> dict[str, Any]:
    return {"environment": "sandbox", "form": "api-calls", "data": CALLS, **changes}


def test_a_plan_is_taken_in_with_who_is_behind_it(works: Works) -> None:
    answer = works.request("POST", "/approvals", body())
    assert answer["statusCode"] == 202
    said = json.loads(answer["body"])
    approval = said["approval"]
    assert said == {
        "approval": approval,
        "state": "received",
        "url": f"https://approvals.example.com/#/approvals/{approval}",
    }
    asked = json.loads(works.stepfunctions.executions[approval])
    assert asked["requester"] == {"agent": "release-bot", "run": RUN, "person": RITA, "owner": "owen@example.com"}
    assert (asked["ticket"], asked["environment"], asked["account"]) == ("OPS-1", "sandbox", "222222222222")
    assert (asked["region"], asked["form"], asked["changeSet"]) == ("eu-central-1", "api-calls", None)
    assert asked["source"]["key"] == f"plans/release-bot/{approval}/submitted.json"
    assert "CreateQueue" not in works.stepfunctions.executions[approval]  # the plan itself stays in the bucket
    row = works.place.index.get(approval)
    assert row is not None
    assert (row.state, row.is_open, row.agent) == ("received", True, "release-bot")


def test_a_change_set_is_taken_in_by_its_arn(works: Works) -> None:
    wish = {"environment": "sandbox", "form": "cloudformation-change-set", "changeSet": CHANGE_SET}
    answer = works.request("POST", "/approvals", wish)
    asked = json.loads(works.stepfunctions.executions[json.loads(answer["body"])["approval"]])
    assert (asked["changeSet"], asked["source"]) == (CHANGE_SET, None)


def test_proposing_again_gives_the_same_approval(works: Works) -> None:
    first = works.request("POST", "/approvals", body(token="attempt-1"))
    again = works.request("POST", "/approvals", body(token="attempt-1"))
    assert first == again
    assert len(works.stepfunctions.executions) == 1
    other = works.request("POST", "/approvals", body(token="attempt-1", data=big_calls(2)))
    assert other["statusCode"] == 409
    works.begin_run(OTHER_RUN)
    assert works.request("POST", "/approvals", body(token="attempt-1"), run=OTHER_RUN) != first
    assert len(works.stepfunctions.executions) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_a_crash_loses_nothing_that_is_asked_for_again(tmp_path: Path, at: int, when: str) -> None:
    works = Works(tmp_path)
    works.faults.at = (at, when)
    with pytest.raises(fakes.Crash):
        works.request("POST", "/approvals", body(token="attempt-1"))
    works.faults.at = None
    answer = works.request("POST", "/approvals", body(token="attempt-1"))
    assert answer["statusCode"] == 202
    assert list(works.stepfunctions.executions) == [json.loads(answer["body"])["approval"]]
    assert works.classify(json.loads(answer["body"])["approval"])["next"] == "people"


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ([], "must be an object"),
        ("{", "not JSON"),
        ('{"form": "a", "form": "b"}', "twice"),
        (body(surprise=1), "'surprise', allowed are"),
        (body(environment="elsewhere"), "allowed: sandbox, production"),
        (body(environment="production"), "region 'None' is none of 'production'"),
        (body(account="999999999999"), "account '999999999999'"),
        (body(form="cloudformation-template"), "form 'cloudformation-template' is not taken"),
        (body(form=[]), "is not taken"),
        (body(data="rm -rf"), "cannot be read"),
        (body(data=[{"service": "sqs"}]), "cannot be read"),
        (body(known={"properties": {}}), "known must be an object of"),
        (body(known={"versions": {"s3://b/k": "v"}}), "known must be an object of"),
        (body(token="x"), "token must have"),
        (body(changeSet=CHANGE_SET), "takes the plan as data"),
        ({"environment": "sandbox", "form": "cloudformation-change-set", "changeSet": "mine"}, "changeSet must be"),
        (
            {
                "environment": "sandbox",
                "form": "cloudformation-change-set",
                "changeSet": CHANGE_SET.replace("222222222222", "333333333333"),
            },
            "changeSet must be",
        ),
    ],
)
def test_what_is_no_proposal_is_refused_and_recorded(works: Works, wish: object, reason: str) -> None:
    answer = works.request("POST", "/approvals", wish)
    assert answer["statusCode"] == 400
    assert reason in json.loads(answer["body"])["error"]
    assert works.stepfunctions.executions == {}
    (record,) = works.place.evidence.records(f"intake/{RUN}")
    assert record.kind == "refused"
    assert reason[:20] in record.body["reason"]


@pytest.mark.parametrize(
    "role",
    [
        "mcp-guardrails-release-bot-read",
        "mcp-guardrails-release-bot-apply",
        "mcp-guardrails-other-bot-plan",
        "release-bot-plan",
        "Admin",
    ],
)
def test_none_but_a_plan_session_of_a_known_agent_is_heard(works: Works, role: str) -> None:
    assert works.request("POST", "/approvals", body(), role=role)["statusCode"] == 403
    assert works.stepfunctions.executions == {}


@pytest.mark.parametrize(
    "run",
    [
        {"agent": "other-bot"},
        {"capability": "read"},
        {"caller": "arn:aws:sts::111111111111:assumed-role/agent-host/i-1"},
    ],
)
def test_a_run_that_is_not_its_own_or_nobodys_is_refused(works: Works, run: dict[str, str]) -> None:
    works.begin_run(RUN, **run)
    answer = works.request("POST", "/approvals", body())
    assert answer["statusCode"] == 403
    assert works.stepfunctions.executions == {}


def test_a_run_that_ended_or_is_not_known_is_refused(works: Works) -> None:
    assert works.request("POST", "/approvals", body(), run=OTHER_RUN)["statusCode"] == 403
    works.time += 3_601
    answer = works.request("POST", "/approvals", body())
    assert (answer["statusCode"], "ended 2026-11-23" in answer["body"]) == (403, True)


@pytest.mark.parametrize("context", [None, {}, {"authorizer": None}, {"authorizer": {"iam": None}}])
def test_the_unauthenticated_are_refused(works: Works, context: object) -> None:
    event = {"requestContext": context, "rawPath": "/approvals", "body": "{}"}
    assert approval_intake.handler(event, None, works.place)["statusCode"] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/approvals"),
        ("DELETE", "/approvals"),
        ("POST", "/"),
        ("POST", "/approvals/apr-1"),
        ("GET", "/approvals/apr-01HZZZZZZZZZZZZZZZZZZZZZZZ/withdraw"),
        ("POST", "/approvals/apr-01HZZZZZZZZZZZZZZZZZZZZZZZ/approve"),
    ],
)
def test_there_are_no_other_paths(works: Works, method: str, path: str) -> None:
    assert works.request(method, path, body())["statusCode"] == 404


def test_refusals_of_a_run_are_recorded_up_to_a_number(works: Works) -> None:
    for _ in range(104):
        works.request("GET", "/nowhere")
    assert len(works.place.evidence.records(f"intake/{RUN}")) == 100


def test_an_agent_is_told_where_its_approval_stands(works: Works) -> None:
    approval = works.propose()
    first = works.request("GET", f"/approvals/{approval}")
    assert json.loads(first["body"])["state"] == "received"
    works.classify(approval)
    said = json.loads(works.request("GET", f"/approvals/{approval}")["body"])
    assert (said["state"], said["risk"], said["expires"]) == ("pending", "R1", "2026-11-23T14:00:00Z")
    assert works.kinds(approval) == ["request"]
    works.decide(approval, "alice")
    said = json.loads(works.request("GET", f"/approvals/{approval}")["body"])
    assert said["state"] == "approved"
    assert "alice" not in json.dumps(said)
    works.decide(approval, "dave", Verdict.REFUSE)
    said = json.loads(works.request("GET", f"/approvals/{approval}")["body"])
    assert (said["state"], said["because"]) == ("refused", "people refused it")
    assert "dave" not in json.dumps(said)
    assert works.request("GET", "/approvals/apr-01HZZZZZZZZZZZZZZZZZZZZZZZ")["statusCode"] == 404


def test_the_run_that_asked_takes_it_back_once(works: Works) -> None:
    approval = works.propose()
    path = f"/approvals/{approval}/withdraw"
    assert works.request("POST", path, {"reason": "wrong"})["statusCode"] == 409
    works.classify(approval)
    works.begin_run(OTHER_RUN)
    assert works.request("POST", path, {"reason": "mine now"}, run=OTHER_RUN)["statusCode"] == 403
    assert works.request("POST", path, {"why": "x"})["statusCode"] == 400
    for _ in range(2):
        answer = works.request("POST", path, {"reason": "wrong stack"})
        assert json.loads(answer["body"])["state"] == "withdrawn"
    assert works.kinds(approval) == ["request", "withdrawal"]
    assert works.recheck(approval)["next"] == "ended"


def test_a_plan_of_five_megabytes_is_taken_in(works: Works) -> None:
    data = big_calls(50, 100_000)
    text = base64.b64encode(json.dumps(body(data=data)).encode()).decode()
    assert 5_000_000 < len(json.dumps(data)) < approval_intake.MAX_BODY
    event = {
        "requestContext": {
            "authorizer": {
                "iam": {"userArn": f"arn:aws:sts::111111111111:assumed-role/mcp-guardrails-release-bot-plan/{RUN}"}
            },
            "http": {"method": "POST"},
        },
        "rawPath": "/approvals",
        "body": text,
        "isBase64Encoded": True,
    }
    answer = approval_intake.handler(event, None, works.place)
    assert answer["statusCode"] == 202
    assert works.classify(json.loads(answer["body"])["approval"])["risk"] == "R2"


def test_a_body_is_bounded(works: Works) -> None:
    assert works.request("POST", "/approvals", "x" * (approval_intake.MAX_BODY + 1))["statusCode"] == 413
