"""Forwarding: three destinations, what each may do, and that the packs pass on all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from sudo_mcp_guardrails import Guardrails
from sudo_mcp_guardrails.constructs.log_destinations import HttpEndpoint, SecurityLake, StorageBucket
from sudo_mcp_guardrails.constructs.log_forwarding import LogForwarding
from sudo_mcp_guardrails.constructs.log_pipeline import LogPipeline
from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
from sudo_mcp_guardrails.trail.ocsf import COLUMNS
from tests.constructs.test_log_pipeline import BROKER, DOMAIN, given_bucket, made, new_stack, statements

KINDS = ("http", "bucket", "lake")


def destination(kind: str, stack: cdk.Stack) -> HttpEndpoint | StorageBucket | SecurityLake:
    if kind == "http":
        secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "siem")
        return HttpEndpoint("https://siem.example.com/collector", secret)
    bucket = s3.Bucket.from_bucket_name(stack, "Place", "place")
    return StorageBucket(bucket) if kind == "bucket" else SecurityLake(bucket, "agent-trail")


def built(kind: str, region: str = "eu-central-1", **options: Any) -> cdk.Stack:
    stack = new_stack(region)
    source = TrailSource(s3.Bucket.from_bucket_name(stack, "Trail", "trail"))
    LogForwarding(stack, "Forwarding", source=source, destination=destination(kind, stack), **options)
    return stack


def test_an_endpoint_s_key_is_a_secret_and_what_it_refuses_is_kept() -> None:
    resources = made(built("http"))
    [stream] = resources["AWS::KinesisFirehose::DeliveryStream"].values()
    http = stream["HttpEndpointDestinationConfiguration"]
    assert http["EndpointConfiguration"] == {"Name": "SIEM", "Url": "https://siem.example.com/collector"}
    assert http["SecretsManagerConfiguration"]["Enabled"] is True
    assert (http["S3BackupMode"], http["S3Configuration"]["Prefix"]) == ("FailedDataOnly", "failed/")
    assert stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "CUSTOMER_MANAGED_CMK"
    policy = statements(resources["AWS::IAM::ManagedPolicy"]["ForwardingStreamPolicy"])
    assert policy["ForwardingSecret"]["Action"] == "secretsmanager:GetSecretValue"
    assert "ForwardingSchema" not in policy
    variables = resources["AWS::Lambda::Function"]["ForwardingForward"]["Environment"]["Variables"]
    assert (variables["FORM"], variables["KNOWLEDGE_TABLE"]) == ("cloudtrail", "")
    assert "BROKER_ROLES" not in variables
    named = made(built("http", brokers=[BROKER]))["AWS::Lambda::Function"]["ForwardingForward"]
    assert named["Environment"]["Variables"]["BROKER_ROLES"] == BROKER


def test_a_bucket() -> None:
    resources = made(built("bucket"))
    [stream] = resources["AWS::KinesisFirehose::DeliveryStream"].values()
    place = stream["ExtendedS3DestinationConfiguration"]
    assert place["Prefix"] == "trail/!{timestamp:yyyy/MM/dd}/"
    assert "DataFormatConversionConfiguration" not in place
    deliver = statements(resources["AWS::IAM::ManagedPolicy"]["ForwardingStreamPolicy"])["ForwardingDeliver"]
    assert "place/trail/*" in json.dumps(deliver["Resource"])


def test_a_security_lake_gets_parquet_by_region_account_and_day() -> None:
    resources = made(built("lake"))
    [stream] = resources["AWS::KinesisFirehose::DeliveryStream"].values()
    place = stream["ExtendedS3DestinationConfiguration"]
    assert re.sub(r"!\{partitionKeyFromQuery:(\w+)\}", r"<\1>", place["Prefix"]) == (
        "ext/agent-trail/region=<region>/accountId=<account>/eventDay=<day>/"
    )
    [processor] = place["ProcessingConfiguration"]["Processors"]
    parameters = {p["ParameterName"]: p["ParameterValue"] for p in processor["Parameters"]}
    assert set(re.findall(r"(\w+):\(", parameters["MetadataExtractionQuery"])) == {"region", "account", "day"}
    conversion = place["DataFormatConversionConfiguration"]
    assert "ParquetSerDe" in conversion["OutputFormatConfiguration"]["Serializer"]
    [table] = resources["AWS::Glue::Table"].values()
    columns = table["TableInput"]["StorageDescriptor"]["Columns"]
    assert {column["Name"]: column["Type"] for column in columns} == COLUMNS
    assert "ForwardingSchema" in statements(resources["AWS::IAM::ManagedPolicy"]["ForwardingStreamPolicy"])


def test_it_reads_what_a_pipeline_knows_and_changes_nothing_of_it() -> None:
    stack = new_stack()
    source = TrailSource(given_bucket(stack))
    pipeline = LogPipeline(stack, "Pipeline", source=source, domain=DOMAIN)
    LogForwarding(
        stack, "Forwarding", source=source, destination=destination("bucket", stack), knowledge=pipeline.knowledge
    )
    resources = made(stack)
    policy = statements(resources["AWS::IAM::ManagedPolicy"]["ForwardingForwardPolicy"])
    assert policy["PipelineForwardKnowledge"]["Action"] == "dynamodb:GetItem"
    sids = [sid for policy in resources["AWS::IAM::ManagedPolicy"].values() for sid in statements(policy)]
    assert len(sids) == len(set(sids))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions(kind: str, region: str) -> None:
    text = json.dumps(made(built(kind, region)))
    assert re.findall(r"arn:aws[a-z-]*:(?!secretsmanager)", text) == []


def test_bad_props() -> None:
    stack = new_stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Place", "place")
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "siem")
    with pytest.raises(PipelineError, match=r"endpoint 'http://x' is not allowed, expected one that begins with https"):
        HttpEndpoint("http://x", secret)
    with pytest.raises(PipelineError, match=r"form 'cef' is not allowed, expected 'ocsf' or 'cloudtrail'"):
        StorageBucket(bucket, form="cef")
    with pytest.raises(PipelineError, match=r"custom source 'a b' is not allowed, expected 2 to 20"):
        SecurityLake(bucket, "a b")
    with pytest.raises(PipelineError, match=r"form 'cloudtrail' of a security lake is not allowed"):
        SecurityLake(bucket, "trail", form="cloudtrail")


@pytest.mark.parametrize("kind", KINDS)
def test_the_six_packs_and_the_validation_pass(kind: str) -> None:
    stack = built(kind)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce(guard_rules=[])
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    found = [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [rule for rule in found if "logPipeline" not in rule] == []
