"""The pipeline of OpenSearch Ingestion: its body, its role, and that the packs pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import Guardrails
from sudo_mcp_guardrails.constructs.ingestion_pipeline import IngestionPipeline
from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
from sudo_mcp_guardrails.trail.errors import TrailError
from tests.constructs.test_log_pipeline import DOMAIN, given_bucket, made, new_stack, statements


def built(region: str = "eu-central-1", **options: Any) -> tuple[cdk.Stack, IngestionPipeline]:
    stack = new_stack(region)
    source = TrailSource(given_bucket(stack), prefix="AWSLogs/")
    return stack, IngestionPipeline(stack, "Ingestion", source=source, target=DOMAIN, **options)


def test_the_pipeline() -> None:
    stack, construct = built()
    resources = made(stack)
    [pipeline] = resources["AWS::OSIS::Pipeline"].values()
    assert (pipeline["MinUnits"], pipeline["MaxUnits"]) == (1, 4)
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,27}", pipeline["PipelineName"])
    assert pipeline["VpcOptions"] == {"SubnetIds": ["s-1"], "SecurityGroupIds": ["sg-1"]}
    assert pipeline["LogPublishingOptions"]["IsLoggingEnabled"] is True
    [group] = resources["AWS::Logs::LogGroup"].values()
    assert group["LogGroupName"] == f"/aws/vendedlogs/OpenSearchService/pipelines/{pipeline['PipelineName']}"
    body = pipeline["PipelineConfigurationBody"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "TOKEN" for part in body)
    for line in (
        "acknowledgments: true",
        'notification_source: "eventbridge"',
        "visibility_duplication_protection: true",
        'document_id: "${/eventID}"',
        'action: "create"',
        'queue_url: "TOKEN"',
    ):
        assert f"{line}\n" in text
    assert (
        construct.body.visibility_seconds
        == resources["AWS::SQS::Queue"]["IngestionIngestionQueue"]["VisibilityTimeout"]
    )


def test_the_role() -> None:
    stack, construct = built()
    resources = made(stack)
    policy = statements(resources["AWS::IAM::ManagedPolicy"]["IngestionPolicy"])
    assert set(policy) == {
        f"Ingestion{name}" for name in ("Receive", "ReadTrail", "KeepDeadLetters", "Keys", "Describe", "Write")
    }
    assert "AWSLogs/*" in json.dumps(policy["IngestionReadTrail"]["Resource"])
    assert any("key/trail" in str(arn) for arn in policy["IngestionKeys"]["Resource"])
    assert "Delete" not in str(policy["IngestionWrite"]["Action"])
    [role] = resources["AWS::IAM::Role"].values()
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "osis-pipelines.amazonaws.com"}
    assert f"pipeline/{construct.body.name}" in str(trust["Condition"]["ArnLike"]["aws:SourceArn"])


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions(region: str) -> None:
    stack = new_stack(region)
    source = TrailSource(s3.Bucket.from_bucket_name(stack, "Trail", "trail"))
    target = DOMAIN.__class__(DOMAIN.url, "domain-arn", DOMAIN.placement)
    IngestionPipeline(stack, "Ingestion", source=source, target=target)
    assert re.findall(r"arn:aws[a-z-]*:", json.dumps(made(stack))) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_units": 0}, PipelineError, "units 0 to 4 are not allowed, expected 1 to 96, in order"),
        ({"min_units": 5}, PipelineError, "units 5 to 4 are not allowed"),
        ({"max_units": 97}, PipelineError, "units 1 to 97 are not allowed"),
        ({"index_prefix": "A"}, TrailError, "index prefix 'A'"),
    ],
)
def test_bad_props(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        built(**options)


@pytest.mark.parametrize("told", [True, False])
def test_the_six_packs_and_the_validation_pass(*, told: bool) -> None:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-central-1:111111111111:alarms") if told else None
    source = TrailSource(given_bucket(stack))
    IngestionPipeline(stack, "Ingestion", source=source, target=DOMAIN, alarm_topic=topic)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce(guard_rules=[])
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    found = [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [rule for rule in found if "logPipeline" not in rule] == []
