"""How scans, executions, refusals and failures are recorded, and what the agent's ledger learns of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced
from tests.handlers.approval import fakes
from tests.handlers.approval.works import CALLS, FINGERPRINT, SETTINGS, Works, big_calls

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.approval.trust_ledger.state import Cell

SCANNER = "arn:aws:lambda:eu-central-1:111111111111:function:scanner"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    made = Works(tmp_path, replace(SETTINGS, trust=TrustPolicy()))
    trust = made.place.trust
    assert trust is not None
    trust.add("release-bot", Introduced(FINGERPRINT, "erin", "a new agent"), "erin")
    return made


def cell(works: Works) -> Cell:
    trust = works.place.trust
    assert trust is not None
    return trust.state("release-bot").cell(RiskClass.R1, "sandbox")


def approved(works: Works, **changes: Any) -> str:
    approval = works.submitted(**changes)
    works.decide(approval, "alice")
    return approval


def test_a_clean_execution_earns_once(works: Works) -> None:
    for _ in range(2):  # the same work twice
        approval = approved(works)
        execution = works.start(approval)
        for _ in range(2):  # and each record twice
            said = works.record("ended", approval, execution=execution, outcome="executed", detail="", deviations=[])
            assert (said["state"], [one["id"] for one in said["notices"]]) == ("executed", ["executed"])
        assert works.kinds(approval).count("outcome") == 1
        works.time += 400
    found = cell(works)
    assert (found.credits, found.failure, found.approvers) == (1, None, ("alice",))
    assert works.kinds("trust/release-bot").count("trust-outcome") == 2
    row = works.place.index.get(approval)
    assert row is not None
    assert (row.state, row.is_open) == ("executed", False)


@pytest.mark.parametrize(
    ("outcome", "deviations", "state"),
    [
        ("failed", [], "failed"),
        ("rolled-back", [], "failed"),
        ("executed", ["bucket b changed and is not in the plan"], "executed"),
    ],
)
def test_what_went_wrong_counts_as_a_failure(works: Works, outcome: str, deviations: list[str], state: str) -> None:
    approval = approved(works)
    execution = works.start(approval)
    said = works.record(
        "ended", approval, execution=execution, outcome=outcome, detail="it says so", deviations=deviations
    )
    assert said["state"] == state
    assert cell(works).failure is not None
    assert ("deviations" in works.kinds(approval)) is bool(deviations)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(8))
def test_a_crash_leaves_one_end_and_one_outcome(works: Works, at: int, when: str) -> None:
    approval = approved(works)
    execution = works.start(approval)
    event = {"execution": execution, "outcome": "executed", "detail": "", "deviations": ["x"]}
    works.faults.at = (len(works.faults.calls) + at, when)
    with pytest.raises(fakes.Crash):
        works.record("ended", approval, **event)
    works.faults.at = None
    assert works.record("ended", approval, **event)["state"] == "executed"
    kinds = works.kinds(approval)
    assert (kinds.count("outcome"), kinds.count("deviations")) == (1, 1)
    assert works.kinds("trust/release-bot").count("trust-outcome") == 1


@pytest.mark.parametrize(
    ("op", "more"),
    [("refused", {"because": "the plan changed"}), ("scanned", {"scan": {"passed": False, "findings": ["a secret"]}})],
)
def test_what_the_workflow_refused_stays_refused_after_its_life(works: Works, op: str, more: dict[str, Any]) -> None:
    if op == "scanned":
        works.environ["SCANNER"] = SCANNER
    approval = approved(works)
    works.record(op, approval, **more)
    expires = works.case(approval).request.expires
    for now in (int(works.time), expires, expires + 86_400):
        assert works.case(approval).status(works.settings.policy, now).state is State.REFUSED


def test_what_nobody_refused_in_its_life_expires(works: Works) -> None:
    approval = approved(works)
    works.time = works.case(approval).request.expires
    works.record("refused", approval, because="too late")
    works.place.evidence.append(approval, "refused", "approval-record", {"reason": "and after its life"})
    assert works.case(approval).status(works.settings.policy, int(works.time)).state is State.EXPIRED


def test_an_execution_that_never_began_has_no_end(works: Works) -> None:
    approval = approved(works)
    event = {"outcome": "executed", "detail": "", "deviations": []}
    with pytest.raises(EvidenceError, match="never began"):
        works.record("ended", approval, execution="exe-1", **event)
    works.start(approval)
    with pytest.raises(EvidenceError, match="never began"):
        works.record("ended", approval, execution="exe-1", **event)
    with pytest.raises(ValueError, match="splendid"):
        works.record("ended", approval, execution=f"exe-{approval}", **{**event, "outcome": "splendid"})
    assert "outcome" not in works.kinds(approval)


def test_a_refusal_by_people_counts_and_other_ends_do_not(works: Works) -> None:
    refused = works.submitted()
    works.decide(refused, "alice", Verdict.REFUSE)
    assert works.record("refused", refused, because="x", next="ended")["state"] == "refused"
    assert works.kinds("trust/release-bot").count("trust-outcome") == 1
    late = works.submitted(data=big_calls(1, 1))
    works.time += 5 * 3600
    assert works.record("refused", late, because="x", next="ended", notified=["requested-0"])["state"] == "expired"
    assert works.kinds("trust/release-bot").count("trust-outcome") == 1
    assert works.kinds(late) == ["request", "notified"]


def test_what_the_workflow_ends_is_refused_for_good(works: Works) -> None:
    approval = works.submitted()
    said = works.record("refused", approval, because="it was looked at 200 times", next="wait")
    assert (said["state"], said["because"]) == ("refused", "it was looked at 200 times")
    works.decide(approval, "alice")
    assert works.recheck(approval)["next"] == "ended"
    assert not works.case(approval).status(works.settings.policy, int(works.time)).executable


@pytest.mark.parametrize(
    "scan",
    [
        None,
        {},
        True,
        "passed",
        {"passed": "yes", "findings": []},
        {"passed": 1, "findings": []},
        {"passed": True},
        {"passed": True, "findings": None},
        {"passed": False, "findings": ["a public bucket"]},
        {"passed": True, "findings": [], "more": 1},
    ],
)
def test_what_a_scanner_does_not_pass_is_refused(works: Works, scan: object) -> None:
    works.environ["SCANNER"] = SCANNER
    approval = works.submitted()
    works.decide(approval, "alice")
    for _ in range(2):
        said = works.record("scanned", approval, scan=scan)
        assert (said["passed"], said["next"]) == (False, "refused")
    assert works.record("scanned", approval, scan={"passed": True, "findings": []})["passed"] is False
    assert works.kinds(approval).count("scan") == 1
    assert works.recheck(approval)["next"] == "ended"
    assert works.kinds("trust/release-bot").count("trust-outcome") == 1


def test_a_scan_that_is_passed_goes_on(works: Works) -> None:
    works.environ["SCANNER"] = SCANNER
    approval = works.submitted()
    said = works.record("scanned", approval, scan={"passed": True, "findings": ["a note"]})
    assert (said["passed"], said["because"], said["next"]) == (True, "", "people")
    works.decide(approval, "alice")
    assert works.recheck(approval)["next"] == "apply"


def test_without_a_scanner_the_record_says_so(works: Works) -> None:
    approval = works.submitted()
    assert works.record("scanned", approval, scan={"scan": "none"})["passed"] is True
    (record,) = works.case(approval).of_kind("scan")
    assert record.body == {"passed": True, "scanner": "none", "findings": []}


def test_a_workflow_that_fails_before_anything_began_refuses(works: Works) -> None:
    approval = approved(works)
    for _ in range(2):
        said = works.record("failed", approval, error="States.Timeout", cause="ghp_" + "a" * 36, state="Recheck")
        assert said["state"] == "refused"
    (record,) = works.case(approval).of_kind("refused")
    assert record.body["reason"] == "the workflow failed in Recheck: States.Timeout"
    assert "ghp_" not in str(record.body)
    assert works.recheck(approval)["next"] == "ended"


def test_a_workflow_that_fails_after_something_began_says_so(works: Works) -> None:
    approval = approved(works)
    works.start(approval)
    for _ in range(2):
        said = works.record("failed", approval, error="Lambda.Unknown", cause="it died", state="Apply")
        assert said["state"] == "failed"
    (record,) = works.case(approval).of_kind("outcome")
    assert record.body["detail"].startswith("the execution began and its result is not known: look at account 222")
    assert cell(works).failure is not None


def test_a_refusal_after_something_began_is_a_failure(works: Works) -> None:
    approval = approved(works)
    works.start(approval)
    assert works.record("refused", approval, because="x", next="apply")["state"] == "failed"
    assert works.kinds(approval)[-1] == "outcome"


@pytest.mark.parametrize("op", ["failed", "refused"])
def test_what_never_was_a_request_is_recorded_too(works: Works, op: str) -> None:
    approval = works.propose()
    for _ in range(2):
        works.record(op, approval, error="AccessDenied", cause="", state="Read", because="the change set is gone")
    assert works.kinds(approval) == ["refused"]
    row = works.place.index.get(approval)
    assert row is not None
    assert not row.is_open


def test_a_broken_chain_takes_all_trust_away_and_is_recorded(works: Works) -> None:
    approval = approved(works)
    del works.dynamodb.tables["evidence"][approval, 2]
    for _ in range(2):
        said = works.record("failed", approval, error="EvidenceError", cause="", state="Recheck")
        assert said["state"] == "failed"
    assert works.kinds(approval).count("failed") == 1
    assert works.kinds("trust/release-bot").count("trust-trigger") == 1
    assert cell(works).tier is TrustTier.T0


def test_an_operation_that_is_not_known_is_an_error(works: Works) -> None:
    with pytest.raises(EvidenceError, match="allowed: scanned, ended, refused, failed"):
        works.record("approve", works.submitted())


def test_texts_are_bounded_and_hold_no_secrets(works: Works) -> None:
    approval = approved(works, data=CALLS)
    execution = works.start(approval)
    secret = f"ghp_{'Z' * 36}"
    works.record(
        "ended",
        approval,
        execution=execution,
        outcome="failed",
        detail=f"{secret}\x00\u202e" + "x" * 100_000,
        deviations=[f"{secret} {number} " + "y" * 10_000 for number in range(1_000)],
    )
    text = str([record.line() for record in works.case(approval).records])
    assert secret not in text
    assert "\\u202e" not in text
    (record,) = works.case(approval).of_kind("deviations")
    assert (len(record.body["deviations"]), record.body["count"]) == (200, 1_000)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("op", ["failed", "refused", "scanned"])
def test_a_crash_while_an_end_is_recorded_leaves_one(works: Works, op: str, at: int, when: str) -> None:
    works.environ["SCANNER"] = SCANNER
    approval = approved(works)
    if op == "failed":
        works.environ.pop("SCANNER")
        works.start(approval)
    event = {"error": "Lambda.Unknown", "cause": "", "state": "Apply", "because": "late", "scan": {"passed": False}}
    works.faults.at = (len(works.faults.calls) + at, when)
    with suppress(fakes.Crash):  # a refusal writes less than a failure
        works.record(op, approval, **event)
    works.faults.at = None
    works.record(op, approval, **event)
    kinds = works.kinds(approval)
    assert kinds.count({"failed": "outcome", "refused": "refused", "scanned": "scan"}[op]) == 1
    assert works.kinds("trust/release-bot").count("trust-outcome") == (0 if op == "refused" else 1)
    assert works.recheck(approval)["next"] == "ended"
    row = works.place.index.get(approval)
    assert row is not None
    assert not row.is_open
