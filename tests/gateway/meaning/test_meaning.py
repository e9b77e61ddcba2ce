"""What calls of tools mean."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import AgentEnvironment, RiskClass
from sudo_mcp_guardrails.approval.risk import RiskContext
from sudo_mcp_guardrails.gateway.call import ToolCall, ToolResult
from sudo_mcp_guardrails.gateway.meaning import Effect, Situation, compare, meaning_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.meaning import Meaning

ACCOUNT = "111111111111"
SANDBOX = AgentEnvironment("sandbox", [ACCOUNT], ["eu-central-1"])
SITUATION = Situation(RiskContext((SANDBOX,), ACCOUNT, "eu-central-1"))


def script(code: str, situation: Situation = SITUATION, **more: Any) -> Meaning:
    return meaning_of(ToolCall("aws", "aws___run_script", {"code": code, **more}), situation)


def call(service: str, operation: str, params: dict[str, Any] | None = None, region: str = "") -> Meaning:
    where = f", region_name={region!r}" if region else ""
    return script(
        f"await call_boto3(service_name={service!r}, operation_name={operation!r}{where}, params={params or {}!r})"
    )


def needs(meaning: Meaning) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(need.action, need.level, need.resources) for each in meaning.calls for need in each.needs]


def test_a_read_is_a_read() -> None:
    found = call("s3", "ListBuckets")
    assert (found.decidable, found.effect, found.risk) == (True, Effect.READ, RiskClass.R0)
    assert needs(found) == [("s3:ListAllMyBuckets", "List", ("*",))]
    assert found.calls[0].region == "eu-central-1"


def test_a_read_stays_one_whatever_it_is_given() -> None:
    found = script(
        'r = await call_boto3(service_name="s3", operation_name="ListBuckets")\n'
        'for b in r["Buckets"]:\n'
        '  await call_boto3(service_name="s3", operation_name="GetBucketTagging", params={"Bucket": b["Name"]})'
    )
    assert (found.effect, found.risk) == (Effect.READ, RiskClass.R0)
    assert needs(found)[1] == ("s3:GetBucketTagging", "Read", ())


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        (
            "s3",
            "PutObject",
            {"Bucket": "b-1", "Key": "k", "ACL": "public-read"},
            {"s3:PutObject": ("arn:aws:s3:::b-1/k",), "s3:PutObjectAcl": ("arn:aws:s3:::b-1/k",)},
        ),
        ("s3", "ListObjectsV2", {"Bucket": "b-1"}, {"s3:ListBucket": ("arn:aws:s3:::b-1",)}),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b-1", "Key": "k", "CopySource": "b-2/x"},
            {"s3:GetObject": ("arn:aws:s3:::b-2/x",), "s3:PutObject": ("arn:aws:s3:::b-1/k",)},
        ),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b-1", "Key": "k", "CopySource": "b-2/%41"},
            {"s3:GetObject": (), "s3:PutObject": ("arn:aws:s3:::b-1/k",)},
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b-1", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y"}]}},
            {
                "s3:DeleteObject": ("arn:aws:s3:::b-1/x", "arn:aws:s3:::b-1/y"),
                "s3:DeleteObjectVersion": ("arn:aws:s3:::b-1/x", "arn:aws:s3:::b-1/y"),
            },
        ),
        (
            "dynamodb",
            "PutItem",
            {"TableName": "t"},
            {"dynamodb:PutItem": (f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/t",)},
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f"},
            {"lambda:InvokeFunction": (f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:f",)},
        ),
        ("iam", "DeleteUser", {"UserName": "u"}, {"iam:DeleteUser": ()}),
    ],
)
def test_resources_are_those_that_a_call_names(
    service: str, operation: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert {action: resources for action, _, resources in needs(call(service, operation, params))} == expected


def test_a_write_whose_target_is_computed_goes_to_a_person() -> None:
    found = script(
        'r = await call_boto3(service_name="sqs", operation_name="ListQueues")\n'
        'p = {"QueueUrl": r["QueueUrls"][0], "Tags": {"a": "b"}}\n'
        'await call_boto3(service_name="sqs", operation_name="TagQueue", params=p)'
    )
    assert (found.effect, found.risk) == (Effect.WRITE, RiskClass.R3)
    known = call(
        "sqs", "TagQueue", {"QueueUrl": f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/q", "Tags": {"a": "b"}}
    )
    assert known.risk is not RiskClass.R3


def test_an_acl_that_is_computed_counts_as_one() -> None:
    found = script(
        'r = await call_boto3(service_name="s3", operation_name="ListBuckets")\n'
        'p = {"Bucket": "b-1", "Key": "k", "ACL": r["Acl"]}\n'
        'await call_boto3(service_name="s3", operation_name="PutObject", params=p)'
    )
    assert "s3:PutObjectAcl" in [action for action, _, _ in needs(found)]


def test_unknown_services_and_other_regions_are_not_harmless() -> None:
    assert call("newservice", "ListThings").risk is RiskClass.R3
    assert call("newservice", "ListThings").effect is Effect.WRITE
    assert call("ec2", "DescribeVpcs", region="us-east-1").risk is RiskClass.R3


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sts", "GetSessionToken"),
        ("sts", "AssumeRole"),
        ("ecr", "GetAuthorizationToken"),
        ("iam", "CreateAccessKey"),
        ("codeartifact", "GetAuthorizationToken"),
        ("redshift", "GetClusterCredentials"),
        ("cognito-identity", "GetCredentialsForIdentity"),
        ("ssm", "StartSession"),
    ],
)
def test_what_signs_in_is_never_a_read(service: str, operation: str) -> None:
    found = call(service, operation)
    assert found.effect is Effect.VENDING
    assert found.risk in {RiskClass.R3, RiskClass.R4}
    assert [(each.service, each.operation) for each in found.vending] == [(service, operation)]


def test_a_presigned_url_is_what_its_holder_can_do() -> None:
    found = meaning_of(
        ToolCall("aws", "aws___get_presigned_url", {"bucket": "b-1", "key": "k", "method": "get"}), SITUATION
    )
    assert (found.effect, found.decidable) == (Effect.VENDING, True)
    assert needs(found) == [("s3:GetObject", "Read", ("arn:aws:s3:::b-1/k",))]
    unclear = meaning_of(ToolCall("aws", "aws___get_presigned_url", {"url": "s3://b-1/k"}), SITUATION)
    assert not unclear.decidable
    assert {need[0] for need in needs(unclear)} == {"s3:GetObject", "s3:PutObject"}


def test_commands_of_the_local_server_are_read() -> None:
    found = meaning_of(
        ToolCall("api", "call_aws", {"cli_command": ["aws s3 ls", "aws eks get-token --cluster-name x"]}), SITUATION
    )
    assert (found.effect, found.decidable) == (Effect.VENDING, True)
    refused = meaning_of(ToolCall("api", "call_aws", {"cli_command": "aws s3 ls --profile admin"}), SITUATION)
    assert refused.refused


@pytest.mark.parametrize("tool", ["aws___search_documentation", "aws___retrieve_skill", "suggest_aws_commands"])
def test_documentation_is_harmless(tool: str) -> None:
    found = meaning_of(ToolCall("aws", tool, {"query": "x"}), SITUATION)
    assert (found.known, found.effect, found.risk) == (True, Effect.READ, RiskClass.R0)


def test_other_tools_are_what_people_said_of_them() -> None:
    labelled = Situation(SITUATION.risk, labels={("git", "log"): Effect.READ})
    assert meaning_of(ToolCall("git", "log", {}), labelled).effect is Effect.READ
    for unknown in (ToolCall("git", "push", {}), ToolCall("other", "log", {})):
        found = meaning_of(unknown, labelled)
        assert (found.known, found.decidable, found.effect, found.risk) == (False, False, Effect.UNKNOWN, RiskClass.R3)


def test_new_arguments_of_a_tool_are_not_overlooked() -> None:
    assert script("x = 1").decidable
    assert not script("x = 1", endpoint="http://evil.example").decidable
    assert script("x = 1", aws_profile="admin").identity == "admin"


@pytest.mark.parametrize("arguments", [{}, {"code": None}, {"code": 1}, {"code": ["x"]}, {"code": "x = ("}])
def test_malformed_arguments_are_undecidable(arguments: dict[str, Any]) -> None:
    found = meaning_of(ToolCall("aws", "aws___run_script", arguments), SITUATION)
    assert (found.decidable, found.effect, found.risk) == (False, Effect.UNKNOWN, RiskClass.R3)


def test_a_resource_of_cloud_control_is_judged_as_what_it_creates() -> None:
    def create(kind: str, state: dict[str, Any]) -> Meaning:
        return call("cloudcontrol", "CreateResource", {"TypeName": kind, "DesiredState": json.dumps(state)})

    trust = {
        "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    }
    role = create("AWS::IAM::Role", trust)
    assert role.risk in {RiskClass.R3, RiskClass.R4}
    assert any("IAM" in reason.text or reason.rule == "identity" for reason in role.reasons)
    assert create("AWS::SNS::Topic", {}).risk < role.risk


def test_a_template_is_judged_as_what_it_creates() -> None:
    def stack(body: str) -> Meaning:
        return call("cloudformation", "CreateStack", {"StackName": "s", "TemplateBody": body})

    key = json.dumps({"Resources": {"R": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": "u"}}}})
    assert stack(key).risk in {RiskClass.R3, RiskClass.R4}
    assert any(change.type == "AWS::IAM::AccessKey" for plan in stack(key).plans for change in plan.changes)
    yaml = stack("Resources:\n  T:\n    Type: AWS::SNS::Topic\n")
    assert yaml.risk is RiskClass.R3
    assert any("no JSON" in reason.text for reason in yaml.reasons)


@pytest.mark.parametrize("operation", ["ExecuteChangeSet", "DeleteStack", "UpdateStack", "CreateStackSet"])
def test_what_a_call_does_not_show_is_not_known(operation: str) -> None:
    assert call("cloudformation", operation, {"StackName": "s"}).risk in {RiskClass.R3, RiskClass.R4}


def result(*made: Any, **body: Any) -> ToolResult:
    return ToolResult({"structuredContent": {"status": "ok", "api_calls": list(made)}, **body}, 100)


def test_what_was_made_and_not_declared_is_an_alert() -> None:
    declared = script('for i in range(2): await call_boto3(service_name="s3", operation_name="ListBuckets")').declared
    entry = {"service": "s3", "operation": "ListBuckets", "status": "ok"}
    assert not compare(declared, result(entry, entry)).is_alert
    assert not compare(declared, result({"service_name": "s3", "operation_name": "list_buckets"})).is_alert
    other = {"service": "iam", "operation": "DeleteUser"}
    assert compare(declared, result(entry, other)).undeclared == (("iam", "DeleteUser"),)
    assert compare(declared, result(entry, entry, entry)).over == (("s3", "ListBuckets", 3, 2),)


@pytest.mark.parametrize(
    "answer",
    [
        ToolResult({}, 1),
        ToolResult({"error": {"code": 1}}, 1),
        ToolResult({"structuredContent": []}, 1),
        ToolResult({"structuredContent": {"api_calls": "none"}}, 1),
        result("s3"),
        result({"service": "s3"}),
        result({"service": 1, "operation": 2}),
        result(*[{"service": "s3", "operation": "A"}] * 10_001),
    ],
)
def test_a_result_that_does_not_say_what_was_made_is_an_alert(answer: ToolResult) -> None:
    assert compare((), answer).unreadable


def test_it_is_quick_enough_for_the_path_of_a_call() -> None:
    code = "\n".join(
        f'await call_boto3(service_name="s3", operation_name="HeadBucket", params={{"Bucket": "b-{n}"}})'
        for n in range(5)
    )
    script(code)
    times = []
    for number in range(50):
        started = time.process_time()
        script(f"{code}\n# {number}")
        times.append(time.process_time() - started)
    assert sorted(times)[25] < 0.02
