"""The kill switch takes back what a contained agent asked for: in the chain, once, and the workflow's wait ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.deciding.events import ContainmentWithdrawal
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.containing import ContainedApprovals
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner
from sudo_mcp_guardrails.approval.store.tokens import TokenStore
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.response.steps.approvals import ApprovalsWay
from sudo_mcp_guardrails.response.steps.step import Kind
from sudo_mcp_guardrails.state.targets import Target
from tests.handlers.approval import fakes
from tests.handlers.approval.works import ENVIRON, Works
from tests.response.estates import ANN, CAUSE, ESTATE

if TYPE_CHECKING:
    from pathlib import Path

RESPONDER_KEY = f"{fakes.KEY_ARN}responder"
WHY = {"by": ANN, "reason": "contained in incident INC-42: it reads every secret", "containment": "INC-42"}


@dataclass
class Waits:
    """Step Functions, as far as a wait is ended."""

    ended: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: str = ""

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803 - of AWS
        if self.error:
            raise fakes.aws_error(self.error)
        self.ended.append((taskToken, json.loads(output)))


@pytest.fixture
def works(tmp_path: Path) -> Works:
    made = Works(tmp_path, environ={**ENVIRON, "RESPONDER_KEY": RESPONDER_KEY})
    made.kms = fakes.FakeKms((fakes.EVIDENCE_KEY, fakes.DECISION_KEY, fakes.TRUST_KEY, RESPONDER_KEY))
    return made


@pytest.fixture
def waits() -> Waits:
    return Waits()


def contained(works: Works, waits: Waits, key: str = RESPONDER_KEY) -> ContainedApprovals:
    signer = KmsSigner(works.kms, key)
    store = EvidenceStore(works.dynamodb, works.s3, "evidence", works.place.bucket, signer, lambda: works.time)
    tokens = TokenStore(works.dynamodb, "tokens")
    return ContainedApprovals(works.dynamodb, waits, "requests", store, tokens, signer)


def wait(works: Works, approval: str) -> None:
    """What the state machine writes down when it waits for people."""
    item = {"approval": {"S": approval}, "token": {"S": "t-1"}, "round": {"N": "0"}, "ends": {"N": "1"}}
    works.dynamodb.tables["tokens"][approval,] = item


def test_a_withdrawal_ends_the_wait_the_request_and_tells_people(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    first = works.recheck(approval)
    wait(works, approval)
    responder = contained(works, waits)
    assert responder.pending(agents="release-bot") == {approval: ""}
    responder.withdraw(approval=approval, **WHY)
    record = works.case(approval).last
    assert (record.kind, record.key_id, record.who) == ("containment-withdrawal", RESPONDER_KEY, ANN)
    event = works.case(approval).events[-1]
    assert isinstance(event, ContainmentWithdrawal)
    assert (event.containment, event.reason) == ("INC-42", WHY["reason"])
    [(token, callback)] = waits.ended
    assert token == "t-1"
    assert not works.dynamodb.tables["tokens"]
    told = tuple(notice["id"] for notice in first["notices"])
    answer = works.recheck(approval, callback, round_=1, told=told)
    assert (answer["next"], answer["state"], answer["forged"]) == ("ended", "withdrawn", False)
    assert answer["because"] == "its agent is contained in incident INC-42"
    assert [notice["about"] for notice in answer["notices"]] == ["withdrawn"]
    ended = works.record("refused", approval, because=answer["because"], notified=[])
    assert ended["state"] == "withdrawn"
    # It says nothing of the agent's plan, so that nothing is earned or lost by it.
    assert works.kinds("trust/release-bot") == []
    assert responder.pending(agents="release-bot") == {}


def test_approved_ones_are_withdrawn_as_well_and_never_begin(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    works.recheck(approval, works.decide(approval, "alice"), round_=1)
    contained(works, waits).withdraw(approval=approval, **WHY)
    assert works.recheck(approval, round_=2)["state"] == "withdrawn"
    works.start(approval)
    status = works.case(approval).status(works.settings.policy, int(works.time))
    assert status.state.value == "withdrawn"
    assert [each.kind for each in status.uncounted] == ["execution"]


def test_what_is_decided_or_begun_is_left_alone(works: Works, waits: Waits) -> None:
    refused, begun = works.submitted(), works.submitted(data=_calls("other"))
    works.recheck(refused, works.decide(refused, "alice", Verdict.REFUSE), round_=1)
    works.recheck(begun, works.decide(begun, "alice"), round_=1)
    works.start(begun)
    [found] = contained(works, waits).pending(agents="*").items()
    assert found == (begun, "it is being carried out; its role is denied each call")


def test_one_that_began_in_between_goes_on_and_the_withdrawal_does_not_count(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    works.recheck(approval, works.decide(approval, "alice"), round_=1)
    works.start(approval)
    contained(works, waits).withdraw(approval=approval, **WHY)
    status = works.case(approval).status(works.settings.policy, int(works.time))
    assert status.state.value == "executing"
    assert [(each.kind, each.who) for each in status.uncounted] == [("containment-withdrawal", ANN)]


def test_one_that_is_not_classified_yet_ends_before_it_is_asked_for(works: Works, waits: Waits) -> None:
    approval = works.propose()
    responder = contained(works, waits)
    assert responder.pending(agents="release-*") == {approval: ""}
    responder.withdraw(approval=approval, **WHY)
    answer = works.classify(approval)
    assert answer["next"] == "refused"
    assert "INC-42" in answer["because"]
    assert works.record("refused", approval, because=answer["because"])["state"] == "refused"
    assert works.kinds(approval) == ["containment-withdrawal"]


def test_withdrawing_twice_records_once_and_ends_a_wait_that_is_left(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    responder = contained(works, waits)
    responder.withdraw(approval=approval, **WHY)
    wait(works, approval)  # the machine wrote its token after the first withdrawal looked for one
    responder.withdraw(approval=approval, **WHY)
    assert works.kinds(approval).count("containment-withdrawal") == 1
    assert len(waits.ended) == 1


def test_a_wait_that_is_over_is_no_failure_and_another_error_is(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    wait(works, approval)
    waits.error = "AccessDeniedException"
    with pytest.raises(Exception, match="AccessDenied"):
        contained(works, waits).withdraw(approval=approval, **WHY)
    waits.error = "TaskTimedOut"
    contained(works, waits).withdraw(approval=approval, **WHY)
    assert not works.dynamodb.tables["tokens"]
    assert works.recheck(approval, round_=1)["state"] == "withdrawn"


@pytest.mark.parametrize("key", [fakes.EVIDENCE_KEY, fakes.DECISION_KEY])
def test_no_other_key_withdraws_for_a_containment(works: Works, waits: Waits, key: str) -> None:
    approval = works.submitted()
    contained(works, waits, key).withdraw(approval=approval, **WHY)
    with pytest.raises(EvidenceError, match="'containment-withdrawal' is signed by key"):
        works.case(approval)


@pytest.mark.parametrize("kind", ["decision", "rule-decision", "execution", "withdrawal", "scan", "request"])
def test_the_responder_signs_nothing_else(works: Works, kind: str) -> None:
    approval = works.submitted()
    signer = KmsSigner(works.kms, RESPONDER_KEY)
    store = EvidenceStore(works.dynamodb, works.s3, "evidence", "bucket", signer, lambda: works.time)
    store.append(approval, kind, ANN, {"passed": True})
    with pytest.raises(EvidenceError, match=r"is signed by key .*responder"):
        works.case(approval)


def test_a_workflow_without_a_kill_switch_takes_no_withdrawal(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    contained(works, waits).withdraw(approval=approval, **WHY)
    del works.environ["RESPONDER_KEY"]
    with pytest.raises(EvidenceError):
        works.case(approval)


def test_the_step_of_a_containment_withdraws_them(works: Works, waits: Waits) -> None:
    approval = works.submitted()
    responder = contained(works, waits)
    plan = plan_containment(ESTATE, Target.agent("release-bot"), Level.K1, CAUSE)
    [step] = [each for each in plan.steps if each.kind is Kind.APPROVALS]
    way = ApprovalsWay()
    state = way.read(step, responder)
    assert [each["id"] for each in state] == [approval]
    for call in way.calls(step, state):
        call.send(responder)
    assert way.holds(step, way.read(step, responder))
    assert works.recheck(approval)["state"] == "withdrawn"


def _calls(name: str) -> list[dict[str, Any]]:
    parameters = {"QueueName": f"release-bot-{name}"}
    return [{"service": "sqs", "operation": "CreateQueue", "parameters": parameters}]
