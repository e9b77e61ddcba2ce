"""Looking again: what a callback is worth, and what is next."""

from __future__ import annotations

import base64
import json
import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.errors import EvidenceError
from tests.approval.made import START
from tests.handlers.approval import fakes
from tests.handlers.approval.works import SETTINGS, Works, big_calls, with_policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINUTE = 60


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def test_waits_until_a_person_approves(works: Works) -> None:
    approval = works.submitted()
    assert works.recheck(approval)["next"] == "wait"
    callback = works.decide(approval, "alice")
    answer = works.recheck(approval, callback, round_=1)
    assert (answer["next"], answer["state"], answer["forged"]) == ("apply", "approved", False)
    assert [notice["id"] for notice in answer["notices"]] == ["approved"]
    assert "forged-callback" not in works.kinds(approval)


def test_a_callback_that_was_lost_is_made_good_by_the_next_look(works: Works) -> None:
    approval = works.submitted()
    works.decide(approval, "alice")
    assert works.recheck(approval)["next"] == "apply"


def forged(works: Works, approval: str) -> dict[str, Callable[[], Any]]:
    """Callbacks that the API function did not send."""
    digest = "ab" * 32
    view = works.decide(approval, "rita")  # the requester's own decision, which does not count
    bad = base64.b64encode(b"\x30\x06\x02\x01\x01\x02\x01\x01").decode()
    return {
        "bare": dict,
        "text": lambda: "approved",
        "list": lambda: [True],
        "wish": lambda: {"approved": True, "next": "apply", "state": "approved"},
        "answer": lambda: {"next": "apply"},
        "no signature": lambda: {"approval": approval, "decision": digest, "number": 2, "signature": ""},
        "no key's": lambda: {"approval": approval, "decision": digest, "number": 2, "signature": bad},
        "no base64": lambda: {"approval": approval, "decision": digest, "number": 2, "signature": "%"},
        "evidence key": lambda: works.callback(approval, digest, 2, fakes.EVIDENCE_KEY),
        "unknown decision": lambda: works.callback(approval, digest, 2),
        "another number": lambda: {**view, "number": 1},
        "true number": lambda: {**view, "number": True},
        "another approval": lambda: {**view, "approval": "apr-other"},
        "more": lambda: {**view, "next": "apply"},
        "failure": lambda: {"failure": {"error": "x", "cause": "y", "state": "WaitForPeople"}},
        "deep": lambda: json.loads("[" * 150 + "]" * 150),
        "surrogate": lambda: {"a": "\ud800"},
    }


