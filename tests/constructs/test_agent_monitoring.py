"""Monitoring: what it makes, who may do what, what targets are sent, and that the packs pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentMonitoring,
    FindingTarget,
    Guardrails,
    KillSwitch,
    TrailSource,
)
from sudo_mcp_guardrails.constructs.monitoring.targets import MonitoringError
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.finding import Findings
from sudo_mcp_guardrails.detection.notice import notice
from sudo_mcp_guardrails.detection.ocsf import to_ocsf
from sudo_mcp_guardrails.detection.profile import WorkingHours
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from tests.constructs.approval.test_approval_workflow import workflow
from tests.constructs.test_log_pipeline import ACCOUNT, given_bucket, made, new_stack, statements
from tests.local import receivers

NASTY = 'x", "routing_key": "stolen <!channel> [click](https://192.0.2.1) \\'
URL = "https://hooks.example.com/a"


def connection(stack: cdk.Stack) -> events.IConnection:
    arn = f"arn:aws:events:eu-central-1:{ACCOUNT}:connection/siem/0"
    secret = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:siem"
    found = stack.node.try_find_child("Connection")
    return found or events.Connection.from_event_bus_arn(stack, "Connection", arn, secret)  # type: ignore[return-value]


def targets(stack: cdk.Stack) -> list[FindingTarget]:
    given = connection(stack)
    return [
        FindingTarget.pager_duty(given),
        FindingTarget.slack(given, endpoint=URL),
        FindingTarget.teams(given, endpoint=URL),
        FindingTarget.jira(given, endpoint=URL, project="SEC"),
        FindingTarget.service_now(given, endpoint=URL),
    ]


def agents() -> list[Agent]:
    environment = AgentEnvironment.sandbox(ACCOUNT)
    return [Agent("release-bot", owner="platform@example.com", services=["s3"], environments=[environment])]


def built(region: str = "eu-central-1", **options: Any) -> cdk.Stack:
    stack = new_stack(region)
    options.setdefault("trail", TrailSource(given_bucket(stack)))
    if options.pop("all_targets", False):
        options["targets"] = targets(stack)
        machine = f"arn:aws:states:eu-central-1:{ACCOUNT}:stateMachine:contain"
        options["containment"] = sfn.StateMachine.from_state_machine_arn(stack, "Contain", machine)
    AgentMonitoring(stack, "Monitoring", agents=agents(), **options)
    return stack


@pytest.fixture(scope="module")
def whole() -> dict[str, dict[str, Any]]:
    return made(built(all_targets=True, security_hub=True))


def rendered(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """What EventBridge makes of a template whose variables all stand for whole values."""
    transformer = target["InputTransformer"]

    def value(found: re.Match[str]) -> str:
        there: Any = event
        for name in transformer["InputPathsMap"][found[1]].removeprefix("$.").split("."):
            there = there[name]
        return json.dumps(there)

    return json.loads(re.sub(r"<(\w+)>", value, transformer["InputTemplate"]))


def finding() -> dict[str, Any]:
    from sudo_mcp_guardrails.detection.compiled import shipped
    from sudo_mcp_guardrails.detection.detector import Detector
    from sudo_mcp_guardrails.trail.attributing import Attributor
    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.reading.decode import decode
    from tests.handlers.test_detect import call

    event = decode(json.dumps({**call(1), "requestParameters": {"name": NASTY}}).encode())
    alerts = Detector(shipped()).look(Attributed(event, Attributor().attribute(event)))
    [alert] = [one for one in alerts if one.rule == "aws_trail_stopped"]
    one = Findings().add(alert)
    assert one is not None
    detail = to_ocsf(one)
    detail["unmapped"]["notice"] = notice(one)
    return {"detail": detail}


def rule(resources: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [one for key, one in resources["AWS::Events::Rule"].items() if key.endswith(f"Delivery{name}Rule")]
    one: dict[str, Any] = found
    return one


def test_what_each_service_is_sent(whole: dict[str, dict[str, Any]]) -> None:
    event = finding()
    detail = event["detail"]
    bodies = {
        name: rendered(rule(whole, name)["Targets"][0], event)
        for name in ("PagerDuty", "Slack", "Teams", "Jira", "ServiceNow")
    }
    pager = bodies["PagerDuty"]
    assert set(pager) == {"event_action", "dedup_key", "payload"}, "the routing key comes from the connection alone"
    assert (pager["event_action"], pager["dedup_key"]) == ("trigger", detail["finding_info"]["uid"])
    assert {"summary", "source", "severity"} <= set(pager["payload"])
    assert pager["payload"]["severity"] == {4: "error", 5: "critical"}[detail["severity_id"]]
    assert len(pager["payload"]["summary"]) <= 1024
    assert "stolen" in pager["payload"]["summary"]
    assert "&lt;!channel&gt;" in bodies["Slack"]["text"]
    receivers.pager_duty({**pager, "routing_key": "0" * 32})
    for name in ("Slack", "Teams", "Jira", "ServiceNow"):
        receivers.CHECKS[name](bodies[name])
    fields = bodies["Jira"]["fields"]
    assert (fields["project"], fields["issuetype"]) == ({"key": "SEC"}, {"name": "Task"})
    assert len(fields["summary"]) <= 255
    assert fields["description"]["content"][0]["content"][0]["text"] == detail["unmapped"]["notice"]["text"]
    assert bodies["ServiceNow"]["urgency"] == "1"
    assert bodies["ServiceNow"]["impact"] == {4: "2", 5: "1"}[detail["severity_id"]]
    assert len(bodies["ServiceNow"]["short_description"]) <= 160
    assert bodies["ServiceNow"]["correlation_id"] == detail["finding_info"]["uid"]


def test_no_variable_stands_inside_of_quotes(whole: dict[str, dict[str, Any]]) -> None:
    templates = [
        target["InputTransformer"]["InputTemplate"]
        for one in whole["AWS::Events::Rule"].values()
        for target in one["Targets"]
        if "InputTransformer" in target
    ]
    assert len(templates) == 5
    for text in templates:
        assert all("<" not in quoted for quoted in re.findall(r'"(?:\\.|[^"\\])*"', text)), text


def test_who_is_told_of_what(whole: dict[str, dict[str, Any]]) -> None:
    details = {name: rule(whole, name)["EventPattern"]["detail"] for name in ("PagerDuty", "Jira", "Topic", "Contain")}
    assert details["PagerDuty"] == {"severity_id": [{"numeric": [">=", 3]}]}
    assert details["Jira"]["activity_id"] == [1]
    assert details["Topic"] == {"severity_id": [{"numeric": [">=", 2]}], "activity_id": [1]}
    assert details["Contain"] == {"unmapped": {"contains": ["true"]}}
    handed = [one for key, one in whole["AWS::Events::Rule"].items() if "Delivery" in key]
    assert len(handed) == 7
    assert all(target["DeadLetterConfig"] for one in handed for target in one["Targets"])
    policies = {key: statements(one) for key, one in whole["AWS::IAM::ManagedPolicy"].items()}
    calls = policies["MonitoringDeliveryTargetsPolicy"]["MonitoringTargetsCall"]
    assert (calls["Action"], len(calls["Resource"])) == ("events:InvokeApiDestination", 5)
    assert policies["MonitoringDeliveryContainPolicy"]["MonitoringContainCall"]["Action"] == "states:StartExecution"


def test_what_the_function_may_do(whole: dict[str, dict[str, Any]]) -> None:
    allowed = statements(whole["AWS::IAM::ManagedPolicy"]["MonitoringDetectPolicy"])
    assert allowed["PipelineDetectTell"]["Action"] == "events:PutEvents"
    assert allowed["PipelineDetectHub"]["Action"] == "securityhub:BatchImportFindings"
    assert "PipelineDetectHub" not in statements(made(built())["AWS::IAM::ManagedPolicy"]["MonitoringDetectPolicy"])
    actions = {
        action
        for one in allowed.values()
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert not {action for action in actions if action.startswith(("iam:", "sts:")) or action.endswith("*")}
    canary = statements(whole["AWS::IAM::ManagedPolicy"]["MonitoringCanaryCallPolicy"])
    assert all(sid.startswith(("PipelineCanaryCallLog", "PipelineCanaryCallNetwork")) for sid in canary)
    variables = whole["AWS::Lambda::Function"]["MonitoringDetect"]["Environment"]["Variables"]
    assert "MonitoringCanaryCallRole" in str(variables["CANARY_ROLE"])


def test_the_dead_man_s_switch_takes_silence_for_an_alarm(whole: dict[str, dict[str, Any]]) -> None:
    alarms = whole["AWS::CloudWatch::Alarm"]
    canary = alarms["MonitoringAlarmsCanary"]
    assert (canary["TreatMissingData"], canary["Period"], canary["ComparisonOperator"], canary["MetricName"]) == (
        "breaching",
        3 * 5 * 60,
        "LessThanThreshold",
        "Canary",
    )
    assert {"QueueAge", "QueueDepth", "QueueDeadLetters", "Silence", "Buried", "DetectErrors", "DetectThrottles"} <= {
        key.removeprefix("MonitoringAlarms") for key in alarms
    }
    [events_rule] = [one for key, one in whole["AWS::Events::Rule"].items() if key.endswith("CanaryEvents")]
    assert events_rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert whole["AWS::Scheduler::Schedule"]["MonitoringCanary"]["ScheduleExpression"] == "rate(5 minutes)"


def test_the_bus_is_called_by_the_guardrails_name_and_all_is_encrypted(whole: dict[str, dict[str, Any]]) -> None:
    [bus] = whole["AWS::Events::EventBus"].values()
    assert bus["Name"] == "mcp-guardrails-findings"
    assert all(
        "KmsMasterKeyId" in one for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic") for one in whole[kind].values()
    )
    [table] = whole["AWS::DynamoDB::Table"].values()
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    [body] = whole["AWS::CloudWatch::Dashboard"].values()
    assert "ApproximateAgeOfOldestMessage" in json.dumps(body["DashboardBody"])


RULE = """
title: A call of our own
id: 6a9a1c1e-4a43-4d0c-9a7e-111111111111
name: our_own
status: test
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: OurOwn}, condition: selection}
level: low
"""


def settings(stack: cdk.Stack) -> dict[str, Any]:
    app = stack.node.root
    assert isinstance(app, cdk.App)
    [file] = Path(app.synth().directory).glob("asset.*/monitoring.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_own_rules_and_profiles_are_compiled_into_the_asset(tmp_path: Path) -> None:
    pytest.importorskip("sigma")
    (tmp_path / "our_own.yml").write_text(RULE, encoding="utf-8")
    found = settings(
        built(rules=str(tmp_path), hours={"release-bot": WorkingHours(8, 18)}, tiers={"release-bot": "T2"})
    )
    assert [one["name"] for one in json.loads(found["rules"])["rules"]] == ["our_own"]
    [profile] = found["profiles"]
    assert (profile["hours"][:2], profile["tier"], profile["accounts"]) == ([8, 18], "T2", [ACCOUNT])


def test_bad_props(tmp_path: Path) -> None:
    stack = new_stack()
    with pytest.raises(MonitoringError, match=r"hours of 'nobody' are not allowed, expected names of the given agents"):
        AgentMonitoring(stack, "A", hours={"nobody": WorkingHours(8, 18)})
    with pytest.raises(MonitoringError, match=r"canary_minutes 0 is not allowed, expected 1 to 60"):
        AgentMonitoring(stack, "B", canary_minutes=0)
    with pytest.raises(MonitoringError, match=r"endpoint 'http://x' of Slack is not allowed, expected an https URL"):
        FindingTarget.slack(connection(stack), endpoint="http://x")
    with pytest.raises(MonitoringError, match=r"least 6 of Slack is not allowed, expected 2 to 5"):
        FindingTarget.slack(connection(stack), endpoint=URL, least=6)
    doubled = [FindingTarget.slack(connection(stack), endpoint=URL)] * 2
    with pytest.raises(MonitoringError, match=r"target 'Slack' is there twice, allowed: one of each service"):
        AgentMonitoring(stack, "C", targets=doubled)
    with pytest.raises(DetectionError, match=r"entry 'what' of watchlist 'honeytoken' is not allowed"):
        AgentMonitoring(stack, "D", watch={"honeytoken": ["what"]})
    with pytest.raises(DetectionError, match="holds no rules"):
        AgentMonitoring(stack, "E", rules=str(tmp_path))


def test_a_function_contains_too() -> None:
    stack = new_stack()
    arn = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:contain"
    contained = lambda_.Function.from_function_arn(stack, "F", arn)
    AgentMonitoring(stack, "Monitoring", containment=contained, learn=False)
    resources = made(stack)
    [permission] = resources["AWS::Lambda::Permission"].values()
    assert permission["Principal"] == "events.amazonaws.com"
    assert "DeliveryContainRule" in str(permission["SourceArn"])
    assert "AWS::S3::Bucket" not in resources


def test_one_function_writes_baselines_and_the_one_that_looks_reads_them(whole: dict[str, dict[str, Any]]) -> None:
    policies = whole["AWS::IAM::ManagedPolicy"]
    looks = statements(policies["MonitoringDetectPolicy"])
    learns = statements(policies["MonitoringLearningLearnPolicy"])
    assert looks["PipelineDetectBaselines"]["Action"] == "s3:GetObject"
    assert "documents/*" in str(looks["PipelineDetectBaselines"]["Resource"])
    written = [sid for sid, one in looks.items() if "s3:PutObject" in one["Action"]]
    assert written == ["PipelineDetectNote"]
    assert "documents" not in str(looks["PipelineDetectNote"]["Resource"])
    assert "documents/*" in str(learns["PipelineLearnWrite"]["Resource"])
    assert learns["PipelineLearnForget"]["Action"] == "s3:DeleteObject"
    assert "journal/*" in str(learns["PipelineLearnForget"]["Resource"])
    [bucket] = whole["AWS::S3::Bucket"].values()
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {one["Prefix"]: one for one in bucket["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"documents/", "incidents/", "journal/"}
    assert "ExpirationInDays" not in rules["documents/"]
    functions = whole["AWS::Lambda::Function"]
    variables = {key: one["Environment"]["Variables"] for key, one in functions.items()}
    assert "BASELINES_BUCKET" in variables["MonitoringDetect"]
    assert functions["MonitoringLearningLearn"]["Handler"] == "sudo_mcp_guardrails.handlers.detect_learn.handler"
    assert whole["AWS::Scheduler::Schedule"]["MonitoringLearningHourly"]["ScheduleExpression"] == "rate(1 hour)"
    assert {"LearnErrors", "Blind", "Switch", "Unlearned"} <= {
        key.removeprefix("MonitoringAlarms") for key in whole["AWS::CloudWatch::Alarm"]
    }


def test_what_is_not_learned_costs_nothing_and_gives_no_right() -> None:
    resources = made(built(learn=False, trail=None))
    assert "AWS::S3::Bucket" not in resources
    assert not any("Learn" in key for key in resources["AWS::Lambda::Function"])
    allowed = statements(resources["AWS::IAM::ManagedPolicy"]["MonitoringDetectPolicy"])
    assert not [sid for sid in allowed if "Baselines" in sid or "Note" in sid]


def test_switch_approvals_and_runs_are_read_and_nothing_of_them_is_written() -> None:
    stack = new_stack()
    switch = KillSwitch(stack, "Switch", agents=agents())
    approvals = workflow(stack, kill_switch=switch)
    AgentMonitoring(stack, "Monitoring", kill_switch=switch, approvals=approvals)
    resources = made(stack)
    allowed = statements(resources["AWS::IAM::ManagedPolicy"]["MonitoringDetectPolicy"])
    asked = {
        sid.removeprefix("PipelineDetect"): one["Action"]
        for sid, one in allowed.items()
        if any(word in sid for word in ("Switch", "Evidence", "Plans", "Signatures", "Approval", "Runs"))
    }
    assert asked == {
        "Switch": "dynamodb:Query",
        "SwitchKey": "kms:Decrypt",
        "Evidence": "dynamodb:Query",
        "Plans": ["s3:GetObject", "s3:GetObjectVersion"],
        "Signatures": "kms:GetPublicKey",
        "ApprovalKeys": "kms:Decrypt",
        "Runs": "dynamodb:GetItem",
        "RunsKey": "kms:Decrypt",
    }
    assert len(allowed["PipelineDetectSignatures"]["Resource"]) == 3, "evidence, decisions, and the kill switch's"
    variables = resources["AWS::Lambda::Function"]["MonitoringDetect"]["Environment"]["Variables"]
    assert {
        "KILL_SWITCH_TABLE", "EVIDENCE_TABLE", "EVIDENCE_BUCKET", "EVIDENCE_KEY", "DECISION_KEY", "RESPONDER_KEY",
        "RUNS_TABLE", "BASELINES_BUCKET",
    } <= set(variables)  # fmt: skip
    learns = statements(resources["AWS::IAM::ManagedPolicy"]["MonitoringLearningLearnPolicy"])
    assert learns["PipelineLearnSwitch"]["Action"] == "dynamodb:Query"
    warnings = assertions.Annotations.from_stack(stack)
    for name in ("noApprovals", "noKillSwitch"):
        warnings.has_no_warning("*", assertions.Match.string_like_regexp(name))


def test_what_nobody_compares_is_a_warning() -> None:
    warnings = assertions.Annotations.from_stack(built())
    warnings.has_warning("*", assertions.Match.string_like_regexp("nobody compares what agents apply"))
    warnings.has_warning("*", assertions.Match.string_like_regexp("calls of agents that are contained"))


def test_a_kill_switch_of_other_guardrails_is_refused() -> None:
    stack = new_stack()
    switch = KillSwitch(stack, "Switch", agents=agents(), names=GuardrailNames("other"))
    with pytest.raises(MonitoringError, match=r"kill_switch of names 'other' is not allowed, expected "):
        AgentMonitoring(stack, "Monitoring", kill_switch=switch)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions(region: str) -> None:
    stack = new_stack(region)
    source = TrailSource(s3.Bucket.from_bucket_name(stack, "Trail", "trail"))
    AgentMonitoring(stack, "Monitoring", trail=source, agents=agents(), security_hub=True)
    assert re.findall(r"arn:aws[a-z-]*:", json.dumps(made(stack))) == []


def test_the_six_packs_and_the_validation_pass() -> None:
    stack = built(all_targets=True, security_hub=True)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce(guard_rules=[])
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    found = [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [one for one in found if "agentMonitoring" not in one and "logPipeline" not in one] == []
