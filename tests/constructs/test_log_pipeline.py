"""The log pipeline's template: what it makes, who may do what, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import Guardrails
from sudo_mcp_guardrails.constructs.log_pipeline import LogPipeline
from sudo_mcp_guardrails.constructs.log_pipeline_calls import EventMembers
from sudo_mcp_guardrails.constructs.log_pipeline_props import IngesterSize, PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_sources import Notifications, TrailSource
from sudo_mcp_guardrails.constructs.search_domain_size import DomainError, DomainSize
from sudo_mcp_guardrails.constructs.search_network import Placement, PlacementError
from sudo_mcp_guardrails.constructs.search_target import SearchTarget
from sudo_mcp_guardrails.policies.agent_events import TAMPERING
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.policy import Tiers

Template = dict[str, Any]
_ARN = ("arn:", {"Ref": "AWS::Partition"}, ":events:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"})
_FORWARDERS = {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/mcp-guardrails/forwarding/*"}}
ACCOUNT = "111111111111"
DOMAIN = SearchTarget(
    "https://search", f"arn:aws:es:eu-central-1:{ACCOUNT}:domain/d", Placement("vpc-1", ("s-1",), ("sg-1",))
)

BROKER = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/mcp-guardrails-session-broker"


def new_stack(region: str = "eu-central-1", context: dict[str, Any] | None = None) -> cdk.Stack:
    env = cdk.Environment(account=ACCOUNT, region=region)
    return cdk.Stack(cdk.App(context=context), "Audit", env=env)


def given_bucket(stack: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(
        stack,
        "Trail",
        bucket_name="trail",
        encryption_key=kms.Key.from_key_arn(stack, "TrailKey", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/trail"),
    )


def pipeline(stack: cdk.Stack, **options: Any) -> LogPipeline:
    return LogPipeline(
        stack, "Pipeline", source=options.pop("source", None) or TrailSource(given_bucket(stack)), **options
    )


def made(stack: cdk.Stack) -> dict[str, dict[str, Template]]:
    """Resources by type, and by logical id with the hashes taken off."""
    found: dict[str, dict[str, Template]] = {}
    for id_, resource in assertions.Template.from_stack(stack).to_json()["Resources"].items():
        name = re.sub(r"[0-9A-F]{8}$", "", id_).removeprefix("Pipeline")
        found.setdefault(resource["Type"], {})[name] = resource["Properties"]
    return found


def statements(policy: Template) -> dict[str, Template]:
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


@pytest.fixture(scope="module")
def whole() -> dict[str, dict[str, Template]]:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:alarms")
    heads = s3.Bucket.from_bucket_name(stack, "Heads", "heads-of-another-account")
    broker = f"arn:aws:iam::{ACCOUNT}:role/session-broker"
    pipeline(stack, alarm_topic=topic, heads_bucket=heads, brokers=[broker])
    return made(stack)


def test_queues_wait_six_times_as_long_and_give_up_after_five(whole: dict[str, dict[str, Template]]) -> None:
    queues = whole["AWS::SQS::Queue"]
    assert sorted(queues) == ["FastQueue", "FastQueueDeadLetters", "Queue", "QueueDeadLetters"]
    for name in ("Queue", "FastQueue"):
        assert queues[name]["VisibilityTimeout"] == 6 * 120
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] == 5
        dead = queues[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert dead.startswith(f"Pipeline{name}DeadLetters")
    assert {queue["MessageRetentionPeriod"] for queue in queues.values()} == {14 * 24 * 3600}
    assert all("KmsMasterKeyId" in queue for queue in queues.values())


def test_who_may_send(whole: dict[str, dict[str, Template]]) -> None:
    allowed = statements(whole["AWS::SQS::QueuePolicy"]["QueuePolicy"])
    assert set(allowed) == {"PipelineQueueTls", "PipelineQueueFromObjects"}
    assert allowed["PipelineQueueTls"]["Effect"] == "Deny"
    objects = allowed["PipelineQueueFromObjects"]
    assert objects["Principal"] == {"Service": "events.amazonaws.com"}
    assert objects["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "PipelineObjects" in str(objects["Condition"]["ArnLike"]["aws:SourceArn"])
    assert set(statements(whole["AWS::SQS::QueuePolicy"]["FastQueueDeadLettersPolicy"])) == {
        "PipelineFastQueueDeadTls",
        "PipelineFastQueueUndeliveredFromCalls",
    }


def test_rules_of_objects_and_of_the_fast_path(whole: dict[str, dict[str, Template]]) -> None:
    rules = whole["AWS::Events::Rule"]
    assert rules["Objects"]["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["trail"]}},
    }
    assert rules["AgentCalls"]["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    by_role, invoked, kind = rules["AgentCalls"]["EventPattern"]["detail"]["$or"]
    assert by_role["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == [
        {"wildcard": "arn:*:iam::*:role/mcp-guardrails/agents/*"}
    ]
    assert "aws-mcp.amazonaws.com" in invoked["userIdentity"]["invokedBy"]
    assert kind == {"eventType": ["AwsMcpEvent"]}
    tampering = rules["Tampering"]["EventPattern"]["detail"]["$or"]
    assert {one["eventSource"][0]: tuple(one["eventName"]) for one in tampering} == TAMPERING
    assert all(len(json.dumps(rule["EventPattern"])) < 4096 for rule in rules.values())


def test_functions(whole: dict[str, dict[str, Template]]) -> None:
    functions = whole["AWS::Lambda::Function"]
    assert sorted(functions) == ["FunctionsHead", "FunctionsIngest", "FunctionsReconcile"]
    for function in functions.values():
        assert function["Runtime"] == "python3.14"
        assert function["Architectures"] == ["arm64"]
        assert len(function["VpcConfig"]["SubnetIds"]) == 3
        assert len(function["VpcConfig"]["SecurityGroupIds"]) == 1
    ingest = functions["FunctionsIngest"]
    assert ingest["Handler"] == "sudo_mcp_guardrails.handlers.trail_ingest.handler"
    assert (ingest["ReservedConcurrentExecutions"], ingest["Timeout"], ingest["MemorySize"]) == (10, 120, 1024)
    variables = ingest["Environment"]["Variables"]
    assert variables["PIPELINE"] == "Audit/Pipeline"
    assert variables["PATIENCE_SECONDS"] == "20"
    assert variables["REPLICAS"] == "2", "Multi-AZ with standby takes three copies"
    assert "WRITER_ROLE" in functions["FunctionsReconcile"]["Environment"]["Variables"]
    assert functions["FunctionsHead"]["Environment"]["Variables"]["HEADS_BUCKET"] == "heads-of-another-account"
    assert len({str(function["Code"]) for function in functions.values()}) == 1


def test_every_variable_that_a_handler_reads_is_set(whole: dict[str, dict[str, Template]]) -> None:
    from sudo_mcp_guardrails.constructs.asset import reached

    root = Path(__file__).parents[2]
    for name, handler in (("Ingest", "trail_ingest"), ("Reconcile", "trail_reconcile"), ("Head", "trail_head")):
        sources = [f for f in reached(handler) if "/handlers/trail" in f]
        text = "".join((root / source).read_text(encoding="utf-8") for source in sources)
        read = set(re.findall(r"os\.environ(?:\.get\(|\[)['\"](\w+)['\"]", text)) - {"AWS_REGION"}
        given = set(whole["AWS::Lambda::Function"][f"Functions{name}"]["Environment"]["Variables"])
        assert read == given, name


def test_event_sources_hand_back_what_failed_alone(whole: dict[str, dict[str, Template]]) -> None:
    sources = whole["AWS::Lambda::EventSourceMapping"]
    assert {name: source["FunctionResponseTypes"] for name, source in sources.items()} == {
        "Calls": ["ReportBatchItemFailures"],
        "Files": ["ReportBatchItemFailures"],
    }
    together = sum(source["ScalingConfig"]["MaximumConcurrency"] for source in sources.values())
    assert together == 10, "what is reserved, lest SQS counts throttled messages as tried"
    assert sources["Calls"]["MaximumBatchingWindowInSeconds"] == 0


def test_roles_may_what_they_need_and_every_sid_is_one(whole: dict[str, dict[str, Template]]) -> None:
    policies = whole["AWS::IAM::ManagedPolicy"]
    ingest = statements(policies["FunctionsIngestPolicy"])
    actions = {action for s in ingest.values() if s["Effect"] == "Allow" for action in _list(s["Action"])}
    assert not {action for action in actions if re.search(r"Delete(?!NetworkInterface|Message|Item)|\*", action)}
    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
    }
    assert ingest["PipelineIngestDecryptTrail"]["Resource"].endswith("key/trail")
    assert {action for action in actions if action.startswith("es:")} == {
        "es:ESHttpGet",
        "es:ESHttpPost",
        "es:ESHttpPut",
    }
    head = statements(policies["FunctionsHeadPolicy"])
    assert "heads-of-another-account/heads/*" in json.dumps(head["PipelineHeadPublish"]["Resource"])
    reconcile = statements(policies["FunctionsReconcilePolicy"])
    assert "es:ESHttpDelete" not in json.dumps(reconcile)
    sids = [sid for policy in policies.values() for sid in statements(policy)]
    sids += [sid for policy in whole["AWS::SQS::QueuePolicy"].values() for sid in statements(policy)]
    assert len(sids) == len(set(sids))
    assert not any("Policies" in role for role in whole["AWS::IAM::Role"].values())


def test_the_domain(whole: dict[str, dict[str, Template]]) -> None:
    [domain] = whole["AWS::OpenSearchService::Domain"].values()
    assert domain["EngineVersion"] == "OpenSearch_3.5"
    assert domain["EncryptionAtRestOptions"]["Enabled"] is True
    assert domain["NodeToNodeEncryptionOptions"] == {"Enabled": True}
    assert domain["DomainEndpointOptions"] == {
        "EnforceHTTPS": True,
        "TLSSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10",
    }
    access = domain["AdvancedSecurityOptions"]
    assert (access["Enabled"], access["InternalUserDatabaseEnabled"]) == (True, False)
    assert "ReconcileRole" in str(access["MasterUserOptions"])
    cluster = domain["ClusterConfig"]
    assert (cluster["DedicatedMasterCount"], cluster["InstanceCount"]) == (3, 3)
    assert cluster["MultiAZWithStandbyEnabled"] is True
    assert set(domain["LogPublishingOptions"]) == {
        "AUDIT_LOGS",
        "ES_APPLICATION_LOGS",
        "INDEX_SLOW_LOGS",
        "SEARCH_SLOW_LOGS",
    }
    [allow] = domain["AccessPolicies"]["Statement"]
    assert [role["Fn::GetAtt"][0][:25] for role in allow["Principal"]["AWS"]] == [
        "PipelineFunctionsReconcil",
        "PipelineFunctionsIngestRo",
    ]
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,27}", domain["DomainName"])
    resources = json.dumps(statements(whole["AWS::IAM::ManagedPolicy"]["FunctionsIngestPolicy"]))
    assert f"domain/{domain['DomainName']}/_bulk" in resources


def test_stores_and_network_are_kept_and_closed(whole: dict[str, dict[str, Template]]) -> None:
    tables = whole["AWS::DynamoDB::Table"]
    assert [key["AttributeName"] for key in tables["Ledger"]["KeySchema"]] == ["key"]
    assert [key["AttributeName"] for key in tables["Knowledge"]["KeySchema"]] == ["pk"]
    assert tables["Knowledge"]["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert all(table["DeletionProtectionEnabled"] for table in tables.values())
    assert "AWS::EC2::InternetGateway" not in whole
    assert "AWS::EC2::NatGateway" not in whole
    assert {endpoint["VpcEndpointType"] for endpoint in whole["AWS::EC2::VPCEndpoint"].values()} == {"Gateway"}
    assert not any(kind.startswith("Custom::") for kind in whole)
    assert all(group["RetentionInDays"] == 365 for group in whole["AWS::Logs::LogGroup"].values())
    assert all("KmsKeyId" in group for group in whole["AWS::Logs::LogGroup"].values())


def test_alarms(whole: dict[str, dict[str, Template]]) -> None:
    alarms = whole["AWS::CloudWatch::Alarm"]
    wanted = {"QueueAge", "QueueDeadLetters", "FastQueueAge", "DeadLetters", "Missing", "Broken", "Silence"}
    wanted |= {
        "ReconcilerSilence",
        "HeadSilence",
        "IngestErrors",
        "IngestThrottles",
        "DomainRed",
        "DomainSpace",
        "DomainCpu",
    }
    assert wanted <= {name.removeprefix("Alarms") for name in alarms}
    assert all(alarm["AlarmActions"] and alarm["AlarmDescription"] for alarm in alarms.values())
    silent = {name: alarm for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}
    assert {name.removeprefix("Alarms") for name in silent} == {"Silence", "ReconcilerSilence", "HeadSilence"}
    assert all(alarm["ComparisonOperator"] == "LessThanThreshold" for alarm in silent.values())
    assert all(alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400 for alarm in alarms.values())
    assert {d["Value"] for d in alarms["AlarmsMissing"]["Dimensions"]} == {"Audit/Pipeline"}


def test_schedules(whole: dict[str, dict[str, Template]]) -> None:
    schedules = whole["AWS::Scheduler::Schedule"]
    found = {name: (s["ScheduleExpression"], json.loads(s["Target"]["Input"])) for name, s in schedules.items()}
    assert found == {
        "FunctionsDaily": ("cron(30 1 * * ? *)", {"task": "publish"}),
        "FunctionsHourly": ("rate(1 hour)", {"task": "reconcile"}),
        "FunctionsSetup": ("rate(15 minutes)", {"task": "setup"}),
    }


def test_a_bucket_of_the_app_is_switched_on() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Trail")
    pipeline(stack, source=TrailSource(bucket, prefix="AWSLogs/"), domain=DOMAIN)
    resources = made(stack)
    assert resources["AWS::S3::Bucket"]["Trail"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    detail = resources["AWS::Events::Rule"]["Objects"]["EventPattern"]["detail"]
    assert detail["object"] == {"key": [{"prefix": "AWSLogs/"}]}
    assert "AWS::OpenSearchService::Domain" not in resources
    assert "AWS::EC2::VPC" not in resources
    assert resources["AWS::Lambda::Function"]["FunctionsIngest"]["VpcConfig"] == {
        "SubnetIds": ["s-1"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert resources["AWS::Lambda::Function"]["FunctionsReconcile"]["Environment"]["Variables"]["WRITER_ROLE"] == ""


def test_a_bucket_of_another_account_tells_the_queue_itself() -> None:
    stack = new_stack()
    source = TrailSource(given_bucket(stack), account="222222222222", notifications=Notifications.S3)
    pipeline(stack, source=source, domain=DOMAIN, fast_path=False)
    resources = made(stack)
    sent = statements(resources["AWS::SQS::QueuePolicy"]["QueuePolicy"])["PipelineQueueFromBucket"]
    assert sent["Principal"] == {"Service": "s3.amazonaws.com"}
    assert sent["Condition"]["StringEquals"] == {"aws:SourceAccount": "222222222222"}
    assert "AWS::Events::Rule" not in resources
    key = statements({"PolicyDocument": resources["AWS::KMS::Key"]["Key"]["KeyPolicy"]})
    own, outside = key["PipelineKeySenders"], key["PipelineKeyOutsideSenders"]
    assert own["Principal"] == {"Service": "events.amazonaws.com"}
    assert own["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert outside["Principal"] == {"Service": "s3.amazonaws.com"}
    assert outside["Condition"] == {"StringEquals": {"aws:SourceAccount": "222222222222"}}


@pytest.mark.parametrize(
    ("notifications", "account"),
    [(Notifications.S3, None), (Notifications.EVENT_BRIDGE, None), (Notifications.TOPIC, "2")],
)
def test_no_service_uses_the_key_for_accounts_that_are_not_named(
    notifications: Notifications, account: str | None
) -> None:
    stack = new_stack()
    whose = ACCOUNT if account is None else account * 12
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{whose}:trail")
    given = topic if notifications is Notifications.TOPIC else None
    pipeline(stack, source=TrailSource(given_bucket(stack), notifications=notifications, topic=given), domain=DOMAIN)
    key = statements({"PolicyDocument": made(stack)["AWS::KMS::Key"]["Key"]["KeyPolicy"]})
    of_services = {sid: s for sid, s in key.items() if "Service" in s["Principal"] and sid != "PipelineKeyLogs"}
    accounts = {sid: s["Condition"]["StringEquals"]["aws:SourceAccount"] for sid, s in of_services.items()}
    own: dict[str, Any] = {"PipelineKeySenders": {"Ref": "AWS::AccountId"}}
    assert accounts == (own if given is None else own | {"PipelineKeyOutsideSenders": whose})
    senders = {service for s in of_services.values() for service in _list(s["Principal"]["Service"])}
    other = {Notifications.S3: {"s3.amazonaws.com"}, Notifications.TOPIC: {"sns.amazonaws.com"}}
    assert senders == {"events.amazonaws.com"} | other.get(notifications, set())


def test_a_topic_and_a_bus_and_a_key_and_a_bucket_for_dead_letters() -> None:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:trail")
    letters_key = kms.Key.from_key_arn(stack, "LettersKey", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/letters")
    letters = s3.Bucket.from_bucket_attributes(stack, "Letters", bucket_name="letters", encryption_key=letters_key)
    pipeline(
        stack,
        source=TrailSource(given_bucket(stack), notifications=Notifications.TOPIC, topic=topic),
        domain=DOMAIN,
        event_bus=events.EventBus.from_event_bus_name(stack, "Bus", "agents"),
        encryption_key=kms.Key(stack, "Own"),
        dead_letters=letters,
    )
    resources = made(stack)
    [subscription] = resources["AWS::SNS::Subscription"].values()
    assert subscription["Protocol"] == "sqs"
    assert {rule["EventBusName"] for rule in resources["AWS::Events::Rule"].values()} == {"agents"}
    assert "AWS::S3::Bucket" not in resources
    [key] = resources["AWS::KMS::Key"].values()
    assert "PipelineKeyLogs" in json.dumps(key["KeyPolicy"])
    ingest = statements(resources["AWS::IAM::ManagedPolicy"]["FunctionsIngestPolicy"])
    assert any("key/letters" in str(arn) for arn in ingest["PipelineIngestKey"]["Resource"])


def test_members_send_to_a_bus_of_their_own() -> None:
    stack = new_stack()
    members = EventMembers(organization_id="o-a1b2c3d4e5", accounts=["222222222222"])
    made_ = pipeline(stack, domain=DOMAIN, members=members)
    resources = made(stack)
    [bus] = resources["AWS::Events::EventBus"].values()
    assert bus["Name"] == "mcp-guardrails-agent-events"
    assert "KmsKeyIdentifier" not in bus
    arn = {"Fn::Join": ["", [*_ARN, ":event-bus/mcp-guardrails-agent-events"]]}
    allowed = [policy["Statement"] for policy in resources["AWS::Events::EventBusPolicy"].values()]
    assert {s["Sid"]: (s["Effect"], s["Principal"], s["Action"], s["Resource"], s["Condition"]) for s in allowed} == {
        "AgentEventsOrganization": (
            "Allow",
            {"AWS": "*"},
            "events:PutEvents",
            arn,
            {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, **_FORWARDERS},
        ),
        "AgentEventsAccounts": (
            "Allow",
            {"AWS": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::222222222222:root"]]}},
            "events:PutEvents",
            arn,
            _FORWARDERS,
        ),
    }
    rules = resources["AWS::Events::Rule"]
    for name in ("AgentCalls", "Tampering"):
        own, theirs = rules[name], rules[f"Members{name}"]
        assert (own["EventPattern"], own["State"], own["Targets"]) == (
            theirs["EventPattern"],
            theirs["State"],
            theirs["Targets"],
        )
        assert "EventBusName" not in own
        assert "PipelineMembers" in theirs["EventBusName"]["Ref"]
    sent = statements(resources["AWS::SQS::QueuePolicy"]["FastQueuePolicy"])
    assert len(sent["PipelineFastQueueFromMemberCalls"]["Condition"]["ArnLike"]["aws:SourceArn"]) == 2
    dead = statements(resources["AWS::SQS::QueuePolicy"]["FastQueueDeadLettersPolicy"])
    assert "PipelineFastQueueUndeliveredFromMemberCalls" in dead
    assert made_.member_bus_arn is not None
    assert made_.member_bus_arn.endswith(f":events:eu-central-1:{ACCOUNT}:event-bus/mcp-guardrails-agent-events")
    with pytest.raises(PipelineError, match="expected a fast path, and members once"):
        made_.accept_members(members)


def test_the_brokers_whose_tags_are_believed() -> None:
    stack = new_stack()
    broker = iam.Role(stack, "Broker", assumed_by=iam.AccountRootPrincipal())
    pipeline(stack, domain=DOMAIN, brokers=[BROKER, broker.role_arn])
    functions = made(stack)["AWS::Lambda::Function"]
    for name in ("FunctionsIngest", "FunctionsReconcile"):
        [head, role] = functions[name]["Environment"]["Variables"]["BROKER_ROLES"]["Fn::Join"][1]
        assert (head, role["Fn::GetAtt"][1]) == (f"{BROKER},", "Arn")
    other = new_stack()
    pipeline(other, domain=DOMAIN)
    assert "BROKER_ROLES" not in json.dumps(made(other))


def test_a_given_vpc() -> None:
    stack = new_stack()
    subnets = [f"s-{zone}" for zone in "abc"]
    zones = [f"eu-central-1{zone}" for zone in "abc"]
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-7", availability_zones=zones, private_subnet_ids=subnets
    )
    pipeline(stack, vpc=vpc)
    resources = made(stack)
    [domain] = resources["AWS::OpenSearchService::Domain"].values()
    assert domain["VPCOptions"]["SubnetIds"] == subnets
    assert "AWS::EC2::VPC" not in resources
    with pytest.raises(PipelineError, match="a VPC beside a domain that is there is not allowed"):
        pipeline(new_stack(), vpc=vpc, domain=DOMAIN)
    two = ec2.Vpc.from_vpc_attributes(
        stack, "Two", vpc_id="vpc-8", availability_zones=zones[:2], private_subnet_ids=subnets[:2]
    )
    with pytest.raises(DomainError, match="domain is given 2 subnets, expected 3 in as many zones"):
        LogPipeline(stack, "Other", source=TrailSource(given_bucket(cdk.Stack())), vpc=two)


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions_determinism_and_two_copies(region: str) -> None:
    def templates() -> str:
        stack = new_stack(region)
        for id_ in ("One", "Two"):
            LogPipeline(stack, id_, source=TrailSource(s3.Bucket.from_bucket_name(stack, f"{id_}Trail", "trail")))
        return json.dumps(assertions.Template.from_stack(stack).to_json())

    text = templates()
    assert text == templates()
    assert re.findall(r"arn:aws[a-z-]*:", text) == []
    assert len(set(re.findall(r'"DomainName": "([a-z0-9-]+)"', text))) == 2


@pytest.mark.parametrize("heads", [True, False])
def test_what_is_weaker_is_loud(*, heads: bool) -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Bucket")
    topic = sns.Topic(stack, "Topic") if heads else None
    pipeline(
        stack, source=TrailSource(bucket), domain=DOMAIN, alarm_topic=topic, heads_bucket=bucket if heads else None
    )
    messages = cdk.App.of(stack).synth().get_stack_by_name("Audit").messages  # type: ignore[union-attr]
    found = re.findall(r"@sudo-mcp-guardrails/logPipeline:(\w+)", str([message.entry.data for message in messages]))
    assert sorted(found) == ([] if heads else ["noAlarmTopic", "noHeads"])


def test_bad_props() -> None:
    stack = new_stack()
    bucket = given_bucket(stack)
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:trail")
    for make, error, message in (
        (lambda: TrailSource(bucket, topic=topic), PipelineError, "notifications 'event-bridge' with topic"),
        (
            lambda: TrailSource(bucket, notifications=Notifications.TOPIC),
            PipelineError,
            "with topic None are not allowed",
        ),
        (lambda: TrailSource(bucket, account="2"), PipelineError, "of a bucket in account '2' are not allowed"),
        (lambda: TrailSource(bucket, prefix="/x"), PipelineError, "prefix '/x' is not allowed"),
        (
            lambda: pipeline(new_stack(), reconcile_days=31),
            PipelineError,
            "reconcile_days 31 is not allowed, expected 1 to 30",
        ),
        (lambda: pipeline(new_stack(), index_prefix="X"), TrailError, "index prefix 'X'"),
        (
            lambda: pipeline(new_stack(), tiers=Tiers(90, 30)),
            PipelineError,
            "tiers Tiers(hot=90, warm=30, cold=0) are not",
        ),
        (
            lambda: pipeline(new_stack(), domain=DOMAIN, fast_path=False, members=EventMembers("o-a1b2c3d4e5")),
            PipelineError,
            "expected a fast path",
        ),
        (EventMembers, PipelineError, "members without any are not allowed"),
        (
            lambda: pipeline(new_stack(), domain=DOMAIN, brokers=[]),
            PipelineError,
            "brokers [] are not allowed, expected a list of roles' ARNs",
        ),
        (lambda: pipeline(new_stack(), domain=DOMAIN, brokers=BROKER), PipelineError, f"brokers '{BROKER}' are not"),
        (lambda: pipeline(new_stack(), domain=DOMAIN, brokers=["b"]), TrailError, "broker 'b' is not allowed"),
        (lambda: EventMembers("o-1"), PipelineError, "organization_id 'o-1' is not allowed"),
        (lambda: EventMembers(accounts=("1",)), PipelineError, "account '1' of members is not allowed"),
        (
            lambda: EventMembers(accounts="222222222222"),
            PipelineError,
            "accounts '222222222222' of members are not allowed, expected a list",
        ),
        (lambda: IngesterSize(concurrency=3), PipelineError, "ingester's concurrency 3 is not allowed, expected 4 to"),
        (lambda: IngesterSize(timeout_seconds=901), PipelineError, "timeout_seconds 901 is not allowed"),
        (lambda: IngesterSize(memory_mib=128), PipelineError, "memory_mib 128 is not allowed"),
        (lambda: IngesterSize(batch=0), PipelineError, "batch 0 is not allowed"),
        (lambda: DomainSize(data_nodes=4), DomainError, "data nodes 4 are not allowed, expected a multiple of 3"),
        (lambda: DomainSize(data_type="t3.small.search"), DomainError, "data type 't3.small.search' is not allowed"),
        (lambda: DomainSize(gib=5), DomainError, "volume of 5 GiB is not allowed, expected 20 to"),
        (lambda: DomainSize(warm_nodes=2), DomainError, "warm nodes 2 are not allowed"),
        (lambda: DomainSize(cold=True), DomainError, "cold storage without warm nodes is not allowed"),
        (lambda: Placement("", ()), PlacementError, "placement has VPC '' and subnets ()"),
    ):
        with pytest.raises(error, match=re.escape(message)):
            make()


@pytest.mark.parametrize("recommended", [True, False])
def test_the_six_packs_and_the_validation_pass(flags: dict[str, Any], *, recommended: bool) -> None:
    stack = new_stack(context=flags if recommended else {})
    heads = s3.Bucket.from_bucket_name(stack, "Heads", "heads-of-another-account")
    topic = (
        sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-central-1:{ACCOUNT}:alarms") if recommended else None
    )
    size = DomainSize(warm_nodes=3, cold=True)
    pipeline(
        stack,
        heads_bucket=heads,
        alarm_topic=topic,
        domain=size,
        tiers=Tiers(90, 30, 30),
        ingester=IngesterSize(concurrency=None),
        members=EventMembers("o-a1b2c3d4e5", (ACCOUNT,)),
    )
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce(guard_rules=[])
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    found = [(v["ruleName"], v.get("severity")) for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert [rule for rule, _ in found if "logPipeline" not in rule] == []
    accepted = [v for plugin in report["pluginReports"] for v in plugin.get("suppressedViolations", [])]
    assert [v["ruleName"] for v in accepted if len(v.get("reason", "")) < 20] == []


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