NAMES = (
    *("bare", "text", "list", "wish", "answer", "no signature", "no key's", "no base64", "evidence key"),
    *("unknown decision", "another number", "true number", "another approval", "more", "failure", "deep", "surrogate"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_bare_task_success_passes_nothing_and_is_recorded(works: Works, name: str) -> None:
    approval = works.submitted()
    callback = forged(works, approval)[name]()
    for _ in range(2):  # the state is tried again
        answer = works.recheck(approval, callback, round_=1)
        assert (answer["next"], answer["state"], answer["forged"]) == ("wait", "pending", True)
    assert works.kinds(approval).count("forged-callback") == 1
    # Whoever sends it does not keep people from deciding.
    assert works.recheck(approval, works.decide(approval, "alice"), round_=2)["next"] == "apply"


def test_the_list_of_forgeries_is_whole(works: Works) -> None:
    assert set(forged(works, works.submitted())) == set(NAMES)


def test_a_callback_for_a_decision_that_does_not_count_changes_nothing(works: Works) -> None:
    approval = works.submitted()
    answer = works.recheck(approval, works.decide(approval, "rita"))  # it is signed, and it is the requester's
    assert (answer["next"], answer["forged"]) == ("wait", False)


def test_two_approvers_at_once(works: Works) -> None:
    approval = works.submitted(data=big_calls(100))  # R3 takes two people
    first, second = works.decide(approval, "alice"), works.decide(approval, "bob")
    for callback in (second, first):
        assert works.recheck(approval, callback)["next"] == "apply"


def test_a_double_click_is_one_vote(works: Works) -> None:
    approval = works.submitted(data=big_calls(100))
    callback = works.decide(approval, "alice")
    decision = works.case(approval).records[-1]
    works.deciding.append(approval, "decision", decision.who, decision.body)
    works.decide(approval, "alice")
    answer = works.recheck(approval, callback)
    assert (answer["next"], answer["state"]) == ("wait", "pending")


def test_a_refusal_ends_it(works: Works) -> None:
    approval = works.submitted()
    callback = works.decide(approval, "alice", Verdict.REFUSE)
    works.decide(approval, "dave")
    answer = works.recheck(approval, callback)
    assert (answer["next"], answer["state"]) == ("ended", "refused")
    row = works.place.index.get(approval)
    assert row is not None
    assert (row.state, row.is_open) == ("refused", False)


def test_an_approval_that_is_late_ends(works: Works) -> None:
    approval = works.submitted()
    works.decide(approval, "alice")
    works.time += 5 * 3600
    assert works.recheck(approval)["state"] == "expired"
    assert works.recheck(approval)["next"] == "ended"


def test_a_clock_that_jumps_back_brings_nothing_back_after_it_was_recorded(works: Works) -> None:
    approval = works.submitted()
    works.decide(approval, "alice")
    works.time += 5 * 3600
    works.recheck(approval, told=("approved",))  # a record of that later time
    works.time = START
    answer = works.recheck(approval)
    assert (answer["next"], answer["state"]) == ("ended", "expired")


def test_waits_no_longer_than_to_the_next_step(works: Works) -> None:
    approval = works.submitted()
    assert works.recheck(approval)["waitSeconds"] == 300
    works.time = START + 30 * MINUTE - 7
    answer = works.recheck(approval, told=("requested-0",))
    assert answer["waitSeconds"] == 7
    works.time += 7
    answer = works.recheck(approval)
    assert [notice["id"] for notice in answer["notices"]] == ["escalated-1"]
    works.time = START + 4 * 3600 - 1
    assert works.recheck(approval)["waitSeconds"] == 1


def test_a_notice_that_was_lost_is_due_again_until_it_is_recorded(works: Works) -> None:
    approval = works.submitted()
    for _ in range(2):
        assert [notice["id"] for notice in works.recheck(approval)["notices"]] == ["requested-0"]
    for _ in range(2):
        assert works.recheck(approval, told=("requested-0",))["notices"] == []
    assert works.kinds(approval).count("notified") == 1


def test_waits_for_the_calendar(tmp_path: Path) -> None:
    freeze = Freeze(START - 1, START + 20 * MINUTE, "release day")
    works = Works(tmp_path, with_policy(calendar=Calendar(freezes=(freeze,))))
    approval = works.submitted()
    answer = works.recheck(approval, works.decide(approval, "alice"))
    assert (answer["next"], answer["opens"]) == ("calendar", "2026-11-23T10:20:00Z")
    works.time = START + 20 * MINUTE
    assert works.recheck(approval)["next"] == "apply"


def test_nobody_looks_for_ever(works: Works) -> None:
    approval = works.submitted()
    for _ in range(2):
        answer = works.recheck(approval, round_=200)
        assert (answer["next"], answer["state"]) == ("ended", "refused")
    assert works.kinds(approval).count("refused") == 1


def test_a_scan_that_is_wanted_comes_before_everything(tmp_path: Path) -> None:
    works = Works(tmp_path)
    works.environ["SCANNER"] = "arn:aws:lambda:eu-central-1:111111111111:function:scanner"
    approval = works.submitted()
    callback = works.decide(approval, "alice")
    answer = works.recheck(approval, callback)
    assert (answer["next"], answer["state"]) == ("wait", "approved")
    works.record("scanned", approval, scan={"passed": True, "findings": []})
    assert works.recheck(approval)["next"] == "apply"


def test_a_chain_that_is_broken_leads_nowhere(works: Works) -> None:
    approval = works.submitted()
    works.decide(approval, "alice")
    del works.dynamodb.tables["evidence"][approval, 2]
    with pytest.raises(EvidenceError, match="not whole"):
        works.recheck(approval)


def test_a_decision_under_the_evidence_key_leads_nowhere(works: Works) -> None:
    """Whoever has the workflow's key, and not the API's, cannot approve."""
    approval = works.submitted()
    case = works.case(approval)
    works.decide(approval, "alice")
    decision = works.case(approval).records[-1]
    for number in (2, 3):
        del works.dynamodb.tables["evidence"][approval, number]
    assert works.case(approval).records == case.records
    works.place.evidence.append(approval, "decision", decision.who, decision.body)
    with pytest.raises(EvidenceError, match="not its kind's"):
        works.recheck(approval)


@pytest.mark.parametrize("seed", range(12))
def test_crashes_and_repeats_in_any_order_lead_to_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    works = Works(tmp_path)
    approval = works.submitted()
    callback = works.decide(approval, "alice")
    for number in range(6):
        works.faults.at = (len(works.faults.calls) + chance.randrange(4), chance.choice(["before", "after"]))
        with suppress(fakes.Crash):
            works.recheck(approval, chance.choice([None, callback, {"approved": True}]), round_=number, told=("a", "b"))
    works.faults.at = None
    assert works.recheck(approval, told=("a", "b"))["next"] == "apply"
    assert works.kinds(approval).count("notified") == 2


def test_settings_of_another_prefix_change_nothing_here(tmp_path: Path) -> None:
    works = Works(tmp_path, replace(SETTINGS, prefix="other"))
    assert works.classify(works.propose())["next"] == "people"
