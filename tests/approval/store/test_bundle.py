"""Bundles: what is stored gives the same plan and the same digest again."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.store.bundle import MAX_BUNDLE, Bundle

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.binary(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["$bytes", "$$bytes", "$", "a", "b", "ü"]), inner, max_size=4)
    ),
    max_leaves=20,
)
CALLS: list[dict[str, Any]] = [
    {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "jobs", "Body": b"\x00\xff"}}
]


@settings(max_examples=200, deadline=None)
@given(JSON, st.dictionaries(st.sampled_from(["target", "options", "parameters"]), JSON, max_size=3))
def test_what_is_read_again_is_the_same(data: Any, known: dict[str, Any]) -> None:
    if isinstance(data, bytes):
        return
    bundle = Bundle(Form.API_CALLS, data, known)
    again = Bundle.from_json(bundle.to_json())
    assert again == bundle
    assert again.to_json() == bundle.to_json()
    assert bundle.digest == again.digest == hashlib.sha256(bundle.to_json()).hexdigest()


def test_the_plan_is_the_same_as_before_it_was_stored() -> None:
    bundle = Bundle(Form.API_CALLS, CALLS, {"account": "111111111111", "region": "eu-central-1"})
    plan = Bundle.from_json(bundle.to_json()).plan()
    assert plan == bundle.plan()
    assert plan.digest == bundle.plan().digest
    assert plan.changes[0].after["Body"] == b"\x00\xff"


def test_decimals_keep_their_digits() -> None:
    found = Bundle.from_json(Bundle(Form.API_CALLS, [Decimal("0.10"), 0.1]).to_json())
    assert [str(each) for each in found.data] == ["0.10", "0.1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[]", "no bundle"),
        (b'{"kind":"bundle/1"}', "no bundle"),
        (b'{"data":[],"form":"api-calls","kind":"bundle/2","known":{}}', "no bundle"),
        (b'{"data":[],"form":"shell-script","kind":"bundle/1","known":{}}', "form is one of"),
        (b'{"data":[],"form":"api-calls","kind":"bundle/1","known":[]}', "form is one of"),
        (b'{"data":[],"form":"api-calls","kind":"bundle/1","known":{"x":1}}', "'x', allowed are"),
        (b'{"data":[], "form":"api-calls","kind":"bundle/1","known":{}}', "not canonical"),
        (b'{"data":[],"data":[],"form":"api-calls","kind":"bundle/1","known":{}}', "twice"),
        (b'{"data":{"$bytes":"xy"},"form":"api-calls","kind":"bundle/1","known":{}}', "no hexadecimal"),
        (b"\xff", "not JSON"),
    ],
)
def test_what_is_no_bundle_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        Bundle.from_json(text)


def test_a_bundle_is_bounded() -> None:
    with pytest.raises(PlanError, match="allowed are 16777216"):
        Bundle(Form.API_CALLS, ["x" * MAX_BUNDLE])
    with pytest.raises(PlanError, match="allowed are 16777216"):
        Bundle.from_json(b" " * (MAX_BUNDLE + 1))
    with pytest.raises(PlanError, match="is bytes"):
        Bundle(Form.API_CALLS, json.dumps(CALLS[0], default=str).encode())
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(PlanError, match="nested"):
        Bundle(Form.API_CALLS, deep)
