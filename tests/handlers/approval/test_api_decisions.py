"""Who may decide by the API, what is recorded, and what the workflow is told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.authentication.freshness import Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import Person
from tests.approval.made import IDP, POLICY
from tests.handlers.approval import fakes
from tests.handlers.approval.apis import Api
from tests.handlers.approval.works import CALLS, Works, with_policy

if TYPE_CHECKING:
    from pathlib import Path

ROOT_CHANGE = [
    {
        "service": "iam",
        "operation": "AttachRolePolicy",
        "parameters": {"RoleName": "release-bot-x", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    }
]


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(Works(tmp_path))


@pytest.fixture
def approval(api: Api) -> str:
    return api.works.submitted(environment="production", account="333333333333", region="eu-central-1")


def test_an_approval_shows_what_is_asked_and_gives_a_token_that_is_on_record(api: Api, approval: str) -> None:
    seen = api.seen("alice", approval)
    assert seen["status"]["state"] == "pending"
    assert seen["you"] == {
        "identity": f"{IDP}#alice",
        "requester": False,
        "mayDecide": True,
        "mayBreakGlass": False,
        "factors": ["jwt"],
    }
    assert seen["changes"]["items"][0]["rows"][0] == {
        "path": ["QueueName"],
        "what": "added",
        "before": None,
        "after": "release-bot-jobs",
        "hidden": False,
        "cut": 0,
    }
    view = api.works.case(approval).of_kind("view")[0]
    assert seen["token"] not in json.dumps(view.document())
    assert view.key_id == fakes.DECISION_KEY


def test_an_approval_counts_wakes_the_workflow_and_passes_its_recheck(api: Api, approval: str) -> None:
    api.wait(approval)
    status, body = api.decide("alice", approval)
    assert (status, body["status"]["state"]) == (200, "approved")
    assert body["status"]["approvers"] == ["alice"]
    (told,) = api.waits.ended
    found = api.works.recheck(approval, told)
    assert (found["forged"], found["next"]) == (False, "apply")
    assert api.place.tokens.get(approval) is None


def test_a_refusal_ends_it(api: Api, approval: str) -> None:
    api.wait(approval)
    assert api.decide("alice", approval, "refuse")[1]["status"]["state"] == "refused"
    assert api.works.recheck(approval, api.waits.ended[0])["next"] == "ended"
    status, body = api.post("dave", f"/api/approvals/{approval}/challenge", {"verdict": "approve", "token": "x" * 43})
    assert (status, body["error"].partition(":")[0]) == (409, "it is refused")


def test_a_double_click_is_one_decision(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    path = f"/api/approvals/{approval}/decision"
    answers = [api.post("alice", path, body) for _ in range(2)]
    assert [status for status, _ in answers] == [200, 200]
    assert len(api.works.case(approval).of_kind("decision")) == 1


def test_two_clicks_at_once_are_one_vote(api: Api) -> None:
    approval = api.works.submitted(data=ROOT_CHANGE)
    body = api.statement("alice", approval)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(api.post, "alice", f"/api/approvals/{approval}/decision", body) for _ in range(4)]
        answers = [future.result() for future in futures]
    assert [status for status, _ in answers] == [200] * 4
    assert api.seen("bob", approval)["status"]["approvers"] == ["alice"]


def test_two_approvers_at_once_both_count(api: Api) -> None:
    approval = api.works.submitted(data=ROOT_CHANGE)
    assert api.seen("alice", approval)["request"]["risk"] == "R3"
    bodies = {who: api.statement(who, approval) for who in ("alice", "bob")}
    with ThreadPoolExecutor(2) as pool:
        path = f"/api/approvals/{approval}/decision"
        answers = list(pool.map(lambda who: api.post(who, path, bodies[who]), bodies))
    assert [status for status, _ in answers] == [200, 200]
    assert api.seen("dave", approval)["status"]["state"] == "approved"


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("rita", "is the requester"),
        ("owen", "is the requester"),
        ("erin", "is in no group that may decide this now"),
    ],
)
def test_who_may_not_decide_is_refused_and_recorded(api: Api, approval: str, who: str, reason: str) -> None:
    status, body = api.decide(who, approval)
    assert status == 403
    assert reason in body["error"]
    assert api.works.case(approval).of_kind("decision")[0].who == f"{IDP}#{who}"
    assert api.works.recheck(approval)["state"] == "pending"


def test_who_left_the_group_between_view_and_click_is_refused(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    api.groups.of["alice"] = ("managers",)
    status, answer = api.post("alice", f"/api/approvals/{approval}/decision", body)
    assert (status, "in no group" in answer["error"]) == (403, True)


def test_without_the_directory_nobody_decides(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    api.groups.broken = True
    assert api.post("alice", f"/api/approvals/{approval}/decision", body)[0] == 503
    assert "decision" not in api.works.kinds(approval)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"auth_time": ""}, "does not say when"),
        ({"amr": ""}, "does not say how"),
        ({"amr": "[pwd]"}, "the sign-in was by pwd"),
        ({"auth_time": "1795428000"}, "seconds old"),
    ],
)
def test_a_sign_in_that_proves_nothing_is_refused(
    api: Api, approval: str, changes: dict[str, str], reason: str
) -> None:
    api.works.time += 600
    body = api.statement("alice", approval)
    status, answer = api.post("alice", f"/api/approvals/{approval}/decision", body, **changes)
    assert (status, reason in answer["error"]) == (403, True), answer


def test_an_expired_approval_says_so_and_gives_no_token(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    api.works.time += 5 * 3600
    seen = api.seen("alice", approval)
    assert (seen["status"]["state"], seen["token"], seen["you"]["mayDecide"]) == ("expired", "", False)
    assert api.post("alice", f"/api/approvals/{approval}/challenge", body)[0] == 410
    assert api.post("alice", f"/api/approvals/{approval}/decision", body)[0] == 410
    assert api.works.recheck(approval)["state"] == "expired"


def test_a_token_is_one_persons_and_good_for_one_decision(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    path = f"/api/approvals/{approval}/decision"
    status, answer = api.post("dave", path, body)
    assert (status, "the token was given to" in answer["error"]) == (403, True)
    status, answer = api.post("alice", path, {**body, "comment": "another"})
    assert (status, "used before" in answer["error"]) == (403, True)


def test_an_old_token_is_refused(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    api.works.time += 301
    status, answer = api.post("alice", f"/api/approvals/{approval}/decision", body)
    assert (status, "seconds old" in answer["error"]) == (403, True)


def test_the_person_behind_the_request_takes_it_back(api: Api, approval: str) -> None:
    api.wait(approval)
    assert api.post("alice", f"/api/approvals/{approval}/withdraw", {"reason": "no"})[0] == 403
    status, body = api.post("rita", f"/api/approvals/{approval}/withdraw", {"reason": "a mistake"})
    assert (status, body["status"]["state"]) == (200, "withdrawn")
    found = api.works.recheck(approval, api.waits.ended[0])
    assert (found["forged"], found["state"]) == (False, "withdrawn")


def test_break_glass_takes_a_reason_and_is_marked(api: Api) -> None:
    approval = api.works.submitted(data=ROOT_CHANGE)
    status, body = api.decide("bob", approval, breakGlass=True, comment="fire")
    assert (status, "reason of 20" in body["error"]) == (403, True)
    status, body = api.decide("bob", approval, breakGlass=True, comment="the site is down, and this mends it")
    assert (status, body["status"]["breakGlass"], body["status"]["state"]) == (200, True, "approved")


def test_a_wait_that_is_over_loses_no_decision(api: Api, approval: str) -> None:
    api.wait(approval)
    api.waits.known.clear()
    assert api.decide("alice", approval)[0] == 200
    assert api.works.recheck(approval)["next"] == "apply"
    assert api.place.tokens.get(approval) is None


def test_a_crash_before_the_workflow_is_told_is_made_good_by_the_same_click(api: Api, approval: str) -> None:
    api.wait(approval)
    body = api.statement("alice", approval)
    path = f"/api/approvals/{approval}/decision"
    writes = len(api.works.faults.calls)
    api.works.faults.at = (writes + 1, "after")  # the record is in the table and the bucket, and nobody was told
    with pytest.raises(fakes.Crash):
        api.post("alice", path, body)
    api.works.faults.at = None
    assert not api.waits.ended
    assert api.post("alice", path, body)[0] == 200
    assert [told["approval"] for told in api.waits.ended] == [approval]
    assert len(api.works.case(approval).of_kind("decision")) == 1


def test_an_iam_user_decides_by_the_second_factor_of_his_path_once_the_request_is_old_enough(api: Api) -> None:
    arn = "arn:aws:iam::111111111111:user/Zoe"
    people = replace(POLICY.people, listed=(*POLICY.people.listed, Person("zoe", (arn,))))
    issuers = (*POLICY.freshness.issuers, Issuer(FactorKind.MFA, "111111111111"))
    api.works.configure(with_policy(people=people, freshness=replace(POLICY.freshness, issuers=issuers)))
    api.groups.of["zoe"] = ("sre",)
    approval = api.works.submitted()

    def decide() -> tuple[int, dict[str, Any]]:
        path = f"/api/approvals/{approval}"
        seen = api.ask(api.event("GET", path, authorizer={"iam": {"userArn": arn}}, origin=""))[1]
        body = {"verdict": "approve", "token": seen["token"]}
        return api.ask(api.event("POST", f"{path}/decision", body, authorizer={"iam": {"userArn": arn}}, origin=""))

    status, answer = decide()
    assert (status, "older than the request" in answer["error"]) == (403, True)
    api.works.time += 300
    status, answer = decide()
    assert (status, answer["status"]["approvers"]) == (200, ["zoe"])


def test_an_iam_user_who_asked_sees_that_others_decide(api: Api, approval: str) -> None:
    event = api.event(
        "GET",
        f"/api/approvals/{approval}",
        authorizer={"iam": {"userArn": "arn:aws:iam::111111111111:user/Rita"}},
    )
    status, body = api.ask(event)
    assert (status, body["you"]["factors"], body["you"]["mayDecide"]) == (200, ["mfa"], False)


@pytest.mark.parametrize(
    "authorizer",
    [
        None,
        {},
        {"jwt": {"claims": {}}},
        {"jwt": {"claims": {"iss": IDP}}},
        {"iam": {"userArn": "arn:aws:sts::111111111111:assumed-role/mcp-guardrails-release-bot-plan/run-1"}},
        {"iam": {"userArn": "arn:aws:iam::111111111111:root"}},
        {"iam": {}, "jwt": {"claims": {"iss": IDP, "sub": "alice"}}},
        {"lambda": {"sub": "alice"}},
    ],
)
def test_nobody_and_roles_get_nothing(api: Api, approval: str, authorizer: Any) -> None:
    for method, path in (("GET", ""), ("POST", "/decision"), ("POST", "/withdraw"), ("POST", "/challenge")):
        event = api.event(method, f"/api/approvals/{approval}{path}", {}, authorizer=authorizer)
        assert api.ask(event)[0] in {401, 403}
    assert "view" not in api.works.kinds(approval)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, "{}", 415),
        ({"origin": "https://evil.example.com"}, "{}", 403),
        ({"origin": "null"}, "{}", 403),
        ({}, "{", 400),
        ({}, "[]", 400),
        ({}, '{"token": 1}', 400),
        ({}, '{"extra": 1}', 400),
        ({}, '{"token": "a", "token": "b"}', 400),
        ({}, "x" * 70_000, 413),
        ({}, "[" * 5_000, 400),
    ],
)
def test_bad_bodies_are_refused(api: Api, approval: str, headers: dict[str, str], body: str, status: int) -> None:
    authorizer = {"jwt": {"claims": api.claims("alice")}}
    event = api.event("POST", f"/api/approvals/{approval}/decision", body, authorizer=authorizer, **headers)
    assert api.ask(event)[0] == status


def test_nothing_is_decided_by_get_and_other_methods_are_none(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        authorizer = {"jwt": {"claims": api.claims("alice")}}
        event = api.event(method, f"/api/approvals/{approval}/decision", body, authorizer=authorizer)
        assert api.ask(event)[0] in {404, 405}
    assert "decision" not in api.works.kinds(approval)


def test_a_plan_that_was_swapped_is_not_shown(api: Api, approval: str) -> None:
    stored = api.works.case(approval).asked.bundle
    api.works.s3.objects["bucket", stored.key] = [(stored.version, b"{}")]
    from sudo_mcp_guardrails.handlers import approval_api_plan

    approval_api_plan._plans.clear()
    status, body = api.get("alice", f"/api/approvals/{approval}")
    assert (status, "another one than was judged" in body["error"]) == (409, True)


def test_a_chain_that_was_changed_decides_nothing(api: Api, approval: str) -> None:
    body = api.statement("alice", approval)
    item = api.works.dynamodb.tables["evidence"][approval, 1]
    item["record"]["S"] = item["record"]["S"].replace("OPS-1", "OPS-2")
    status, answer = api.post("alice", f"/api/approvals/{approval}/decision", body)
    assert (status, "not whole" in answer["error"]) == (409, True)


def test_ten_thousand_calls_come_in_pages(api: Api) -> None:
    calls = [{**CALLS[0], "parameters": {"QueueName": f"release-bot-{number}"}} for number in range(10_000)]
    approval = api.works.submitted(data=calls)
    seen = api.seen("alice", approval)
    assert (seen["changes"]["total"], len(seen["changes"]["items"]), seen["changes"]["next"]) == (10_000, 50, 50)
    assert len(json.dumps(seen)) < 1_000_000
    status, page = api.get("alice", f"/api/approvals/{approval}/changes?offset=9990")
    assert (status, len(page["items"]), page["next"]) == (200, 10, None)
    assert api.get("alice", f"/api/approvals/{approval}/changes?offset=x")[0] == 400


def test_the_page_has_a_strict_policy_and_no_secret(api: Api) -> None:
    from sudo_mcp_guardrails.handlers import approval_api

    for path in ("/", "/app.js", "/style.css", "/config.json"):
        answer = approval_api.handler(api.event("GET", path), None, api.place)
        assert answer["statusCode"] == 200
        policy = answer["headers"]["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert f"connect-src 'self' {IDP};" in policy
        assert "set-cookie" not in answer["headers"]
    for path in ("/../approval_api.py", "/__init__.py", "/approval_settings.json", "/nothing"):
        assert approval_api.handler(api.event("GET", path), None, api.place)["statusCode"] == 404
