"""The kill switch's template: what it makes, who may do what, who is warned, and who is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    ContainmentAccount,
    ContainmentDocuments,
    ContainmentOrganization,
    GuardrailNames,
    Guardrails,
    InvalidAgentError,
    KillSwitch,
    KillSwitchError,
    OrganizationContainment,
    Responder,
    SessionBroker,
)
from sudo_mcp_guardrails.constructs.asset import reached
from sudo_mcp_guardrails.policies.containment.names import ContainmentPolicyError
from sudo_mcp_guardrails.response.requests import read_request
from sudo_mcp_guardrails.response.settings import SETTINGS_FILE, ResponseSettings

ACCOUNT, OTHER, MANAGEMENT = "111111111111", "222222222222", "333333333333"
ROOT = Path(__file__).parents[2]
AGENTS = [
    Agent(
        "release-bot",
        owner="platform@example.com",
        services=["dynamodb", "s3"],
        environments=[AgentEnvironment.sandbox(ACCOUNT), AgentEnvironment.production(OTHER)],
    )
]


def new_stack(account: str = ACCOUNT, **options: Any) -> cdk.Stack:
    return cdk.Stack(cdk.App(**options), "Switch", env=cdk.Environment(account=account, region="eu-central-1"))


def whole(stack: cdk.Stack) -> KillSwitch:
    soc = iam.Role.from_role_name(stack, "Soc", "soc")
    return KillSwitch(
        stack,
        "Switch",
        agents=AGENTS,
        responders=[Responder.iam_role(soc, restores=True), Responder.permission_set("Oncall")],
        organization=OrganizationContainment(MANAGEMENT, {"*": "p-allagents"}, ["r-abcd"]),
        findings_bus=events.EventBus.from_event_bus_name(stack, "Findings", "findings"),
    )


def of_type(stack: cdk.Stack, kind: str) -> list[dict[str, Any]]:
    found = assertions.Template.from_stack(stack).find_resources(kind)
    return [dict(each) for each in found.values()]


def statements(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    return {
        each["Sid"]: each
        for policy in of_type(stack, "AWS::IAM::ManagedPolicy")
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
    }


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    found = new_stack()
    whole(found)
    return found


def test_what_is_kept_cannot_be_deleted_is_encrypted_and_can_be_recovered(stack: cdk.Stack) -> None:
    tables = of_type(stack, "AWS::DynamoDB::Table")
    assert sorted(each["Properties"]["TableName"] for each in tables) == [
        "mcp-guardrails-containment-evidence",
        "mcp-guardrails-kill-switch",
    ]
    for table in tables:
        properties = table["Properties"]
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert properties["SSESpecification"]["SSEType"] == "KMS"
        assert table["DeletionPolicy"] == "Retain"
    [bucket] = of_type(stack, "AWS::S3::Bucket")
    lock = bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert lock["Mode"] == "COMPLIANCE"
    assert lock["Days"] >= 365
    assert bucket["Properties"]["BucketName"]["Fn::Join"][1][0].startswith("mcp-guardrails-containment-")


def test_the_switch_has_the_keys_that_brokers_read_by(stack: cdk.Stack) -> None:
    [switch] = [
        t["Properties"] for t in of_type(stack, "AWS::DynamoDB::Table") if "kill" in t["Properties"]["TableName"]
    ]
    assert switch["KeySchema"] == [
        {"AttributeName": "switch", "KeyType": "HASH"},
        {"AttributeName": "target", "KeyType": "RANGE"},
    ]


def test_only_the_responder_signs_and_no_agent_touches_the_keys(stack: cdk.Stack) -> None:
    keys = [key["Properties"]["KeyPolicy"]["Statement"] for key in of_type(stack, "AWS::KMS::Key")]
    sids = {each["Sid"]: each for policy in keys for each in policy}
    sign = sids["ContainmentKeySign"]
    assert (sign["Effect"], sign["Action"]) == ("Deny", "kms:Sign")
    assert "role/mcp-guardrails/mcp-guardrails-responder" in json.dumps(sign["Condition"]["ArnNotEquals"])
    for sid in ("ContainmentKeyNoAgent", "ContainmentDataKeyNoAgent"):
        assert sids[sid]["Effect"] == "Deny"


def test_the_responder_becomes_named_roles_and_the_intake_only_starts_the_machine(stack: cdk.Stack) -> None:
    found = statements(stack)
    roles = json.dumps(found["ResponderRoles"]["Resource"])
    assert ACCOUNT in roles
    assert OTHER in roles
    assert "*" not in roles
    organization = json.dumps(found["ContainmentOrganization"]["Resource"])
    assert f"iam::{MANAGEMENT}:role/mcp-guardrails/response/mcp-guardrails-response-organization" in organization
    assert found["ContainmentStart"]["Action"] == "states:StartExecution"
    assert found["ContainmentLookup"]["Action"] == "cloudtrail:LookupEvents"
    [role] = [r for r in of_type(stack, "AWS::IAM::Role") if r["Properties"]["RoleName"] == "mcp-guardrails-response"]
    trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Sid"] for each in trust] == ["ResponseTrust", "ResponseNoAgent"]


def test_the_url_takes_signed_requests_alone_and_gives_no_direct_invocation(stack: cdk.Stack) -> None:
    assert [url["Properties"]["AuthType"] for url in of_type(stack, "AWS::Lambda::Url")] == ["AWS_IAM"] * 2
    found = statements(stack)
    assert found["ContainmentAskFunction"]["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


def test_the_asset_has_the_agents_and_reads_them_back() -> None:
    settings = ResponseSettings(tuple(AGENTS), (OTHER,))
    read = ResponseSettings.read(settings.write())
    assert read.document() == settings.document()
    assert read.agents[0].environments == AGENTS[0].environments
    assert SETTINGS_FILE not in reached("contain")


def test_a_finding_that_contains_starts_the_machine_with_ids_alone(stack: cdk.Stack) -> None:
    [rule] = of_type(stack, "AWS::Events::Rule")
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["detail"]["unmapped"] == {"contains": ["true"], "agent": [{"exists": True}]}
    [target] = rule["Properties"]["Targets"]
    # The finding as it is: in a template, a quote in a text of the event would write JSON.
    assert target["InputPath"] == "$.detail"
    assert "InputTransformer" not in target
    assert "Arn" in target["DeadLetterConfig"]
    [machine] = of_type(stack, "AWS::StepFunctions::StateMachine")
    by = json.dumps(machine["Properties"]["DefinitionSubstitutions"]["Trigger"])
    [role] = [r for r in of_type(stack, "AWS::IAM::Role") if "trigger" in str(r["Properties"].get("RoleName"))]
    assert by.endswith(f':role/mcp-guardrails/{role["Properties"]["RoleName"]}"]]}}')


def test_a_finding_that_was_not_delivered_is_told() -> None:
    found = new_stack()
    bus = events.EventBus.from_event_bus_name(found, "Findings", "findings")
    topic = sns.Topic.from_topic_arn(found, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:alarms")
    KillSwitch(found, "Switch", agents=AGENTS, findings_bus=bus, alarm_topic=topic)
    [alarm] = of_type(found, "AWS::CloudWatch::Alarm")
    properties = alarm["Properties"]
    assert (properties["MetricName"], properties["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    [(name, queue)] = assertions.Template.from_stack(found).find_resources("AWS::SQS::Queue").items()
    assert queue["Properties"]["QueueName"] == "mcp-guardrails-containment-trigger"
    assert properties["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}]
    assert properties["AlarmActions"] == [topic.topic_arn]
    warnings = assertions.Annotations.from_stack(found)
    warnings.has_no_warning("/Switch/Switch", assertions.Match.string_like_regexp("noAlarmTopic"))


def test_whom_no_alarm_tells_is_warned_where_findings_contain(stack: cdk.Stack) -> None:
    warnings = assertions.Annotations.from_stack(stack)
    warnings.has_warning("/Switch/Switch", assertions.Match.string_like_regexp("killSwitch.noAlarmTopic"))


def test_without_a_bus_of_findings_nobody_is_contained_by_itself() -> None:
    found = new_stack()
    KillSwitch(found, "Switch", agents=AGENTS)
    assert of_type(found, "AWS::Events::Rule") == []
    warnings = assertions.Annotations.from_stack(found)
    warnings.has_warning("/Switch/Switch", assertions.Match.string_like_regexp("nobody may contain"))


def test_a_broker_that_obeys_reads_the_switch_and_has_the_module_for_it() -> None:
    found = new_stack()
    switch = KillSwitch(found, "Switch", agents=AGENTS)
    SessionBroker(found, "Broker", agents=AGENTS, kill_switch=switch)
    [broker] = [
        f["Properties"]
        for f in of_type(found, "AWS::Lambda::Function")
        if f["Properties"]["FunctionName"] == "mcp-guardrails-session-broker"
    ]
    assert broker["Handler"] == "sudo_mcp_guardrails.handlers.session_broker.handler"
    assert "Ref" in broker["Environment"]["Variables"]["KILL_SWITCH_TABLE"]
    assert "sudo_mcp_guardrails/state/kill_switch.py" in reached("session_broker")
    sids = statements(found)
    assert sids["BrokerSwitch"]["Action"] == "dynamodb:Query"
    assert sids["BrokerSwitchKey"]["Action"] == "kms:Decrypt"


def test_a_broker_does_not_obey_the_switch_of_other_guardrails() -> None:
    found = new_stack()
    switch = KillSwitch(found, "Switch", agents=AGENTS, names=GuardrailNames("other"))
    with pytest.raises(InvalidAgentError, match="name prefix of the kill switch 'other' is not allowed"):
        SessionBroker(found, "Broker", agents=AGENTS, kill_switch=switch)


def test_another_account_trusts_the_responder_of_the_home_account() -> None:
    found = new_stack(OTHER)
    ContainmentAccount(found, "Containment", home=ACCOUNT)
    [role] = of_type(found, "AWS::IAM::Role")
    trusted = role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
    assert f":iam::{ACCOUNT}:role/mcp-guardrails/mcp-guardrails-responder" in json.dumps(trusted)
    names = {p["Properties"].get("ManagedPolicyName") for p in of_type(found, "AWS::IAM::ManagedPolicy")}
    assert {"mcp-guardrails-contained", "mcp-guardrails-contained-boundary"} <= names


def test_an_organizations_scps_are_attached_to_nothing() -> None:
    found = new_stack(MANAGEMENT)
    root = f"arn:aws:organizations::{MANAGEMENT}:root/o-abcdefghij/r-abcd"
    ContainmentOrganization(found, "Containment", home=ACCOUNT, targets=[root], classes=["release-*"])
    scps = of_type(found, "AWS::Organizations::Policy")
    assert sorted(each["Properties"]["Name"] for each in scps) == [
        "mcp-guardrails-contained-all",
        "mcp-guardrails-contained-release",
    ]
    assert not any("TargetIds" in each["Properties"] for each in scps)
    attach = statements(found)["RespondScps"]
    assert set(attach["Action"]) == {"organizations:AttachPolicy", "organizations:DetachPolicy"}
    assert root in attach["Resource"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: ContainmentOrganization(s, "O", home="here", targets=["r"]), "home 'here' is no account"),
        (lambda s: ContainmentOrganization(s, "O", home=ACCOUNT, targets=["*"]), "expected whole ARNs"),
        (lambda _: Responder.permission_set("*"), "permission set '\\*' is not allowed"),
        (
            lambda s: KillSwitch(s, "K", agents=AGENTS, organization=OrganizationContainment(MANAGEMENT, {}, [])),
            "organization without SCPs",
        ),
        (lambda s: ContainmentAccount(s, "A", break_glass=["*"]), "is not allowed to respond"),
    ],
)
def test_props_that_are_refused(make: Any, message: str) -> None:
    with pytest.raises((KillSwitchError, ContainmentPolicyError), match=message):
        make(new_stack())


def test_runbooks_start_the_machine_and_a_restoration_waits_for_somebody() -> None:
    found = new_stack()
    switch = whole(found)
    role = f"arn:aws:iam::{ACCOUNT}:role/runbooks"
    with pytest.raises(KillSwitchError, match="nobody approves"):
        ContainmentDocuments(found, "None", switch=switch, assume_role=role, approvers=[])
    made = ContainmentDocuments(found, "Runbooks", switch=switch, assume_role=role, approvers=[f"{role}-lead"])
    documents = {d["Properties"]["Name"]: d["Properties"]["Content"] for d in of_type(found, "AWS::SSM::Document")}
    contain, restore = (documents[f"mcp-guardrails-{op}-agents"] for op in ("contain", "restore"))
    assert [step["action"] for step in contain["mainSteps"]] == ["aws:executeStateMachine"]
    assert [step["action"] for step in restore["mainSteps"]] == ["aws:approve", "aws:executeStateMachine"]
    assert "AWSSupport-ContainIAMPrincipal" in contain["description"]
    values = {"Target": "agent:release-bot", "Incident": "INC-1", "Reason": "a test", "Level": "K2", "Digest": ""}
    for op, document in (("contain", contain), ("restore", restore)):
        text = document["mainSteps"][-1]["inputs"]["input"]
        for name, value in values.items():
            text = text.replace(f"{{{{ {name} }}}}", value)
        assert read_request(json.loads(text)).op == op
    assert made.contain.name == "mcp-guardrails-contain-agents"


def test_the_rule_packs_find_nothing_that_nobody_accepted() -> None:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    found = new_stack(context=context)
    whole(found)
    app = found.node.root
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    violations = [
        f"{v.get('ruleName')}: {[r.get('constructPath') for r in v.get('violatingConstructs', ())]}"
        for plugin in report["pluginReports"]
        if plugin.get("conclusion") == "failure"
        for v in plugin.get("violations", ())
    ]
    assert violations == []
