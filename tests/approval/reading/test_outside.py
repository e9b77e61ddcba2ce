"""Content outside of a plan: a pin where a version or hash is there, an unknown where not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.approval.reading import samples
from tests.approval.reading.samples import read, reasons

HASH = "0f" * 32
IMAGE = f"{samples.ACCOUNT}.dkr.ecr.{samples.REGION}.amazonaws.com/shop"
SECRET = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:db-AbC"
ASSETS = "cdk-hnb659fds-assets-111111111111-eu-central-1"
NONE = "has no version or hash that says which content it is"

PINNED: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"Code": {"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": "v"}}, ("s3-object", "s3://b/k", "v")),
    ({"BodyS3Location": {"Bucket": "b", "Key": "k", "Version": "v"}}, ("s3-object", "s3://b/k", "v")),
    ({"DefinitionS3Location": {"Bucket": "b", "Key": "k", "Version": "v"}}, ("s3-object", "s3://b/k", "v")),
    ({"Content": {"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": "v"}}, ("s3-object", "s3://b/k", "v")),
    ({"Code": {"ImageUri": f"{IMAGE}@sha256:{HASH}"}}, ("image", IMAGE, f"sha256:{HASH}")),
    ({"ContainerDefinitions": [{"Image": f"{IMAGE}:1@sha256:{HASH}"}]}, ("image", f"{IMAGE}:1", f"sha256:{HASH}")),
    ({"container_definitions": f'[{{"image": "{IMAGE}@sha256:{HASH}"}}]'}, ("image", IMAGE, f"sha256:{HASH}")),
    ({"TemplateURL": "https://b.s3.amazonaws.com/t?versionId=v"}, ("template", "https://b.s3.amazonaws.com/t", "v")),
    ({"Secret": "{{resolve:ssm:/a/b:3}}"}, ("parameter", "resolve:ssm:/a/b", "3")),
    ({"Secret": "x{{resolve:ssm-secure:p:3}}y"}, ("parameter", "resolve:ssm-secure:p", "3")),
    ({"P": "{{resolve:secretsmanager:db:SecretString:password::v1}}"}, ("secret", "resolve:secretsmanager:db", "v1")),
    (
        {"P": f"{{{{resolve:secretsmanager:{SECRET}:SecretString:::v1}}}}"},
        ("secret", f"resolve:secretsmanager:{SECRET}", "v1"),
    ),
]
OPEN: list[tuple[dict[str, Any], str, str]] = [
    ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, "s3://b/k", f"s3-object s3://b/k {NONE}"),
    # A name that is the hash of the content proves nothing: the object can be overwritten.
    (
        {
            "Code": {
                "S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
                "S3Key": f"{HASH}.zip",
            }
        },
        f"s3://{ASSETS}/{HASH}.zip",
        f"s3-object s3://{ASSETS}/{HASH}.zip {NONE}",
    ),
    ({"Code": {"ImageUri": f"{IMAGE}:{HASH}"}}, f"{IMAGE}:{HASH}", f"image {IMAGE}:{HASH} {NONE}"),
    ({"Image": {"Fn::Join": [":", [IMAGE, "latest"]]}}, f"{IMAGE}:latest", f"image {IMAGE}:latest {NONE}"),
    ({"ContainerDefinitions": [{"Image": "nginx"}]}, "nginx", f"image nginx {NONE}"),
    ({"TemplateURL": "https://b/t.yaml"}, "https://b/t.yaml", f"template https://b/t.yaml {NONE}"),
    ({"Command": {"ScriptLocation": "s3://b/job.py"}}, "s3://b/job.py", f"s3-object s3://b/job.py {NONE}"),
    ({"DefinitionS3Location": "s3://b/schema"}, "s3://b/schema", f"s3-object s3://b/schema {NONE}"),
    ({"Whatever": ["s3://b/dir/lib.whl"]}, "s3://b/dir/lib.whl", f"s3-object s3://b/dir/lib.whl {NONE}"),
    ({"P": "{{resolve:ssm:/a}}"}, "resolve:ssm:/a", f"dynamic reference resolve:ssm:/a {NONE}"),
    (
        {"P": "{{resolve:secretsmanager:db:SecretString:password}}"},
        "resolve:secretsmanager:db",
        f"dynamic reference resolve:secretsmanager:db {NONE}",
    ),
    (
        {"P": "{{resolve:secretsmanager:db:SecretString:p:AWSCURRENT}}"},
        "resolve:secretsmanager:db",
        "dynamic reference",
    ),
    ({"P": {"Fn::ImportValue": "vpc"}}, "export:vpc", f"an export of another stack, vpc, {NONE}"),
    (
        {"P": {"Fn::ImportValue": {"Fn::Sub": "${AWS::Region}-vpc"}}},
        "export:eu-central-1-vpc",
        "an export of another stack",
    ),
]


def plan_of(properties: dict[str, Any], **known: Any) -> Any:
    template = {"Resources": {"It": {"Type": "AWS::Not::Yet", "Properties": properties}}}
    return read(template, account=samples.ACCOUNT, region=samples.REGION, **known)


@pytest.mark.parametrize(("properties", "pin"), PINNED, ids=str)
def test_pinned_by_the_plan_itself(properties: dict[str, Any], pin: tuple[str, str, str]) -> None:
    plan = plan_of(properties)
    assert [(each.kind, each.name, each.version) for each in plan.pins] == [pin]
    assert plan.unknown == ()


@pytest.mark.parametrize(("properties", "uri", "reason"), OPEN, ids=str)
def test_not_pinned_but_by_a_version_that_the_caller_looked_up(
    properties: dict[str, Any], uri: str, reason: str
) -> None:
    plan = plan_of(properties)
    (found,) = reasons(plan, "It")
    assert found.startswith(reason)
    assert plan.pins == ()
    sure = plan_of(properties, versions={uri: "v9"})
    assert sure.unknown == ()
    assert [(each.name, each.version) for each in sure.pins] == [(uri, "v9")]


@pytest.mark.parametrize(
    "properties",
    [
        {"LogUri": "s3://b/logs/x"},
        {"OutputLocation": "s3://b/out"},
        {"Location": "s3://b/table/"},
        {"Tags": [{"Key": "a", "Value": "b"}]},
        {"ImageId": "ami-0123456789abcdef0"},
        {"LoggingConfiguration": {"DestinationBucketName": "b", "LogFilePrefix": "p"}},
        {"Url": "https://example.com/x"},
    ],
    ids=str,
)
def test_what_takes_nothing_in(properties: dict[str, Any]) -> None:
    plan = plan_of(properties)
    assert (plan.pins, plan.unknown) == ((), ())


@pytest.mark.parametrize("version", [{"Ref": "Version"}, "${Version}", "{{resolve:ssm:v:1}}"])
def test_a_version_that_only_the_deployment_tells_pins_nothing(version: Any) -> None:
    plan = plan_of({"Code": {"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": version}})
    assert f"s3-object s3://b/k {NONE}" in reasons(plan)


def test_a_reference_that_is_put_together_is_not_known() -> None:
    assert reasons(plan_of({"P": {"Fn::Join": ["", ["{{resolve:ssm:", {"Ref": "X"}, ":1}}"]]}})) == [
        f"dynamic reference resolve: that is put together at deployment {NONE}"
    ]


def test_a_parameter_spells_out_the_address() -> None:
    template = {
        "Parameters": {"Bucket": {"Type": "String"}, "Digest": {"Type": "String"}},
        "Resources": {
            "It": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": {"S3Bucket": {"Ref": "Bucket"}, "S3Key": "k"},
                    "Image": {"Fn::Sub": f"{IMAGE}@sha256:${{Digest}}"},
                },
            }
        },
    }
    plan = read(template, parameters={"Bucket": "code", "Digest": HASH})
    assert [pin.version for pin in plan.pins] == [f"sha256:{HASH}"]
    assert reasons(plan) == [f"s3-object s3://code/k {NONE}"]


def test_code_that_stays_is_not_fetched_again_and_references_are() -> None:
    kept = {"Code": {"S3Bucket": "b", "S3Key": "k"}, "V": "{{resolve:ssm:/v}}"}
    old, new = (
        {"Resources": {"It": {"Type": "AWS::Lambda::Function", "Properties": {**kept, "Timeout": seconds}}}}
        for seconds in (3, 4)
    )
    found = reasons(read(new, deployed=old, deployed_parameters={}), "It")
    assert f"dynamic reference resolve:ssm:/v {NONE}" in found
    assert not any("s3-object" in reason for reason in found)


def test_no_reason_has_the_signature_of_an_address() -> None:
    url = "https://b.s3.amazonaws.com/t?X-Amz-Signature=" + "ab" * 32
    plan = plan_of({"TemplateURL": url, "CodeUri": "https://me:hunter2@host/c"})
    assert reasons(plan) == [f"s3-object https://****@host/c {NONE}", f"template https://b.s3.amazonaws.com/t {NONE}"]
