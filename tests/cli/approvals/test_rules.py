"""What a rule decided has its entry in the agent's ledger: the key of the evidence alone lets no rule decide."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.events import RuleDecision
from sudo_mcp_guardrails.approval.trust_ledger.facts import Automatic
from tests.handlers.approval.works import FINGERPRINT

if TYPE_CHECKING:
    from tests.cli.approvals.conftest import Evidence, Run

R1, R2 = RiskClass.R1, RiskClass.R2


def decide(evidence: Evidence) -> str:
    """Let a rule decide, as who has the evidence key can write it."""
    works = evidence.works
    works.begin_run("run-01HZZZZZZZZZZZZZZZZZZZZZZZ")
    approval = works.submitted()
    case = works.case(approval)
    event = RuleDecision(
        approval, case.digest, case.request.plan_digest, "T2 in sandbox", "earned", works.place.evidence.now()
    )
    works.place.evidence.append(approval, "rule-decision", "approval-classify", event.document())
    evidence.write()
    return approval


def allow(evidence: Evidence, approval: str, risk: RiskClass = R1, environment: str = "sandbox") -> None:
    """Record in the ledger that a rule decides it."""
    trust = evidence.works.place.trust
    assert trust is not None
    trust.add("release-bot", Automatic(approval, FINGERPRINT, risk, environment, 0, 1, audit=False), "broker")
    evidence.write()


def verify(run: Run, evidence: Evidence, code: int = 0) -> Any:
    return run("verify", evidence.bucket, *evidence.keys, code=code)


def test_a_rule_decides_what_the_ledger_lets_it(run: Run, evidence: Evidence) -> None:
    approval = decide(evidence)
    (item,) = verify(run, evidence, 1)["items"]
    assert (item["chain"], item["number"], item["flaw"]) == (approval, 2, "not-allowed")
    assert "no entry lets a rule decide it in the ledger of 'release-bot'" in item["text"]
    allow(evidence, approval)
    assert verify(run, evidence)["summary"]["broken"] == 0


@pytest.mark.parametrize(("risk", "environment", "told"), [(R2, "sandbox", "R2 in 'sandbox'"), (R1, "prod", "'prod'")])
def test_an_entry_about_something_else_lets_nothing(
    run: Run, evidence: Evidence, risk: RiskClass, environment: str, told: str
) -> None:
    allow(evidence, decide(evidence), risk, environment)
    assert told in verify(run, evidence, 1)["items"][0]["text"]


def test_an_entry_that_came_later_lets_nothing(run: Run, evidence: Evidence) -> None:
    approval = decide(evidence)
    evidence.works.time += 400
    allow(evidence, approval)
    assert "came after the decision" in verify(run, evidence, 1)["items"][0]["text"]


def test_without_the_ledger_nobody_can_tell(run: Run, evidence: Evidence) -> None:
    allow(evidence, decide(evidence))
    shutil.rmtree(evidence.bucket / "records" / "trust")
    found = verify(run, evidence, 2)
    assert (found["summary"]["rules_not_checked"], found["summary"]["broken"]) == (1, 0)
    assert "expected the ledger of trust" in found["error"]


def test_a_ledger_that_is_not_whole_lets_nothing(run: Run, evidence: Evidence) -> None:
    approval = decide(evidence)
    allow(evidence, approval)
    evidence.put("trust/release-bot", 1, {**evidence.record("trust/release-bot", 1), "who": "mallory"})
    found = verify(run, evidence, 1)
    assert {item["chain"] for item in found["items"]} == {approval, "trust/release-bot"}
