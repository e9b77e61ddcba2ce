from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import ApprovalError, TrustError
from sudo_mcp_guardrails.approval.trust_ledger.entries import (
    document,
    fingerprint,
    kind_of,
    operation_digest,
    read_fact,
)
from sudo_mcp_guardrails.approval.trust_ledger.facts import (
    Automatic,
    Canary,
    HardTrigger,
    Outcome,
    Result,
    ReviewTest,
    Trigger,
)
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced, Promotion, Resolved
from tests.approval.trusting import PROD, R1, R2, R4, T1, T2, V1

OUTCOME = Outcome("item-1", V1, R2, PROD, Result.CLEAN, "00" * 32, "rita", ("ann", "ben"))
FACTS = [
    OUTCOME,
    Automatic("item-1", V1, R1, PROD, 100, 2, audit=True),
    Introduced(V1, "erin", "a new model"),
    Trigger(HardTrigger.HONEYTOKEN, "event 4711"),
    Promotion(V1, R1, PROD, T2, "olga", "sam", "as reviewed"),
    Demotion(T1, "sam", "too many rollbacks"),
    Demotion(T1, "sam", "too many rollbacks", R1, PROD),
    Canary(V1, "ee" * 32, passed=True),
    Resolved("item-1", "sam", "restored"),
    ReviewTest("ann", caught=False),
]


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_read_as_it_was_written(fact: Any) -> None:
    assert read_fact(kind_of(fact), json.loads(json.dumps(document(fact)))) == fact


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_with_one_field_more_or_less_is_refused(fact: Any) -> None:
    body = document(fact)
    with pytest.raises(TrustError):
        read_fact(kind_of(fact), {**body, "score": 1000})
    with pytest.raises(TrustError):
        read_fact(kind_of(fact), dict(list(body.items())[1:]))


@pytest.mark.parametrize(
    "change",
    [
        {"result": "splendid"},
        {"risk": "R4"},
        {"risk": 1},
        {"approvers": "ann"},
        {"fingerprint": "x"},
        {"approvers": ["a", "a"]},
    ],
)
def test_an_outcome_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TrustError):
        read_fact("trust-outcome", {**document(OUTCOME), **change})


def test_a_record_of_another_kind_is_refused() -> None:
    with pytest.raises(TrustError, match="'decision' is none of a ledger of trust"):
        read_fact("decision", {})


def test_facts_out_of_bounds_are_refused() -> None:
    with pytest.raises(TrustError, match="class R4"):
        Outcome("item-1", V1, R4, PROD, Result.CLEAN, "00" * 32, "rita")
    with pytest.raises(TrustError, match="cost -1"):
        Automatic("item-1", V1, R1, PROD, -1, 2, audit=True)
    with pytest.raises(ApprovalError):
        Promotion(V1, R1, PROD, T2, "olga", "sam", "")


def test_a_fingerprint_is_of_every_part() -> None:
    parts: dict[str, Any] = {"model": "m-1", "prompts": ("p", "q"), "tools": "t", "guardrails": "g"}
    changes: list[dict[str, Any]] = [
        {},
        {"model": "m-2"},
        {"prompts": ("q", "p")},
        {"prompts": ("pq",)},
        {"tools": "u"},
        {"guardrails": "h"},
    ]
    assert len({fingerprint(**{**parts, **change}) for change in changes}) == 6
    for name, empty in (("model", " "), ("prompts", ()), ("prompts", ("",)), ("tools", ""), ("guardrails", "")):
        with pytest.raises(TrustError, match="empty"):
            fingerprint(**{**parts, name: empty})


def test_identical_work_is_told_by_operation_type_and_arguments() -> None:
    one = operation_digest("update", "AWS::S3::Bucket", {"a": 1, "b": 2})
    assert one == operation_digest("update", "AWS::S3::Bucket", {"b": 2, "a": 1})
    assert one != operation_digest("create", "AWS::S3::Bucket", {"a": 1, "b": 2})
    assert one != operation_digest("update", "AWS::SQS::Queue", {"a": 1, "b": 2})
    assert one != operation_digest("update", "AWS::S3::Bucket", {"a": 1, "b": 3})
