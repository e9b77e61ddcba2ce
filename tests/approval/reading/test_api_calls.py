"""Lists of API calls, and the IAM actions that they need, held against AWS's own data."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.reading import api_actions
from sudo_mcp_guardrails.approval.reading.api_actions import actions_of
from sudo_mcp_guardrails.iam.catalogue import service_actions
from tests.approval.reading import samples
from tests.approval.reading.samples import read, reasons


def test_calls_in_their_order() -> None:
    plan = read(samples.api_calls())
    first, second = plan.changes
    assert (first.operation, first.id, first.type) == (Operation.CALL, "1", "s3:PutBucketTagging")
    assert first.resources == ("arn:aws:s3:::shop",)
    assert second.id == "2"
    assert second.actions == ("lambda:UpdateFunctionConfiguration", "iam:PassRole")
    function = f"arn:aws:lambda:{samples.REGION}:{samples.ACCOUNT}:function:shop"
    assert second.resources == (function, f"arn:aws:iam::{samples.ACCOUNT}:role/shop")
    assert (plan.account, plan.region, plan.unknown) == (samples.ACCOUNT, samples.REGION, ())


def call(service: str, operation: str, region: str = samples.REGION, **parameters: Any) -> list[dict[str, Any]]:
    return [{"service": service, "operation": operation, "region": region, "parameters": parameters}]


@pytest.mark.parametrize(
    ("service", "operation", "actions"),
    [
        ("s3", "ListObjectsV2", ("s3:ListBucket",)),
        ("s3", "HeadObject", ("s3:GetObject",)),
        ("s3", "CopyObject", ("s3:GetObject", "s3:PutObject")),
        ("s3", "DeleteBucketEncryption", ("s3:PutEncryptionConfiguration",)),
        ("s3", "GetBucketNotificationConfiguration", ("s3:GetBucketNotification",)),
        ("s3", "DeleteBucketPolicy", ("s3:DeleteBucketPolicy",)),
        ("lambda", "Invoke", ("lambda:InvokeFunction",)),
        ("stepfunctions", "StartExecution", ("states:StartExecution",)),
        ("elbv2", "CreateListener", ("elasticloadbalancing:CreateListener",)),
        ("dynamodb", "ExecuteStatement", ()),
        ("apigateway", "CreateRestApi", ()),
        ("sagemaker", "CreateModel", ()),
    ],
)
def test_actions_of_operations(service: str, operation: str, actions: tuple[str, ...]) -> None:
    assert actions_of(service, operation) == actions
    plan = read(call(service, operation))
    assert plan.changes[0].actions == actions
    expected = [] if actions else [f"nobody knows which IAM action {service} {operation} needs"]
    assert reasons(plan) == expected


@pytest.mark.parametrize("service", api_actions.services())
def test_every_operation_of_a_listed_service_is_an_action_of_the_catalogue(service: str) -> None:
    operations = Loader().load_service_model(service, "service-2")["operations"]
    wrong = []
    for operation in operations:
        for action in actions_of(service, operation):
            prefix = action.split(":")[0]
            if action not in service_actions(prefix):
                wrong.append(action)
    # Some are newer than the catalogue, and some take no permission; a wrong prefix would be all of them.
    assert len(wrong) <= len(operations) // 5, wrong


def test_every_irregular_name_is_one_of_an_operation() -> None:
    for name, actions in api_actions._IRREGULAR.items():
        service, operation = name.split(":")
        assert operation in Loader().load_service_model(service, "service-2")["operations"]
        assert all(action in service_actions(action.split(":")[0]) for action in actions), name
    for operation in (*api_actions._UNKNOWN,):
        assert operation.split(":")[1] in Loader().load_service_model("s3", "service-2")["operations"]


def test_every_operation_of_s3_is_mapped_or_said_to_be_unknown() -> None:
    catalogue = service_actions("s3")
    for operation in Loader().load_service_model("s3", "service-2")["operations"]:
        assert all(action in catalogue for action in actions_of("s3", operation)), operation


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "more"),
    [
        ("s3", "PutObject", {"ACL": "public-read", "Tagging": "a=b"}, {"s3:PutObjectAcl", "s3:PutObjectTagging"}),
        ("s3", "DeleteObject", {"VersionId": "v"}, {"s3:DeleteObjectVersion"}),
        ("s3", "DeleteObject", {"BypassGovernanceRetention": True}, {"s3:BypassGovernanceRetention"}),
        ("s3", "CreateBucket", {"ACL": "public-read"}, {"s3:PutBucketAcl"}),
        ("s3", "PutObjectTagging", {"VersionId": "v", "Tagging": {}}, {"s3:PutObjectVersionTagging"}),
        ("ec2", "RunInstances", {"TagSpecifications": []}, {"ec2:CreateTags"}),
        ("sqs", "SendMessage", {"ACL": "x"}, set()),
    ],
)
def test_what_the_parameters_ask_for_takes_more_actions(
    service: str, operation: str, parameters: dict[str, Any], more: set[str]
) -> None:
    (change,) = read(call(service, operation, **parameters)).changes
    assert set(change.actions) == {*actions_of(service, operation), *more}
    assert all(action in service_actions(service) for action in change.actions)


def test_a_region_that_is_not_told_is_not_known() -> None:
    assert reasons(read(call("sqs", "SendMessage", region=""))) == ["the Region is not told"]
    plan = read(call("sqs", "SendMessage", region=""), region="eu-west-1")
    assert (plan.unknown, plan.region) == ((), "eu-west-1")


def test_code_that_a_call_takes_in() -> None:
    found = reasons(read(call("lambda", "UpdateFunctionCode", FunctionName="f", S3Bucket="b", S3Key="k")))
    assert found == ["s3-object s3://b/k has no version or hash that says which content it is"]
    assert reasons(read(call("s3", "PutObject", Bucket="b", Key="k", Body="x"))) == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ([{"operation": 7}], "call 1: service: expected a text, got null"),
        ([{"service": "s3", "operation": "put bucket"}], "call 1: operation: expected a name"),
        ([{"service": "S3!", "operation": "PutObject"}], "call 1: service: expected a name"),
        ([{"service": "s3", "operation": "PutObject", "parameters": []}], "call 1: parameters: expected an object"),
        ([{"service": "s3", "operation": "PutObject", "region": "x"}], "call 1: region: expected a Region"),
        ([{"service": "s3", "operation": "PutObject", "account": "1"}], "call 1: account: expected an account"),
        ([{"service": "s3", "operation": "PutObject", "password": "hunter2"}], "call 1 has 'password', allowed are"),
        ([*call("s3", "PutObject"), "hunter2"], "call 2: expected an object, got a text"),
    ],
)
def test_malformed_calls_name_the_place(wrong: Any, reason: str) -> None:
    with pytest.raises(PlanError, match=reason) as raised:
        read(wrong)
    assert "hunter2" not in str(raised.value)
