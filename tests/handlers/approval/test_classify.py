"""What the classification finds, writes and decides."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store import idle_cost
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced
from sudo_mcp_guardrails.handlers import approval_classify
from tests.handlers.approval import fakes
from tests.handlers.approval.works import CALLS, FINGERPRINT, FORM, SETTINGS, Works, big_calls, with_policy

if TYPE_CHECKING:
    from pathlib import Path

FORBIDDEN = [
    {
        "service": "iam",
        "operation": "DeleteRole",
        "parameters": {"RoleName": "mcp-guardrails-release-bot-plan"},
    }
]


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


@pytest.fixture
def trusting(tmp_path: Path) -> Works:
    """A workflow whose agents earn trust; the agent's ledger is empty."""
    return Works(tmp_path, replace(SETTINGS, trust=TrustPolicy()))


def introduce(works: Works) -> None:
    trust = works.place.trust
    assert trust is not None
    trust.add("release-bot", Introduced(FINGERPRINT, "erin", "a new agent"), "erin")


def test_the_first_record_says_what_is_asked_for(works: Works) -> None:
    approval = works.propose()
    answer = works.classify(approval)
    assert (answer["next"], answer["risk"], answer["environment"]) == ("people", "R1", "sandbox")
    assert (answer["waitSeconds"], answer["expires"]) == (300, "2026-11-23T14:00:00Z")
    assert [notice["id"] for notice in answer["notices"]] == ["requested-0"]
    case = works.case(approval)
    assert answer["approvalDigest"] == case.digest
    assert answer["planDigest"] == case.request.plan_digest == Bundle(FORM, CALLS, known()).plan().digest
    assert case.request.requester.person == "arn:aws:iam::111111111111:user/Rita"
    assert case.request.services == ("sqs",)
    assert case.request.policy_version == works.settings.policy.version
    row = works.place.index.get(approval)
    assert row is not None
    assert (row.state, row.risk, json.loads(row.document)) == ("pending", "R1", case.request.document())


def known() -> dict[str, str]:
    return {"account": "222222222222", "region": "eu-central-1"}


def test_called_again_it_says_the_same(works: Works) -> None:
    approval = works.propose()
    first = works.classify(approval)
    works.time += 10
    again = works.classify(approval)
    assert {**again, "waitSeconds": 0} == {**first, "waitSeconds": 0}
    assert works.kinds(approval) == ["request"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(6))
def test_a_crash_anywhere_is_made_good_by_the_next_try(tmp_path: Path, at: int, when: str) -> None:
    works = Works(tmp_path)
    approval = works.propose()
    event = works.read(approval)
    works.faults.at = (len(works.faults.calls) + at, when)
    with pytest.raises(fakes.Crash):
        approval_classify.handler(event, None, works.place)
    works.faults.at = None
    answer = approval_classify.handler(event, None, works.place)
    assert answer["next"] == "people"
    assert works.kinds(approval) == ["request"]
    assert answer["approvalDigest"] == works.case(approval).digest


def test_what_is_r4_is_refused_and_costs_all_trust(trusting: Works) -> None:
    introduce(trusting)
    approval = trusting.propose(data=FORBIDDEN)
    for _ in range(2):
        answer = trusting.classify(approval)
        assert (answer["next"], answer["risk"]) == ("refused", "R4")
    trust = trusting.place.trust
    assert trust is not None
    assert trust.state("release-bot").cell(RiskClass.R1, "sandbox").tier is TrustTier.T0
    assert trusting.kinds("trust/release-bot").count("trust-trigger") == 1
    # From here on its tier does not even let it ask.
    answer = trusting.classify(trusting.propose())
    assert answer["next"] == "refused"
    assert "R1 in 'sandbox' at T0 is refused" in answer["because"]


def test_an_agent_that_was_never_introduced_is_refused(trusting: Works) -> None:
    answer = trusting.classify(trusting.propose())
    assert (answer["next"], answer["state"]) == ("refused", "refused")
    trusting.configure(replace(trusting.settings, fingerprints={}))
    introduce(trusting)
    answer = trusting.classify(trusting.propose())
    assert "this version of the agent was not introduced" in answer["because"]


def test_an_introduced_agent_asks_people(trusting: Works) -> None:
    introduce(trusting)
    assert trusting.classify(trusting.propose())["next"] == "people"
    assert trusting.kinds("trust/release-bot") == ["trust-introduced"]


