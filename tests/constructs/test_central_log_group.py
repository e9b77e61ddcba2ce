"""The central log group as resources: what is counted, who is told, how members send, and the packs over all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import GuardrailNames, Guardrails
from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
from sudo_mcp_guardrails.constructs.central_log_group import CentralLogGroup
from sudo_mcp_guardrails.constructs.data_events import DataEvents
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.constructs.log_intake import LogIntake
from sudo_mcp_guardrails.constructs.log_subscription import LogSubscription
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError, trail_arn
from sudo_mcp_guardrails.policies.log_signals import LogSignal, log_signals

CENTRAL, MEMBER, MANAGEMENT = "111111111111", "222222222222", "999999999999"
ORGANIZATION = "o-a1b2c3d4e5"
HIPAA = Retention.for_(Framework.HIPAA, Framework.PCI_DSS)
PACKS = {"AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321", "Serverless"}
Template = dict[str, Any]


def new_stack(account: str = CENTRAL, *, region: str = "eu-central-1", app: cdk.App | None = None) -> cdk.Stack:
    env = cdk.Environment(account=account, region=region)
    return cdk.Stack(app or cdk.App(analytics_reporting=False), "Logs", env=env)


def template(stack: cdk.Stack) -> Template:
    found: Template = assertions.Template.from_stack(stack).to_json()["Resources"]
    return found


def of(found: Template, kind: str) -> list[Template]:
    return [resource["Properties"] for resource in found.values() if resource["Type"] == kind]


def plain(value: Any, partition: str = "aws", region: str = "eu-central-1") -> Any:
    match value:
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(str(plain(part, partition, region)) for part in parts)
        case {"Ref": "AWS::URLSuffix"}:
            return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        case {"Ref": name} if name.startswith("AWS::"):
            return resolve(f"${{{name}}}", {"Partition": partition, "AccountId": CENTRAL, "Region": region})
        case dict():
            return {key: plain(item, partition, region) for key, item in value.items()}
        case list():
            return [plain(item, partition, region) for item in value]
        case _:
            return value


def warnings(stack: cdk.Stack) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    return [str(entry.entry.data) for entry in found]


class TestLogGroup:
    @pytest.mark.parametrize(
        ("retention", "whole_period", "days"),
        [
            (HIPAA, False, 90),
            (HIPAA, True, 2192),
            (Retention.for_(Framework.SOX), True, 2557),
            (Retention.for_(Framework.FEDRAMP), False, 365),
            (Retention.for_(Framework.FEDRAMP), True, 1096),
            (Retention.custom(2, reason="x"), False, 3),
            (Retention.custom(3653, reason="x"), True, 3653),
        ],
        ids=["hot", "hipaa", "sox", "fedramp-hot", "fedramp", "short", "longest"],
    )
    def test_it_keeps_at_least_as_long(self, retention: Retention, *, whole_period: bool, days: int) -> None:
        stack = new_stack()
        group = CentralLogGroup(stack, "Central", retention=retention, whole_period=whole_period)
        assert group.retention_days == days
        (found,) = of(template(stack), "AWS::Logs::LogGroup")
        assert found["RetentionInDays"] == days
        assert "LogGroupName" not in found

    def test_it_is_encrypted_and_stays(self) -> None:
        stack = new_stack()
        CentralLogGroup(stack, "Central", retention=HIPAA)
        found = template(stack)
        (key,) = of(found, "AWS::KMS::Key")
        assert key["EnableKeyRotation"] is True
        (group,) = of(found, "AWS::Logs::LogGroup")
        assert group["KmsKeyId"]["Fn::GetAtt"][1] == "Arn"
        kept = {r["Type"] for r in found.values() if r.get("DeletionPolicy") == "Retain"}
        assert kept == {"AWS::KMS::Key", "AWS::Logs::LogGroup"}

    def test_a_key_that_is_there_is_used(self) -> None:
        stack = new_stack()
        arn = f"arn:aws:kms:eu-central-1:{CENTRAL}:key/1"
        CentralLogGroup(stack, "Central", retention=HIPAA, encryption_key=kms.Key.from_key_arn(stack, "Given", arn))
        found = template(stack)
        assert of(found, "AWS::KMS::Key") == []
        assert of(found, "AWS::Logs::LogGroup")[0]["KmsKeyId"] == arn

    def test_by_default_nobody_sends_to_it(self) -> None:
        stack = new_stack()
        assert CentralLogGroup(stack, "Central", retention=HIPAA).intake is None
        kinds = {resource["Type"] for resource in template(stack).values()}
        assert kinds == {
            "AWS::KMS::Key",
            "AWS::Logs::LogGroup",
            "AWS::Logs::MetricFilter",
            "AWS::CloudWatch::Alarm",
        }


class TestSignals:
    def test_each_is_a_metric_and_those_with_a_threshold_an_alarm(self) -> None:
        stack = new_stack()
        group = CentralLogGroup(stack, "Central", retention=HIPAA, archive_account=CENTRAL)
        signals = {signal.id: signal for signal in log_signals(GuardrailNames(), CENTRAL)}
        found = template(stack)
        filters = {f["MetricTransformations"][0]["MetricName"]: f for f in of(found, "AWS::Logs::MetricFilter")}
        assert {name: f["FilterPattern"] for name, f in filters.items()} == {
            name: signal.pattern for name, signal in signals.items()
        }
        alarms = {alarm["MetricName"]: alarm for alarm in of(found, "AWS::CloudWatch::Alarm")}
        loud = {name: signal for name, signal in signals.items() if signal.threshold is not None}
        assert set(alarms) == set(loud) == set(group.alarms)
        for name, alarm in alarms.items():
            assert alarm["Threshold"] == loud[name].threshold
            assert alarm["Period"] == 60 * loud[name].minutes
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
            assert alarm["Namespace"] == filters[name]["MetricTransformations"][0]["MetricNamespace"]
            assert alarm["TreatMissingData"] == "notBreaching"

    def test_others_can_be_given(self) -> None:
        stack = new_stack()
        signal = LogSignal("mine", '{ ($.eventName = "CreateUser") }', "somebody makes a user", 2, 10)
        CentralLogGroup(stack, "Central", retention=HIPAA, signals=[signal], names=GuardrailNames("robots"))
        (alarm,) = of(template(stack), "AWS::CloudWatch::Alarm")
        assert (alarm["Namespace"], alarm["MetricName"]) == ("robots/trail", "mine")
        assert (alarm["Threshold"], alarm["Period"]) == (2, 600)

    def test_the_topic_is_told_by_every_alarm(self) -> None:
        stack = new_stack()
        arn = f"arn:aws:sns:eu-central-1:{CENTRAL}:told"
        CentralLogGroup(
            stack,
            "Central",
            retention=HIPAA,
            organization_id=ORGANIZATION,
            topic=sns.Topic.from_topic_arn(stack, "Topic", arn),
        )
        alarms = of(template(stack), "AWS::CloudWatch::Alarm")
        assert len(alarms) > 5
        assert all(alarm["AlarmActions"] == [arn] for alarm in alarms)
        assert warnings(stack) == []

    def test_without_a_topic_a_warning_says_that_nobody_is_told(self) -> None:
        stack = new_stack()
        CentralLogGroup(stack, "Central", retention=HIPAA)
        (warning,) = warnings(stack)
        assert "[ack: sudo-mcp-guardrails:centralLogGroup.silent]" in warning


@pytest.fixture(scope="module")
def found() -> Template:
    stack = new_stack()
    CentralLogGroup(stack, "Central", retention=HIPAA, organization_id=ORGANIZATION)
    return template(stack)


class TestIntake:
    def test_the_organization_may_subscribe_and_nobody_else(self, found: Template) -> None:
        (destination,) = of(found, "AWS::Logs::Destination")
        (statement,) = json.loads(plain(destination["DestinationPolicy"]))["Statement"]
        assert statement["Principal"] in ("*", {"AWS": "*"})
        assert statement["Action"] == "logs:PutSubscriptionFilter"
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}
        assert statement["Resource"] == (
            f"arn:aws:logs:eu-central-1:{CENTRAL}:destination:{destination['DestinationName']}"
        )

    def test_the_stream_keeps_for_a_week_what_is_not_written(self, found: Template) -> None:
        (stream,) = of(found, "AWS::Kinesis::Stream")
        assert (stream["RetentionPeriodHours"], stream["ShardCount"]) == (168, 1)
        assert stream["StreamEncryption"]["EncryptionType"] == "KMS"
        (source,) = of(found, "AWS::Lambda::EventSourceMapping")
        assert source["StartingPosition"] == "TRIM_HORIZON"
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BisectBatchOnFunctionError"] is True
        # Left out, both are "until the record expires".
        assert not {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"} & set(source)

    def test_an_alarm_tells_that_lines_wait(self, found: Template) -> None:
        late = [alarm for alarm in of(found, "AWS::CloudWatch::Alarm") if alarm["MetricName"] == "IteratorAge"]
        assert [(alarm["Threshold"], alarm["Statistic"]) for alarm in late] == [(3_600_000, "Maximum")]

    def test_the_function_writes_two_log_groups_and_reads_one_stream(self, found: Template) -> None:
        written = {
            statement["Sid"]: statement["Resource"]
            for policy in of(found, "AWS::IAM::ManagedPolicy")
            for statement in policy["PolicyDocument"]["Statement"]
        }
        groups = {name for name, r in found.items() if r["Type"] == "AWS::Logs::LogGroup"}
        assert {resource["Fn::GetAtt"][0] for resource in written["IntakeWrite"]} == groups
        assert found[written["IntakeRead"]["Fn::GetAtt"][0]]["Type"] == "AWS::Kinesis::Stream"
        assert found[written["IntakeDeliver"]["Fn::GetAtt"][0]]["Type"] == "AWS::Kinesis::Stream"
        assert not [r for r in found.values() if r["Type"] == "AWS::IAM::Policy"]

    def test_the_asset_is_the_handler_alone(self) -> None:
        app = cdk.App(analytics_reporting=False)
        stack = new_stack(app=app)
        CentralLogGroup(stack, "Central", retention=HIPAA, organization_id=ORGANIZATION)
        out = Path(app.synth().directory)
        assets = [path for path in out.iterdir() if path.name.startswith("asset.")]
        assert [[file.name for file in asset.rglob("*")] for asset in assets] == [["log_intake.py"]]


class TestSubscription:
    ARN = f"arn:aws:logs:eu-central-1:{CENTRAL}:destination:mcp-guardrails-central-logs"

    def test_log_groups_of_a_member_send_everything(self) -> None:
        stack = new_stack(MEMBER)
        groups = [logs.LogGroup.from_log_group_name(stack, name, name) for name in ("one", "two")]
        LogSubscription(stack, "Send", log_groups=groups, destination_arn=self.ARN)
        assert of(template(stack), "AWS::Logs::SubscriptionFilter") == [
            {"DestinationArn": self.ARN, "FilterPattern": "", "LogGroupName": name} for name in ("one", "two")
        ]

    def test_the_intakes_arn_can_be_given_to_another_accounts_stack(self) -> None:
        app = cdk.App(analytics_reporting=False)
        central = new_stack(app=app)
        intake = CentralLogGroup(central, "Central", retention=HIPAA, organization_id=ORGANIZATION).intake
        assert intake is not None
        member = cdk.Stack(app, "Member", env=cdk.Environment(account=MEMBER, region="eu-central-1"))
        group = logs.LogGroup.from_log_group_name(member, "Group", "one")
        LogSubscription(member, "Send", log_groups=[group], destination_arn=intake.destination_arn)
        (sent,) = of(template(member), "AWS::Logs::SubscriptionFilter")
        assert plain(sent["DestinationArn"]) == self.ARN

    @pytest.mark.parametrize(
        ("props", "message"),
        [
            ({"log_groups": []}, "subscription 'Logs/Send' has no log group"),
            ({"destination_arn": "x"}, "destination 'x' is not allowed"),
            ({"destination_arn": ARN.replace("central-1", "west-1")}, "of another Region than 'eu-central-1'"),
            ({"filter_pattern": "x" * 1025}, "has 1025 characters, allowed are 1024"),
        ],
        ids=["none", "arn", "region", "pattern"],
    )
    def test_bad_props(self, props: dict[str, Any], message: str) -> None:
        stack = new_stack(MEMBER)
        given = {
            "log_groups": [logs.LogGroup.from_log_group_name(stack, "Group", "one")],
            "destination_arn": self.ARN,
            **props,
        }
        with pytest.raises(LogArchiveError, match=message):
            LogSubscription(stack, "Send", **given)


def everything(stack: cdk.Stack) -> None:
    """All that this room makes, in one stack."""
    archive = ImmutableLogBucket(
        stack,
        "Archive",
        retention=HIPAA,
        trails=[trail_arn("mcp-guardrails-trail", account=MANAGEMENT)],
        organization_id=ORGANIZATION,
        readers=[MEMBER],
    )
    central = CentralLogGroup(stack, "Central", retention=HIPAA, organization_id=ORGANIZATION)
    AgentTrail(
        stack,
        "Trail",
        bucket=archive,
        organization_id=ORGANIZATION,
        management_account=MANAGEMENT,
        data_events=[DataEvents.buckets()],
        log_group=central.log_group,
    )
    other = ImmutableLogBucket(stack, "Other", retention=HIPAA, trails=[trail_arn("own")])
    AgentTrail(stack, "Own", bucket=other, trail_name="own")
    LogSubscription(
        stack,
        "Send",
        log_groups=[logs.LogGroup.from_log_group_name(stack, "Group", "one")],
        destination_arn=f"arn:aws:logs:eu-central-1:{MANAGEMENT}:destination:x",
    )


@pytest.mark.parametrize("flagged", [True, False], ids=["flags", "no-flags"])
def test_all_six_packs_pass(flags: dict[str, Any], *, flagged: bool) -> None:
    app = cdk.App(analytics_reporting=False, context=flags if flagged else None)
    # Of no account and Region, so that nothing rests on knowing them.
    everything(cdk.Stack(app, "All"))
    Guardrails.of(app).enforce(guard_rules=[])
    directory = Path(app.synth().directory)
    report = json.loads((directory / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
    assert {plugin["pluginName"] for plugin in report} >= PACKS
    assert [v["ruleName"] for p in report for v in p["violations"] if p["pluginName"] in PACKS] == []
    accepted = [v for plugin in report for v in plugin.get("suppressedViolations", [])]
    assert [v["ruleName"] for v in accepted if len(v.get("reason", "")) < 20] == []
    assert {v["ruleName"].split("[")[0].rpartition("-")[2] for v in accepted} == {
        *("CloudTrailCloudWatchLogsEnabled", "CloudWatchAlarmAction", "IAM5", "KDS3", "LambdaConcurrency"),
        *("LambdaDLQ", "LambdaEventSourceMappingDestination", "LambdaInsideVPC", "LambdaTracing"),
        *("S1", "S3BucketLoggingEnabled", "S3BucketReplicationEnabled"),
    }


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("us-east-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    ],
    ids=["aws", "us-gov", "cn"],
)
def test_partitions(region: str, partition: str, suffix: str) -> None:
    stack = new_stack(region=region)
    group = CentralLogGroup(stack, "Central", retention=HIPAA, organization_id=ORGANIZATION)
    archive = ImmutableLogBucket(stack, "Archive", retention=HIPAA, trails=[trail_arn("mcp-guardrails-trail")])
    AgentTrail(stack, "Trail", bucket=archive, log_group=group.log_group)
    found = plain(template(stack), partition, region)
    text = json.dumps(found)
    assert f"logs.{region}.{suffix}" in text
    assert f"arn:{partition}:cloudtrail:{region}:{CENTRAL}:trail/mcp-guardrails-trail" in text
    others = {"aws", "aws-us-gov", "aws-cn"} - {partition}
    assert not [other for other in others if f"arn:{other}:" in text]


def test_the_same_input_gives_the_same_template() -> None:
    texts = set()
    for _ in range(2):
        stack = new_stack()
        CentralLogGroup(stack, "Central", retention=HIPAA, organization_id=ORGANIZATION)
        texts.add(json.dumps(template(stack)))
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"retention": 90}, "retention 90 is not allowed, expected a Retention"),
        (
            {"retention": Retention(3654), "whole_period": True},
            "retention of 3654 days is not allowed, expected at most",
        ),
        ({"organization_id": "x"}, "organization 'x' is not allowed"),
        ({"archive_account": "x"}, "archive account 'x' is not allowed"),
        ({"organization_id": ORGANIZATION, "shards": 0}, "0 shards are not allowed, expected 1 to 200"),
        ({"signals": log_signals(GuardrailNames())[:1] * 2}, "signal 'agent-denied' is given twice"),
    ],
    ids=["retention", "long", "organization", "account", "shards", "twice"],
)
def test_bad_props(props: dict[str, Any], message: str) -> None:
    with pytest.raises(LogArchiveError, match=message):
        CentralLogGroup(new_stack(), "Central", **{"retention": HIPAA, **props})


def test_a_stream_keeps_for_a_day_to_a_year() -> None:
    stack = new_stack()
    central = CentralLogGroup(stack, "Central", retention=HIPAA)
    with pytest.raises(LogArchiveError, match="retention of 366 days is not allowed, expected 1 to 365"):
        LogIntake(
            stack,
            "Intake",
            log_group=central.log_group,
            organization_id=ORGANIZATION,
            encryption_key=central.encryption_key,
            names=GuardrailNames(),
            retention=cdk.Duration.days(366),
        )
