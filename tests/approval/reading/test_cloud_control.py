"""Requests to Cloud Control, and the patches in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.reading.json_patch import patched
from tests.approval.reading import samples
from tests.approval.reading.samples import read, reasons

BUCKET = "AWS::S3::Bucket"


def test_a_creation() -> None:
    state = {"BucketName": "shop"}
    plan = read({"TypeName": BUCKET, "DesiredState": json.dumps(state), "ClientToken": "t", "RoleArn": "r"})
    (change,) = plan.changes
    assert (change.operation, change.type, change.after) == (Operation.CREATE, BUCKET, state)
    assert change.actions == ("cloudformation:CreateResource",)
    assert change.options == {"ClientToken": "t", "RoleArn": "r"}
    assert plan.unknown == ()
    assert read({"TypeName": BUCKET, "DesiredState": state, "ClientToken": "t", "RoleArn": "r"}).digest == plan.digest


def test_an_update_of_what_is_known() -> None:
    plan = read(samples.cloud_control(), properties=samples.PROPERTIES)
    (change,) = plan.changes
    assert (change.operation, change.physical_id) == (Operation.UPDATE, "shop-db")
    assert change.before == samples.PROPERTIES
    assert change.after == {
        "DBInstanceIdentifier": "shop-db",
        "MasterUserPassword": "hunter2-of-the-patch",
        "Tags": [{"Key": "owner", "Value": "ops"}],
    }
    assert change.changed == ("MasterUserPassword", "Tags")
    assert change.sensitive == (("MasterUserPassword",),)
    assert plan.unknown == ()
    assert "hunter2" not in json.dumps(masked(plan))


def test_an_update_of_what_is_not_known() -> None:
    plan = read(samples.cloud_control())
    (change,) = plan.changes
    assert (change.before, change.after) == (None, None)
    assert change.changed == ("MasterUserPassword", "Tags")
    assert reasons(plan) == ["what it is now is not given"]


def test_a_deletion() -> None:
    plan = read({"TypeName": BUCKET, "Identifier": "shop"}, properties={"BucketName": "shop"})
    (change,) = plan.changes
    assert (change.operation, change.before, change.after) == (Operation.DELETE, {"BucketName": "shop"}, None)
    assert plan.unknown == ()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"TypeName": BUCKET}, "Identifier: expected a text, got null"),
        ({"TypeName": BUCKET, "DesiredState": "{", "Identifier": "x"}, "DesiredState is not JSON"),
        ({"TypeName": BUCKET, "DesiredState": "[]"}, "DesiredState: expected an object, got a list"),
        ({"TypeName": BUCKET, "DesiredState": "{}", "PatchDocument": "[]"}, "both DesiredState and PatchDocument"),
        ({"TypeName": BUCKET, "Operation": "GetResource", "Identifier": "x"}, "Operation: allowed are CreateResource"),
        ({"TypeName": BUCKET, "Operation": "DeleteResource", "DesiredState": "{}"}, "does not fit its members"),
    ],
)
def test_malformed_requests_are_refused(request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        read(request_)


# The examples of RFC 6902, appendix A, by their number there.
@pytest.mark.parametrize(
    ("value", "patch", "expected"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),  # 1
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),  # 3
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        (
            {"baz": "qux", "foo": "bar"},
            [{"op": "replace", "path": "/baz", "value": "boo"}],
            {"baz": "boo", "foo": "bar"},
        ),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),  # 6
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "qux"}], {"baz": "qux"}),  # 8
        ({"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"g": {}}}], {"foo": "bar", "child": {"g": {}}}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),  # 14
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),  # 16
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_patches_apply_as_the_rfc_says(value: Any, patch: Any, expected: Any) -> None:
    before = json.dumps(value)
    assert patched(value, patch, "p") == expected
    assert json.dumps(value) == before


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "test", "path": "/foo", "value": "hunter2"}],
        [{"op": "add", "path": "/missing/child", "value": 1}],
        [{"op": "remove", "path": "/missing"}],
        [{"op": "replace", "path": "/missing", "value": 1}],
        [{"op": "add", "path": "/list/5", "value": 1}],
        [{"op": "remove", "path": "/list/01"}],
        [{"op": "remove", "path": "/list/-"}],
        [{"op": "remove", "path": "/list/\u0661"}],
        [{"op": "remove", "path": f"/list/{'9' * 5000}"}],
        [{"op": "add", "path": "/new"}],
        [{"op": "add", "path": "new", "value": 1}],
        [{"op": "explode", "path": "/foo"}],
        [{"op": "move", "from": "/object", "path": "/object/inner"}],
        [{"op": "add", "path": "/foo/bar", "value": 1}],
        ["hunter2"],
        {"op": "add"},
        [{"op": "test", "path": "/foo", "value": 1}] * 10_001,
    ],
    ids=lambda patch: str(patch)[:60],
)
def test_patches_that_do_not_fit_are_refused_without_their_values(patch: Any) -> None:
    with pytest.raises(PlanError, match=r"^p") as raised:
        patched({"foo": "bar", "list": [1, 2], "object": {}}, patch, "p")
    assert "hunter2" not in str(raised.value)