def earned(works: Works, monkeypatch: pytest.MonkeyPatch, like: TrustTier = TrustTier.T2) -> None:
    """Let T1 do what another tier does, such as R1 by rule, and make the price of a queue known."""
    table = {tier: dict(row) for tier, row in TrustPolicy().table.items()}
    table[TrustTier.T1] = dict(table[like])
    budgets = {**TrustPolicy().budgets, TrustTier.T1: TrustPolicy().budgets[like]}
    works.configure(replace(works.settings, trust=TrustPolicy(table=table, budgets=budgets)))
    monkeypatch.setitem(idle_cost._CENTS, "sqs:CreateQueue", 0)
    introduce(works)


def test_what_an_agent_has_earned_is_decided_by_rule(trusting: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    earned(trusting, monkeypatch)
    approval = trusting.propose()
    for _ in range(2):
        assert trusting.classify(approval)["next"] == "rule"
    assert trusting.kinds("trust/release-bot") == ["trust-introduced", "trust-automatic"]
    assert trusting.kinds(approval) == ["request", "rule-decision"]
    assert trusting.recheck(approval)["next"] == "apply"
    # The budget: five an hour.
    answers = [trusting.classify(trusting.propose(data=big_calls(1, number)))["next"] for number in range(1, 7)]
    assert answers == ["rule"] * 4 + ["people"] * 2


@pytest.mark.parametrize(("like", "asked"), [(TrustTier.T2, "people"), (TrustTier.T3, "rule")])
def test_what_changes_production_is_decided_by_rule_as_at_t3_alone(
    trusting: Works, monkeypatch: pytest.MonkeyPatch, like: TrustTier, asked: str
) -> None:
    earned(trusting, monkeypatch, like)
    approval = trusting.propose(environment="production", account="333333333333", region="eu-central-1")
    answer = trusting.classify(approval)
    assert (answer["risk"], answer["next"]) == ("R2", asked)
    by_rule = asked == "rule"
    assert trusting.kinds(approval) == ["request", *["rule-decision"] * by_rule]
    assert trusting.kinds("trust/release-bot") == ["trust-introduced", *["trust-automatic"] * by_rule]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(10))
def test_a_crash_uses_a_budget_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, when: str) -> None:
    works = Works(tmp_path, replace(SETTINGS, trust=TrustPolicy()))
    earned(works, monkeypatch)
    approval = works.propose()
    event = works.read(approval)
    works.faults.at = (len(works.faults.calls) + at, when)
    with pytest.raises(fakes.Crash):
        approval_classify.handler(event, None, works.place)
    works.faults.at = None
    assert approval_classify.handler(event, None, works.place)["next"] == "rule"
    assert works.kinds("trust/release-bot").count("trust-automatic") == 1
    assert works.kinds(approval) == ["request", "rule-decision"]


def test_a_policy_without_rules_asks_people_and_uses_no_budget(
    trusting: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned(trusting, monkeypatch)
    quorums = tuple(replace(one, rule=False) for one in SETTINGS.policy.quorums)
    trusting.configure(replace(trusting.settings, policy=replace(SETTINGS.policy, quorums=quorums)))
    assert trusting.classify(trusting.propose())["next"] == "people"
    assert "trust-automatic" not in trusting.kinds("trust/release-bot")


def test_a_bundle_that_was_exchanged_is_refused_and_recorded(works: Works) -> None:
    approval = works.propose()
    event = works.read(approval)
    other = Bundle(FORM, big_calls(1), known())
    versions = works.s3.objects["bucket", event["bundle"]["key"]]
    versions[0] = (versions[0][0], other.to_json())
    for _ in range(2):
        answer = approval_classify.handler(event, None, works.place)
        assert (answer["next"], answer["approvalDigest"]) == ("refused", "")
        assert "is not the one that was read" in answer["because"]
    assert works.kinds(approval) == ["refused"]
    row = works.place.index.get(approval)
    assert row is not None
    assert (row.state, row.is_open) == ("refused", False)
    assert works.record("refused", approval, because=answer["because"])["state"] == "refused"
    assert works.kinds(approval) == ["refused"]


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "elsewhere"},
        {"account": "999999999999"},
        {"region": "us-east-1"},
        {"requester": {"agent": "nobody", "run": "r", "person": "p", "owner": "o"}},
        {"requester": {"agent": "release-bot", "run": "r", "person": "", "owner": "o"}},
        {"ticket": ""},
    ],
)
def test_what_cannot_be_a_request_is_refused_and_recorded(works: Works, change: dict[str, Any]) -> None:
    approval = works.propose()
    event = works.read(approval)
    event["input"].update(change)
    assert approval_classify.handler(event, None, works.place)["next"] == "refused"
    assert works.kinds(approval) == ["refused"]


