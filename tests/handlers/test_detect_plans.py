"""Approved plans, read from where the approval workflow keeps them, and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.approval.store.signers import Keys
from sudo_mcp_guardrails.detection.baseline.calls import Call, Effect
from sudo_mcp_guardrails.detection.baseline.planned import Session
from sudo_mcp_guardrails.handlers.detect_plans import ApprovedPlans
from tests.handlers.approval import fakes
from tests.handlers.approval.works import CALLS, Works

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def plans(works: Works, keys: Keys | None = None) -> ApprovedPlans:
    """What the function makes, on the workflow's own stores."""
    clients = works.place.clients
    keys = keys or Keys(fakes.EVIDENCE_KEY, fakes.DECISION_KEY)
    return ApprovedPlans(clients.dynamodb, clients.s3, clients.kms, "evidence", "bucket", keys)


def action(name: str) -> Call:
    return Call(name.partition(":")[0], name, Effect.WRITE, failed=False, refused=False, terms=())


def test_an_approved_plan_holds_its_calls_and_no_others(works: Works) -> None:
    approval = works.submitted()
    works.decide(approval, "alice")
    case = works.case(approval)
    found = plans(works).find(approval, case.request.plan_digest)
    assert found is not None
    planned = {f"{call['service']}:{call['operation']}" for call in CALLS}
    assert planned
    assert all(found.holds(action(one), Session.APPLY) for one in planned)
    assert not found.holds(action("iam:CreateUser"), Session.APPLY)


def test_a_plan_is_read_once_and_of_another_digest_it_is_none(works: Works) -> None:
    approval = works.submitted()
    digest = works.case(approval).request.plan_digest
    found = plans(works)
    first = found.find(approval, digest)
    works.place.clients.dynamodb.tables.clear()
    assert found.find(approval, digest) is first
    assert found.find(approval, None) is first
    assert found.find(approval, "0" * 64) is None


def test_what_is_not_there_or_signed_by_another_key_is_no_plan(works: Works) -> None:
    approval = works.submitted()
    assert plans(works).find(None, "0" * 64) is None
    assert plans(works).find("apr-01HZZZZZZZZZZZZZZZZZZZZZZY", None) is None
    other = Keys(fakes.TRUST_KEY, fakes.DECISION_KEY)
    assert plans(works, other).find(approval, None) is None


def test_a_bundle_that_was_changed_is_no_plan(works: Works) -> None:
    approval = works.submitted()
    case = works.case(approval)
    objects = works.place.clients.s3.objects
    place = ("bucket", case.asked.bundle.key)
    objects[place] = [(version, data + b" ") for version, data in objects[place]]
    assert plans(works).find(approval, case.request.plan_digest) is None
