"""Risk: each rule finds what it is for and leaves alone what it is not, and the worst decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.agents import RiskClass, SensitiveRead
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Operation, Plan, Unknown
from sudo_mcp_guardrails.approval.risk import ORDER, RiskContext, RiskLimits, assess, worst
from sudo_mcp_guardrails.approval.risk_rules import RULES
from tests.approval.risky import (
    CONTEXT,
    ENVIRONMENTS,
    PRODUCTION,
    SANDBOX,
    call,
    deleted,
    made,
    plan,
    replaced,
    updated,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Change

R0, R1, R2, R3, R4 = RiskClass
QUEUE = f"arn:aws:sqs:eu-central-1:{SANDBOX}:bot-q"
TABLE = f"arn:aws:dynamodb:eu-central-1:{SANDBOX}:table/bot-t"
BUCKET = "arn:aws:s3:::bot-x"
WORLD = {"SecurityGroupIngress": [{"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}]}
OPEN_POLICY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
ROOT = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]]}


def letting_in(principal: Any, **rest: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:*", "Resource": "*", **rest}
    return {"Queues": ["bot-q"], "PolicyDocument": {"Statement": [statement]}}


FOUND: tuple[tuple[str, RiskClass, str, Change], ...] = (
    # (rule, what it finds alone, what for, the change)
    ("environment", R1, "a queue", made("AWS::SQS::Queue")),
    ("environment", R1, "a queue of Terraform", made("aws_sqs_queue")),
    ("environment", R1, "a write", call("sqs:SetQueueAttributes", QUEUE)),
    ("environment", R0, "a read", call("sqs:ListQueues", "*")),
    ("environment", R3, "an account of nobody", made("AWS::SQS::Queue", account="333333333333")),
    ("environment", R3, "another Region", made("AWS::SQS::Queue", region="us-east-1")),
    ("known-type", R3, "a type that nobody knows", made("Acme::Cloud::Thing")),
    ("known-type", R3, "a custom resource", made("Custom::Anything")),
    ("known-type", R3, "a nested stack", made("AWS::CloudFormation::Stack")),
    ("known-type", R3, "another provider of Terraform", made("google_storage_bucket")),
    ("access-level", R3, "an action that nobody knows", call("sqs:MakeItSo", QUEUE)),
    ("access-level", R3, "no action", call("x", QUEUE, actions=())),
    ("access-level", R3, "permissions", call("sqs:AddPermission", QUEUE)),
    ("sensitive-read", R3, "a secret", call("secretsmanager:GetSecretValue", "*")),
    ("sensitive-read", R3, "a decrypted text", call("kms:Decrypt", "*")),
    ("sensitive-read", R2, "rows", call("dynamodb:Scan", TABLE)),
    ("sensitive-read", R2, "log lines", call("logs:FilterLogEvents", "*")),
    ("identity", R3, "a role", made("AWS::IAM::Role")),
    ("identity", R3, "a role of Terraform", made("aws_iam_role")),
    ("identity", R3, "a key", made("AWS::KMS::Key")),
    ("identity", R3, "a call to IAM", call("iam:UpdateRole", f"arn:aws:iam::{SANDBOX}:role/x")),
    (
        "identity",
        R3,
        "a role that is passed",
        call("lambda:CreateFunction", "*", actions=("lambda:CreateFunction", "iam:PassRole")),
    ),
    ("escalation", R3, "new code for a function", call("lambda:UpdateFunctionCode", "*")),
    ("organization", R3, "a policy of the organization", made("AWS::Organizations::Policy")),
    ("organization", R3, "a stack set", call("cloudformation:CreateStackSet", "*")),
    ("organization", R3, "a share", made("aws_ram_resource_share")),
    (
        "guardrails",
        R4,
        "the broker",
        call("lambda:UpdateFunctionCode", f"arn:aws:lambda:eu-central-1:{SANDBOX}:function:mcp-guardrails-broker"),
    ),
    ("guardrails", R4, "the ledger", deleted("AWS::DynamoDB::Table", physical_id="mcp-guardrails-ledger")),
    (
        "guardrails",
        R4,
        "its own role",
        updated("AWS::IAM::Role", {}, {"Path": "/mcp-guardrails/agents/bot/", "RoleName": "x"}),
    ),
    (
        "guardrails",
        R4,
        "its own tier",
        call("iam:TagRole", f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-plan"),
    ),
    ("guardrails", R4, "an approval", call("states:SendTaskSuccess", "*")),
    ("guardrails", R4, "a session", call("sts:AssumeRole", f"arn:aws:iam::{SANDBOX}:role/admin")),
    ("guardrails", R4, "a hook", deleted("AWS::CloudFormation::GuardHook")),
    (
        "guardrails",
        R4,
        "the trail by Terraform",
        updated(
            "aws_cloudtrail",
            {"name": "mcp-guardrails-trail"},
            {"name": "mcp-guardrails-trail", "enable_logging": False},
        ),
    ),
    (
        "guardrails",
        R4,
        "all of the guardrails' tables",
        call("dynamodb:DeleteTable", f"arn:aws:dynamodb:*:{SANDBOX}:table/mcp-guardrails-*"),
    ),
    ("records", R3, "somebody's trail", deleted("AWS::CloudTrail::Trail", {"TrailName": "theirs"})),
    ("records", R4, "a trail of no name", deleted("AWS::CloudTrail::Trail")),
    ("records", R4, "a call on a trail of no name", call("cloudtrail:StopLogging")),
    ("records", R3, "an alarm", made("AWS::CloudWatch::Alarm")),
    ("records", R3, "a log group", deleted("AWS::Logs::LogGroup")),
    (
        "records",
        R3,
        "a shorter retention",
        updated("AWS::Logs::LogGroup", {"RetentionInDays": 365}, {"RetentionInDays": 1}),
    ),
    (
        "records",
        R3,
        "access logs",
        updated("AWS::ApiGateway::Stage", {"AccessLogSetting": {"DestinationArn": "x"}}, {}),
    ),
    ("records", R3, "a detector", call("guardduty:DeleteDetector", "*")),
    ("suppression", R3, "Guard", made("AWS::SQS::Queue", options={"Metadata": {"guard": {"SuppressedRules": ["X"]}}})),
    (
        "suppression",
        R3,
        "Checkov",
        made("AWS::SQS::Queue", options={"Metadata": {"checkov": {"skip": [{"id": "CKV_AWS_1"}]}}}),
    ),
    (
        "suppression",
        R3,
        "cfn_nag",
        made("AWS::SQS::Queue", options={"AfterAttributes": {"Metadata": {"cfn_nag": {"rules_to_suppress": []}}}}),
    ),
    (
        "suppression",
        R3,
        "cdk-nag",
        made("AWS::SQS::Queue", options={"Metadata": {"cdk_nag": {"rules_to_suppress": []}}}),
    ),
    ("suppression", R3, "a text", made("AWS::SQS::Queue", options={"Metadata": {"Comment": "checkov:skip=CKV_AWS_1"}})),
    (
        "unreadable",
        R3,
        "a principal",
        made("AWS::SQS::QueuePolicy", letting_in({"AWS": {"Fn::GetAtt": ["Role", "Arn"]}})),
    ),
    (
        "unreadable",
        R3,
        "a policy",
        made("AWS::S3::BucketPolicy", {"Bucket": "bot-x", "PolicyDocument": {"Fn::Transform": {}}}),
    ),
    (
        "unreadable",
        R3,
        "a policy of a change set",
        made("AWS::SQS::QueuePolicy", letting_in({"AWS": "{{changeSet:KNOWN_AFTER_APPLY}}"})),
    ),
    (
        "unreadable",
        R3,
        "addresses",
        made("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIp": {"Ref": "Range"}}]}),
    ),
    ("unreadable", R3, "a flag", made("AWS::RDS::DBInstance", {"PubliclyAccessible": {"Ref": "Public"}})),
    ("unreadable", R3, "half a policy", made("aws_s3_bucket_policy", {"bucket": "bot-x", "policy": '{"Statement": ['})),
    (
        "resource-policy",
        R3,
        "everybody",
        made("AWS::S3::BucketPolicy", {"Bucket": "bot-x", "PolicyDocument": OPEN_POLICY}),
    ),
    (
        "resource-policy",
        R3,
        "everybody, as text",
        made(
            "aws_s3_bucket_policy",
            {"bucket": "bot-x", "policy": '{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"*"}]}'},
        ),
    ),
    (
        "resource-policy",
        R3,
        "everybody but one",
        made(
            "AWS::SQS::QueuePolicy",
            {"Queues": ["q"], "PolicyDocument": {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}}}},
        ),
    ),
    (
        "resource-policy",
        R3,
        "another account",
        made("AWS::SQS::QueuePolicy", letting_in({"AWS": "arn:aws:iam::999999999999:root"})),
    ),
    (
        "resource-policy",
        R3,
        "any service's customer",
        made("AWS::SQS::QueuePolicy", letting_in({"Service": "sns.amazonaws.com"})),
    ),
    (
        "resource-policy",
        R3,
        "a federation",
        made("AWS::SQS::QueuePolicy", letting_in({"Federated": "accounts.google.com"})),
    ),
    ("resource-policy", R3, "a policy that goes", deleted("AWS::S3::BucketPolicy")),
    ("resource-policy", R2, "its own account", made("AWS::SQS::QueuePolicy", letting_in({"AWS": ROOT}))),
    (
        "resource-policy",
        R2,
        "a service for its own topic",
        made(
            "AWS::SQS::QueuePolicy",
            letting_in({"Service": "sns.amazonaws.com"}, Condition={"ArnEquals": {"aws:SourceArn": "x"}}),
        ),
    ),
    (
        "resource-policy",
        R3,
        "a function for everybody",
        made("AWS::Lambda::Permission", {"FunctionName": "bot-f", "Principal": "*"}),
    ),
    ("exposure", R3, "the world", made("AWS::EC2::SecurityGroup", WORLD)),
    ("exposure", R3, "half of the world", made("AWS::EC2::SecurityGroupIngress", {"CidrIp": "128.0.0.0/1"})),
    ("exposure", R3, "the world in IPv6", made("aws_vpc_security_group_ingress_rule", {"cidr_ipv6": "::/0"})),
    (
        "exposure",
        R3,
        "the world by a call",
        call(
            "ec2:AuthorizeSecurityGroupIngress", "*", after={"IpPermissions": [{"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
        ),
    ),
    ("exposure", R3, "a public database", made("AWS::RDS::DBInstance", {"PubliclyAccessible": "true"})),
    ("exposure", R3, "a public bucket", made("AWS::S3::Bucket", {"AccessControl": "PublicRead"})),
    ("exposure", R3, "a block that is off", made("aws_s3_bucket_public_access_block", {"block_public_policy": False})),
    (
        "exposure",
        R3,
        "a block that is lost",
        updated("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, {}),
    ),
    ("exposure", R3, "a URL", made("AWS::Lambda::Url", {"AuthType": "NONE"})),
    ("exposure", R3, "a method", made("AWS::ApiGateway::Method", {"HttpMethod": "GET", "AuthorizationType": "NONE"})),
    ("exposure", R3, "a route", made("AWS::ApiGatewayV2::Route", {"RouteKey": "GET /"})),
    ("exposure", R3, "a load balancer", made("AWS::ElasticLoadBalancingV2::LoadBalancer")),
    ("exposure", R3, "an internet gateway", made("AWS::EC2::InternetGateway")),
    ("exposure", R3, "a snapshot for all", call("ec2:ModifySnapshotAttribute", "*")),
    (
        "exposure",
        R3,
        "a route to the internet",
        made("AWS::EC2::Route", {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}),
    ),
    ("exposure", R2, "a certificate", made("AWS::CertificateManager::Certificate")),
    ("network", R2, "a subnet", made("AWS::EC2::Subnet")),
    ("network", R2, "a rule by a call", call("ec2:RevokeSecurityGroupIngress", "*")),
    ("network", R3, "a web ACL", updated("AWS::WAFv2::WebACL", {}, {})),
    ("deletes", R3, "a bucket", deleted("AWS::S3::Bucket")),
    ("deletes", R3, "a table of Terraform", deleted("aws_dynamodb_table")),
    ("deletes", R3, "a key", deleted("AWS::KMS::Key")),
    ("deletes", R3, "a database that is replaced", replaced("AWS::RDS::DBInstance")),
    ("deletes", R3, "a snapshot of what has none", deleted("AWS::S3::Bucket", options={"DeletionPolicy": "Snapshot"})),
    ("deletes", R3, "an item", call("dynamodb:DeleteItem", TABLE)),
    (
        "deletes",
        R3,
        "an item among others",
        call("dynamodb:BatchWriteItem", TABLE, after={"RequestItems": {"bot-t": [{"DeleteRequest": {}}]}}),
    ),
    ("deletes", R3, "a key by a call", call("kms:ScheduleKeyDeletion", "*")),
    ("deletes", R2, "a bucket that stays", deleted("AWS::S3::Bucket", options={"DeletionPolicy": "Retain"})),
    (
        "deletes",
        R2,
        "a database with a snapshot",
        deleted("AWS::RDS::DBInstance", options={"PolicyAction": "Snapshot"}),
    ),
    (
        "deletes",
        R3,
        "a database without",
        deleted("AWS::RDS::DBInstance", options={"PolicyAction": "Delete", "DeletionPolicy": "Retain"}),
    ),
    (
        "protection",
        R3,
        "backups",
        updated("AWS::RDS::DBInstance", {"BackupRetentionPeriod": 7}, {"BackupRetentionPeriod": 1}),
    ),
    (
        "protection",
        R3,
        "point in time",
        updated("AWS::DynamoDB::Table", {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}, {}),
    ),
    (
        "protection",
        R3,
        "versions",
        updated(
            "AWS::S3::Bucket",
            {"VersioningConfiguration": {"Status": "Enabled"}},
            {"VersioningConfiguration": {"Status": "Suspended"}},
        ),
    ),
    ("protection", R3, "encryption", updated("AWS::S3::Bucket", {"BucketEncryption": {"A": 1}}, {})),
    (
        "protection",
        R3,
        "what may be off",
        updated("AWS::RDS::DBInstance", {"DeletionProtection": True}, {"DeletionProtection": {"Ref": "P"}}),
    ),
    (
        "protection",
        R3,
        "a policy that keeps",
        updated(
            "AWS::S3::Bucket", {}, {}, options={"Before": {"DeletionPolicy": "Retain"}, "DeletionPolicy": "Delete"}
        ),
    ),
    ("protection", R3, "versions by a call", call("s3:PutBucketVersioning", BUCKET)),
    ("protection", R2, "all that is in it", made("aws_s3_bucket", {"force_destroy": True})),
    (
        "data-class",
        R3,
        "personal data",
        updated(
            "AWS::S3::Bucket",
            {"Tags": [{"Key": "DataClass", "Value": "PII"}]},
            {"Tags": [{"Key": "DataClass", "Value": "PII"}]},
        ),
    ),
    (
        "data-class",
        R3,
        "a mark that goes",
        updated("aws_s3_bucket", {"tags": {"data-classification": "restricted"}}, {"tags": {}}),
    ),
    ("secret-value", R2, "a password", made("AWS::SQS::Queue", {"P": "hunter2"}, sensitive=(("P",),))),
    ("not-own", R2, "nobody knows what", call("sqs:SetQueueAttributes")),
    ("cost", R3, "a savings plan", call("savingsplans:CreateSavingsPlan", "*")),
    ("cost", R3, "a reservation", made("AWS::EC2::CapacityReservation")),
    ("cost", R3, "a fleet", made("AWS::AutoScaling::AutoScalingGroup", {"MaxSize": "500"})),
    ("cost", R3, "a large machine", made("AWS::EC2::Instance", {"InstanceType": "p5.48xlarge"})),
    ("cost", R2, "some number", made("AWS::AutoScaling::AutoScalingGroup", {"MaxSize": {"Ref": "N"}})),
)


@pytest.mark.parametrize(
    ("rule", "risk", "change"), [(r, k, c) for r, k, _, c in FOUND], ids=[f"{r}: {w}" for r, _, w, _ in FOUND]
)
def test_a_rule_finds_what_it_is_for(rule: str, risk: RiskClass, change: Change) -> None:
    reasons = [reason for reason in assess(plan(change), CONTEXT).reasons if reason.rule == rule]
    assert worst(tuple(reason.risk for reason in reasons)) is risk, reasons
    assert reasons
    assert all(reason.where.startswith(change.id) for reason in reasons)


HARMLESS = (
    made("AWS::SQS::Queue", {"QueueName": "bot-q"}),
    made("AWS::S3::Bucket", {"AccessControl": "Private", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
    made("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": False}),
    updated("AWS::SQS::Queue", {"DelaySeconds": 1}, {"DelaySeconds": 0}),
    updated(
        "AWS::Lambda::Function",
        {"Timeout": 3},
        {"Timeout": 4, "Role": f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/workloads/w"},
    ),
    made("aws_lambda_function", {"role": f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/workloads/w"}),
    made("AWS::AutoScaling::AutoScalingGroup", {"MaxSize": 2}),
    made("AWS::EC2::Instance", {"InstanceType": "t3.micro"}),
    deleted("AWS::SSM::Parameter"),
    call("sqs:SendMessage", QUEUE),
    call("dynamodb:PutItem", TABLE),
    made("AWS::SQS::Queue", options={"Metadata": {"aws:cdk:path": "App/Queue"}, "DependsOn": ["guard"]}),
    made("AWS::SQS::Queue", options={"BeforeAttributes": {"Metadata": {"guard": {}}}, "AfterAttributes": {}}),
    updated(
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Suspended"}},
        {"VersioningConfiguration": {"Status": "Enabled"}},
    ),
)


@pytest.mark.parametrize("change", HARMLESS, ids=[f"{n} {c.type}" for n, c in enumerate(HARMLESS)])
def test_what_no_rule_knows_worse_of_is_r1_in_a_sandbox_and_r2_in_production(change: Change) -> None:
    assert assess(plan(change), CONTEXT).risk is R1, assess(plan(change), CONTEXT).reasons
    deletes = change.operation is Operation.DELETE
    assert assess(plan(change, account=PRODUCTION), CONTEXT).risk is (R3 if deletes else R2)


def test_the_worlds_addresses_are_no_way_in_where_they_lead_out() -> None:
    out = (
        made("AWS::EC2::SecurityGroup", {"SecurityGroupEgress": [{"CidrIp": "0.0.0.0/0"}]}),
        made("AWS::EC2::SecurityGroupEgress", {"CidrIp": "0.0.0.0/0"}),
        made("aws_security_group_rule", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}),
        made("AWS::EC2::Route", {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}),
    )
    for change in out:
        assert assess(plan(change), CONTEXT).risk is R2, change


def test_every_rule_is_among_the_cases_and_comes_to_what_it_declares() -> None:
    seen: dict[str, set[RiskClass]] = {}
    plans = [plan(change) for _, _, _, change in FOUND]
    plans += [plan(change, account=PRODUCTION) for _, _, _, change in FOUND]
    plans.append(plan(unknown=(Unknown("", "x"),)))
    plans.append(plan(*(made("AWS::SQS::Queue", id=f"Q{n}") for n in range(100))))
    for one in plans:
        for reason in assess(one, CONTEXT).reasons:
            seen.setdefault(reason.rule, set()).add(reason.risk)
    declared = {rule.id: set(rule.risks) for rule in RULES}
    assert all(found <= declared[rule] for rule, found in seen.items())
    assert declared.keys() - seen.keys() == {"splitting"}  # it has a file of its own
    assert len(declared) == len(RULES)


def test_the_worst_comes_first_and_decides() -> None:
    found = assess(
        plan(made("AWS::SQS::Queue", id="A"), made("AWS::IAM::Role", id="B"), made("AWS::EC2::VPC", id="C")), CONTEXT
    )
    order = [ORDER.index(reason.risk) for reason in found.reasons]
    assert order == sorted(order, reverse=True)
    assert found.risk is found.reasons[0].risk is R3
    assert found.reasons[0].where == "B"
    assert not found.forbidden


def test_what_could_not_be_told_is_r3() -> None:
    found = assess(plan(made("AWS::SQS::Queue"), unknown=(Unknown("It", "no version"),)), CONTEXT)
    assert (found.risk, found.reasons[0].rule, found.reasons[0].where) == (R3, "unknown-content", "It")
    assert "no version" in found.reasons[0].text


def test_an_empty_plan_is_no_read() -> None:
    assert assess(plan(), CONTEXT).risk is R1
    assert assess(plan(account=PRODUCTION), CONTEXT).risk is R2
    assert assess(plan(account=""), CONTEXT).risk is R2


def test_a_plan_that_does_not_say_where_is_in_no_environment() -> None:
    nowhere = plan(made("AWS::SQS::Queue"), account="", region="")
    assert assess(nowhere, CONTEXT).risk is R3
    assert assess(nowhere, replace(CONTEXT, account=SANDBOX, region="eu-central-1")).risk is R1
    assert assess(nowhere, replace(CONTEXT, account=SANDBOX)).risk is R3


def test_production_counts_where_two_environments_have_one_account() -> None:
    both = RiskContext((ENVIRONMENTS[0], replace(ENVIRONMENTS[1], accounts=(SANDBOX,))))
    assert assess(plan(made("AWS::SQS::Queue")), both).risk is R2


def test_reads_alone_are_r0_also_in_production_and_one_write_is_not() -> None:
    reads = (call("sqs:ListQueues", "*", id="1"), call("s3:ListAllMyBuckets", "*", id="2"))
    assert assess(plan(*reads, account=PRODUCTION), CONTEXT).risk is R0
    assert assess(plan(*reads, call("sqs:TagQueue", QUEUE, id="3"), account=PRODUCTION), CONTEXT).risk is R2


def test_a_read_with_a_writing_action_is_no_read() -> None:
    assert (
        assess(plan(call("sqs:ListQueues", QUEUE, actions=("sqs:ListQueues", "sqs:SendMessage"))), CONTEXT).risk is R1
    )


def test_production_data_is_r3_and_an_opted_in_class_r1() -> None:
    scan = call("dynamodb:Scan", TABLE)
    assert assess(plan(scan, account=PRODUCTION), CONTEXT).risk is R3
    opted = replace(CONTEXT, sensitive_reads=(SensitiveRead.BULK_DATA, SensitiveRead.SECRET))
    assert assess(plan(scan, account=PRODUCTION), opted).risk is R1
    assert assess(plan(call("secretsmanager:GetSecretValue", "*")), opted).risk is R3


def test_work_on_its_own_resources_is_no_escalation() -> None:
    function = f"arn:aws:lambda:eu-central-1:{SANDBOX}:function:bot-f"
    owning = replace(CONTEXT, own=(f"arn:aws:lambda:*:{SANDBOX}:function:bot-*",))
    update = call("lambda:UpdateFunctionCode", function)
    assert assess(plan(update), CONTEXT).risk is R3
    assert assess(plan(update), owning).risk is R2
    assert assess(plan(call("lambda:UpdateFunctionCode", function.replace("bot-f", "admin"))), owning).risk is R3
    assert (
        assess(plan(call("lambda:UpdateFunctionCode", function, function.replace("bot-f", "admin"))), owning).risk is R3
    )


def test_what_is_not_its_own_is_r3_where_that_is_known() -> None:
    owning = replace(CONTEXT, own=(f"arn:aws:sqs:*:{SANDBOX}:bot-*",))
    assert assess(plan(call("sqs:SendMessage", QUEUE)), owning).risk is R1
    assert assess(plan(call("sqs:SendMessage", QUEUE.replace("bot-q", "*"))), owning).risk is R3
    assert assess(plan(call("sqs:SendMessage", QUEUE.replace("bot-q", "pay"))), owning).risk is R3
    other = updated("AWS::SNS::Topic", {}, {}, physical_id=f"arn:aws:sns:eu-central-1:{SANDBOX}:pay")
    assert assess(plan(other), owning).risk is R3


def test_a_pattern_with_a_question_mark_owns_no_wildcard() -> None:
    owning = replace(CONTEXT, own=(f"arn:aws:sqs:*:{SANDBOX}:bot-?",))
    assert assess(plan(call("sqs:SendMessage", QUEUE.replace("bot-q", "bot-*"))), owning).risk is R3


def test_what_is_theirs_under_another_name_is_r4_too() -> None:
    protected = replace(CONTEXT, protected=("arn:aws:s3:::audit-*", "audit-*"))
    assert assess(plan(call("s3:PutObject", "arn:aws:s3:::audit-logs/x")), protected).risk is R4
    assert assess(plan(updated("AWS::S3::Bucket", {}, {}, physical_id="audit-logs")), protected).risk is R4
    assert not assess(plan(call("s3:PutObject", "arn:aws:s3:::audit-logs/x")), CONTEXT).forbidden


def test_reading_about_the_guardrails_is_allowed_and_reading_their_tokens_is_not() -> None:
    machine = f"arn:aws:states:eu-central-1:{SANDBOX}:stateMachine:mcp-guardrails-approvals"
    assert assess(plan(call("states:ListTagsForResource", machine)), CONTEXT).risk is R0
    table = f"arn:aws:dynamodb:eu-central-1:{SANDBOX}:table/mcp-guardrails-approvals"
    assert assess(plan(call("dynamodb:GetItem", table)), CONTEXT).risk is R4


def test_another_prefix_is_another_guardrail() -> None:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

    ledger = deleted("AWS::SSM::Parameter", physical_id="acme-rails-ledger")
    assert assess(plan(ledger), CONTEXT).risk is R1
    assert assess(plan(ledger), replace(CONTEXT, names=GuardrailNames("acme-rails"))).risk is R4
    assert assess(plan(deleted("AWS::SSM::Parameter", physical_id="mcp-guardrailsx")), CONTEXT).risk is R1


def test_suppressions_and_what_is_forbidden_take_trust_away() -> None:
    found = assess(plan(made("AWS::SQS::Queue", options={"Metadata": {"guard": {"SuppressedRules": ["X"]}}})), CONTEXT)
    assert found.triggers == ("suppression",)
    assert assess(plan(call("states:SendTaskSuccess", "*")), CONTEXT).triggers == ("guardrails",)
    assert assess(plan(made("AWS::CloudWatch::Alarm")), CONTEXT).triggers == ()
    found = assess(plan(made("AWS::SQS::Queue"), parameters={"Template": {"Metadata": {"guard": {}}}}), CONTEXT)
    assert found.triggers == ("suppression",)


def test_many_changes_and_many_dependents_count() -> None:
    queues = [made("AWS::SQS::Queue", id=f"Q{n}") for n in range(100)]
    assert assess(plan(*queues[:9]), CONTEXT).risk is R1
    assert assess(plan(*queues[:10]), CONTEXT).risk is R2
    assert assess(plan(*queues), CONTEXT).risk is R3
    wide = replace(CONTEXT, limits=RiskLimits(several=50, many=1000))
    hub = updated("AWS::SNS::Topic", {}, {}, id="Hub", dependent=tuple(f"Other{n}" for n in range(60)))
    found = [reason for reason in assess(plan(hub), wide).reasons if reason.rule == "blast-radius"]
    assert [(reason.risk, reason.where) for reason in found] == [(R2, "Hub")]
    assert assess(plan(replace(hub, operation=Operation.CREATE)), wide).risk is R1


def test_no_secret_is_in_a_reason() -> None:
    change = made(
        "AWS::RDS::DBInstance",
        {"MasterUserPassword": "hunter2!", "PubliclyAccessible": True},
        sensitive=(("MasterUserPassword",),),
    )
    found = assess(plan(change), CONTEXT)
    assert "MasterUserPassword" in str(found.document())
    assert "hunter2" not in str(found.document())


def test_the_document_is_bounded() -> None:
    found = assess(plan(*(made("AWS::IAM::Role", id=f"R{n}") for n in range(300))), CONTEXT)
    document = found.document(limit=10)
    assert len(document["reasons"]) == 10
    assert sum(document["more"].values()) == len(found.reasons) - 10


def test_limits_out_of_order_are_refused() -> None:
    wrongs: list[dict[str, Any]] = [{"several": 0}, {"several": 9, "many": 8}, {"plans": 1}, {"instances": 0}]
    for wrong in wrongs:
        with pytest.raises(PlanError, match="out of order"):
            RiskLimits(**wrong)


CHANGES = st.lists(st.sampled_from([change for *_, change in FOUND] + list(HARMLESS)), min_size=1, max_size=6).map(
    lambda found: [replace(change, id=str(number)) for number, change in enumerate(found)]
)


@settings(max_examples=100, deadline=None)
@given(CHANGES, st.randoms(use_true_random=False), st.sampled_from([SANDBOX, PRODUCTION]))
def test_more_changes_are_never_safer_and_their_order_means_nothing(
    changes: list[Change], random: Any, account: str
) -> None:
    form = Form.API_CALLS
    whole = assess(Plan(form, "", account, "eu-central-1", tuple(changes)), CONTEXT)
    for change in changes:
        alone = assess(Plan(form, "", account, "eu-central-1", (change,)), CONTEXT)
        assert ORDER.index(whole.risk) >= ORDER.index(alone.risk)
    shuffled = list(changes)
    random.shuffle(shuffled)
    again = assess(Plan(form, "", account, "eu-central-1", tuple(shuffled)), CONTEXT)
    assert again.risk is whole.risk
    # A path names the first change that has a step of it.
    assert {(r.rule, r.risk, r.text) for r in again.reasons} == {(r.rule, r.risk, r.text) for r in whole.reasons}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=12)
            | st.sampled_from(
                [
                    "Statement",
                    "Principal",
                    "Tags",
                    "Key",
                    "Value",
                    "Ref",
                    "Fn::Join",
                    "Fn::GetAtt",
                    "MaxSize",
                    "CidrIp",
                    "PolicyDocument",
                    "Metadata",
                    "guard",
                    "GatewayId",
                    "Scheme",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ANY_TYPE = st.sampled_from(
    [
        "AWS::S3::Bucket",
        "AWS::EC2::Route",
        "AWS::S3::BucketPolicy",
        "AWS::Lambda::Permission",
        "AWS::IAM::Role",
        "aws_lb",
        "x",
        "",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    ANY_TYPE,
    st.sampled_from(list(Operation)),
    JSON,
    JSON,
    st.dictionaries(
        st.sampled_from(
            ["Metadata", "DeletionPolicy", "Before", "BeforeAttributes", "AfterAttributes", "DependsOn", "PolicyAction"]
        ),
        JSON,
    ),
)
def test_whatever_a_plan_holds_it_is_judged(
    type_: str, operation: Operation, before: Any, after: Any, options: dict[str, Any]
) -> None:
    change = replace(made(type_), operation=operation, before=before, after=after, options=options)
    found = assess(plan(change, parameters={"Any": after}), CONTEXT)
    assert found.risk is worst(tuple(reason.risk for reason in found.reasons))
    assert found == assess(plan(change, parameters={"Any": after}), CONTEXT)