def test_a_requester_whom_the_policy_does_not_know_is_refused(works: Works) -> None:
    approval = works.propose()
    event = works.read(approval)
    event["input"]["requester"]["person"] = "arn:aws:iam::111111111111:user/Nobody"
    answer = approval_classify.handler(event, None, works.place)
    assert answer["next"] == "refused"
    assert "nobody that the policy knows" in answer["because"]


def test_another_plan_than_the_broker_read_is_refused(works: Works) -> None:
    approval = works.propose()
    event = {**works.read(approval), "planDigest": "0" * 64}
    assert approval_classify.handler(event, None, works.place)["next"] == "refused"


def test_a_chain_that_is_broken_is_an_error(works: Works) -> None:
    approval = works.submitted()
    (item,) = (one for key, one in works.dynamodb.tables["evidence"].items() if key[0] == approval)
    item["record"]["S"] = item["record"]["S"].replace("OPS-1", "OPS-2")
    with pytest.raises(EvidenceError, match="not whole"):
        works.classify(approval)


def test_a_change_in_small_pieces_is_seen_as_one(works: Works) -> None:
    risks = [works.classify(works.propose(data=big_calls(1, number)))["risk"] for number in range(1, 17)]
    assert risks[0] == "R1"
    assert risks[-1] == "R3"
    works.time += 25 * 3600
    works.begin_run("run-01HYYYYYYYYYYYYYYYYYYYYYYY")
    answer = works.request(
        "POST",
        "/approvals",
        {"environment": "sandbox", "form": "api-calls", "data": big_calls(1, 99)},
        run="run-01HYYYYYYYYYYYYYYYYYYYYYYY",
    )
    assert works.classify(json.loads(answer["body"])["approval"])["risk"] == "R1"


def test_ten_thousand_changes_are_classified_within_a_records_bounds(works: Works) -> None:
    approval = works.propose(data=big_calls(10_000))
    answer = works.classify(approval)
    assert (answer["next"], answer["risk"]) == ("people", "R3")
    case = works.case(approval)
    assert case.asked.changes == 10_000
    assert case.request.reasons[-1].startswith("and ")
    assert len(case.asked.limits) <= 60


def test_secrets_of_a_plan_leave_nowhere(works: Works, capsys: pytest.CaptureFixture[str]) -> None:
    secret = f"ghp_{'Q' * 36}"
    calls = [
        {
            "service": "lambda",
            "operation": "UpdateFunctionConfiguration",
            "parameters": {"FunctionName": f"x-{secret}", "Environment": {"Variables": {"TOKEN": secret}}},
        }
    ]
    approval = works.propose(data=calls)
    answer = works.classify(approval)
    said = json.dumps([answer, works.recheck(approval), works.request("GET", f"/approvals/{approval}")])
    stored = str([record.line() for record in works.place.evidence.records(approval)])
    assert secret not in said + stored + str(works.dynamodb.tables["requests"]) + capsys.readouterr().out


def test_a_new_policy_ends_what_was_asked_under_the_old_one(works: Works) -> None:
    approval = works.submitted()
    callback = works.decide(approval, "alice")
    works.configure(with_policy(nonproduction=("sandbox", "staging")))
    answer = works.recheck(approval, callback)
    assert (answer["next"], answer["state"]) == ("ended", "refused")
    assert "ask again" in answer["because"]
    assert works.case(approval).status(works.settings.policy, int(works.time)).state is State.REFUSED


def test_a_budget_holds_however_many_come_at_once(trusting: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    earned(trusting, monkeypatch)
    approvals = [trusting.propose(data=big_calls(1, number)) for number in range(3, 15)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda approval: trusting.classify(approval)["next"], approvals))
    # Others may be R2 by then, which goes to people at T2; never more than five by rule.
    assert set(answers) <= {"rule", "people"}
    assert answers.count("rule") == trusting.kinds("trust/release-bot").count("trust-automatic") <= 5
    assert answers.count("rule") >= 1
