"""The index, tokens, credentials, earlier plans and settings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.errors import DecisionError, EvidenceError, PlanError, TrustError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.risk_rules.context import Recent
from sudo_mcp_guardrails.approval.store.approvals_index import ApprovalsIndex
from sudo_mcp_guardrails.approval.store.asked import BundleRef
from sudo_mcp_guardrails.approval.store.credentials import MAX_CREDENTIALS, CredentialStore, StoredCredential
from sudo_mcp_guardrails.approval.store.idle_cost import idle_cost
from sudo_mcp_guardrails.approval.store.recent import RecentPlans
from sudo_mcp_guardrails.approval.store.settings import ApprovalSettings
from sudo_mcp_guardrails.approval.store.tokens import TokenStore
from sudo_mcp_guardrails.approval.store.trust_policy import read_trust_policy
from sudo_mcp_guardrails.approval.store.work import operation_of
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from tests.approval import signing
from tests.handlers.approval import fakes
from tests.handlers.approval.works import SETTINGS

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
KEY = signing.make_key(99).public.der()


@pytest.fixture
def dynamodb() -> fakes.FakeDynamo:
    return fakes.FakeDynamo(page=3)


def test_the_index_lists_what_is_open(dynamodb: fakes.FakeDynamo) -> None:
    index = ApprovalsIndex(dynamodb, "requests")
    for number in range(8):
        text = f"token ghp_{'a' * 36}" if number == 0 else "a plan"
        assert index.receive(
            f"apr-{number}", agent="bot", environment="sandbox", created=number, text="{}", summary=text
        )
    assert not index.receive("apr-1", agent="x", environment="x", created=1, text="x", summary="x")
    index.classified(
        "apr-3", document="{}", risk="R2", expires=99, bundle=BundleRef("plans/apr-3/bundle.json", "v1", "ab" * 32)
    )
    index.settle("apr-3", "pending", final=False)
    index.settle("apr-5", "executed", final=True)
    index.settle("apr-5", "pending", final=False)  # a late one, which changes nothing
    index.settle("apr-unknown", "refused", final=True)
    listed = index.listed()
    assert [row.approval for row in listed] == [f"apr-{number}" for number in (7, 6, 4, 3, 2, 1, 0)]
    assert [row.approval for row in index.listed(limit=2)] == ["apr-7", "apr-6"]
    assert len(index.listed(only_open=False)) == 8
    third, fifth = index.get("apr-3"), index.get("apr-5")
    assert third is not None
    assert (third.state, third.risk, third.expires, third.is_open) == ("pending", "R2", 99, True)
    assert fifth is not None
    assert (fifth.state, fifth.is_open) == ("executed", False)
    assert index.get("apr-unknown") is None
    assert "ghp_" not in listed[-1].summary


def test_a_token_is_deleted_by_who_used_it(dynamodb: fakes.FakeDynamo) -> None:
    store = TokenStore(dynamodb, "tokens")
    assert store.get("apr-1") is None
    item = {"approval": {"S": "apr-1"}, "token": {"S": "secret"}, "round": {"N": "3"}, "ends": {"N": "99"}}
    dynamodb.put_item(TableName="tokens", Item=item)
    token = store.get("apr-1")
    assert token is not None
    assert (token.value, token.round, token.ends) == ("secret", 3, 99)
    assert "secret" not in repr(token)
    dynamodb.put_item(TableName="tokens", Item={**item, "token": {"S": "the next round's"}})
    store.delete("apr-1", token)
    later = store.get("apr-1")
    assert later is not None
    store.delete("apr-1", later)
    assert store.get("apr-1") is None


def credential(number: int = 1, *, counter: int = 0) -> StoredCredential:
    return StoredCredential("alice", f"key-{number}", KEY, counter, number, "alice@example.com", "blue key")


def test_keys_of_people(dynamodb: fakes.FakeDynamo) -> None:
    store = CredentialStore(dynamodb, "credentials")
    assert store.add(credential())
    assert not store.add(replace(credential(), label="another"))
    assert store.add(credential(2, counter=5))
    assert store.of("alice") == [credential(), credential(2, counter=5)]
    assert store.of("bob") == []
    assert store.get("alice", "key-1") == credential()
    assert store.get("bob", "key-1") is None
    for number in range(3, MAX_CREDENTIALS + 1):
        store.add(credential(number))
    with pytest.raises(DecisionError, match="20 keys"):
        store.add(credential(99))


@pytest.mark.parametrize(
    ("before", "seen", "good"), [(0, 0, True), (0, 1, True), (5, 6, True), (5, 5, False), (5, 4, False), (5, 0, False)]
)
def test_a_counter_only_grows(
    dynamodb: fakes.FakeDynamo,
    before: int,
    seen: int,
    good: bool,  # noqa: FBT001 - a row
) -> None:
    store = CredentialStore(dynamodb, "credentials")
    store.add(credential(counter=before))
    assert store.count("alice", "key-1", seen) is good
    found = store.get("alice", "key-1")
    assert found is not None
    assert found.counter == (seen if good else before)
    assert not store.count("alice", "unknown", seen)


def test_an_enrolment_code_is_good_once_for_one_person(dynamodb: fakes.FakeDynamo) -> None:
    store = CredentialStore(dynamodb, "credentials")
    store.offer_code("alice", "code-1", by="admin", created=1, ends=100)
    assert store.of("alice") == []
    assert store.get("alice", next(key[1] for key in dynamodb.tables["credentials"])) is None
    assert "code-1" not in str(dynamodb.tables["credentials"])
    assert not store.use_code("bob", "code-1", 50)
    assert not store.use_code("alice", "code-2", 50)
    assert not store.use_code("alice", "code-1", 100)
    assert store.use_code("alice", "code-1", 99)
    assert not store.use_code("alice", "code-1", 99)


@pytest.mark.parametrize("change", [{"id": "code:x"}, {"id": ""}, {"public_key": b"x"}, {"person": ""}])
def test_a_credential_is_checked(change: dict[str, object]) -> None:
    with pytest.raises(DecisionError):
        replace(credential(), **change)  # type: ignore[arg-type]


def recent(number: int, things: int = 2) -> Recent:
    touched = frozenset(f"arn arn:aws:sqs:eu-central-1:111111111111:jobs-{number}-{each}" for each in range(things))
    at = NOON + timedelta(minutes=number)
    return Recent(at, f"{number:064x}", RiskClass.R1, things, touched, frozenset({"sqs:CreateQueue"}))


def test_earlier_plans_come_back_newest_first(dynamodb: fakes.FakeDynamo) -> None:
    store = RecentPlans(dynamodb, "evidence")
    for number in range(8):
        store.put("bot", f"apr-{number}", recent(number))
    store.put("bot", "apr-7", replace(recent(7), risk=RiskClass.R2))
    store.put("other", "apr-9", recent(9))
    found = store.of("bot", 0)
    assert found == (replace(recent(7), risk=RiskClass.R2), *(recent(number) for number in range(6, -1, -1)))
    since = int((NOON + timedelta(minutes=5)).timestamp())
    assert [one.digest for one in store.of("bot", since)] == [f"{number:064x}" for number in (7, 6, 5)]


def test_earlier_plans_of_ten_thousand_things(dynamodb: fakes.FakeDynamo) -> None:
    store = RecentPlans(dynamodb, "evidence")
    store.put("bot", "apr-1", recent(1, 10_000))
    assert store.of("bot", 0) == (recent(1, 10_000),)
    noise = frozenset(f"{number * 2654435761 % 2**61:x}{number:064x}" * 3 for number in range(60_000))
    with pytest.raises(PlanError, match="more than can be remembered"):
        store.put("bot", "apr-2", replace(recent(2), touched=noise))


def test_an_earlier_plan_that_cannot_be_read_is_an_error(dynamodb: fakes.FakeDynamo) -> None:
    store = RecentPlans(dynamodb, "evidence")
    store.put("bot", "apr-1", recent(1))
    (item,) = dynamodb.tables["evidence"].values()
    item["plan"] = {"B": b"x"}
    with pytest.raises(EvidenceError, match="earlier plan of 'bot'"):
        store.of("bot", 0)


def test_settings_are_read_as_they_were_written() -> None:
    settings = replace(
        SETTINGS, trust=TrustPolicy(), relying_party={"id": "a.example", "origins": ["https://a.example"]}
    )
    again = ApprovalSettings.read(settings.write())
    assert again == settings
    assert again.policy.version == settings.policy.version
    assert again.trust is not None
    assert again.trust.digest == TrustPolicy().digest
    assert again.agents["release-bot"].environment("nowhere") is None


def test_an_environment_without_regions_is_of_the_functions_own() -> None:
    document = SETTINGS.document()
    document["agents"]["release-bot"]["environments"][0]["regions"] = []
    environment = ApprovalSettings.read(json.dumps(document), "eu-west-3").agents["release-bot"].environment("sandbox")
    assert environment is not None
    assert environment.regions == ("eu-west-3",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("policy", {}),
        ("trust", {}),
        ("agents", {"bot": {}}),
        ("agents", []),
        ("names", {}),
        ("extra", 1),
        ("fingerprints", None),
    ],
)
def test_settings_with_anything_wrong_are_refused(name: str, value: object) -> None:
    with pytest.raises(DecisionError):
        ApprovalSettings.read(json.dumps({**SETTINGS.document(), name: value}))


@pytest.mark.parametrize("change", [{"alpha": "5"}, {"unknown": 1}, {"table": {}}, {"steps": {"R1": []}}])
def test_a_policy_of_trust_with_anything_wrong_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(TrustError):
        read_trust_policy({**TrustPolicy().document(), **change})
    assert read_trust_policy(TrustPolicy().document()).digest == TrustPolicy().digest


def plan(*changes: Change) -> Plan:
    return Plan(Form.CHANGE_SET, "stack", "111111111111", "eu-central-1", changes)


def queue(name: str, size: int = 1, kind: str = "AWS::SQS::Queue") -> Change:
    return Change(Operation.CREATE, kind, name, after={"Size": size})


def test_identical_work_is_told_by_what_is_done_and_not_by_its_names() -> None:
    one = operation_of(plan(queue("a")))
    assert one == operation_of(plan(queue("b"))) == operation_of(plan(queue("a"), queue("b")))
    assert one != operation_of(plan(queue("a", 2)))
    assert one != operation_of(plan(queue("a"), queue("b", 2)))
    assert one != operation_of(plan(queue("a", kind="AWS::SNS::Topic")))


def test_idle_cost_is_known_of_what_is_listed_alone() -> None:
    assert idle_cost(plan(queue("a"), queue("b", kind="AWS::CloudWatch::Alarm"))) == 30
    assert idle_cost(plan(queue("a"), queue("b", kind="AWS::RDS::DBInstance"))) is None
    assert idle_cost(plan(Change(Operation.DELETE, "AWS::RDS::DBInstance", "a"))) == 0
