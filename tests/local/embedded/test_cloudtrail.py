"""What CloudTrail records of a session, and where it delivers it."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.embedded.organization import Organization
    from tests.local.embedded.conftest import Account

    Refusal = Callable[[Callable[[], Any]], str]


def trail(bucket: str, **properties: Any) -> dict[str, Any]:
    settings = {"TrailName": "audit", "S3BucketName": bucket, "IsLogging": True, **properties}
    return {"Resources": {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": settings}}}


def files(account: Account, bucket: str) -> dict[str, list[dict[str, Any]]]:
    """The log files of a bucket with their records, by key."""
    s3 = account.client("s3")
    found = {}
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        found[entry["Key"]] = json.loads(gzip.decompress(body))["Records"]
    return found


def delivered(account: Account, bucket: str, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The delivered records that `wanted` takes, as soon as there is one; empty after four seconds."""
    matching: list[dict[str, Any]] = []
    for _ in range(20):
        matching = [record for records in files(account, bucket).values() for record in records if wanted(record)]
        if matching:
            break
        time.sleep(0.2)
    return matching


def agent(account: Account) -> Any:
    account.role("agent", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}, path="/agents/")
    return account.assume(f"arn:aws:iam::{account.id}:role/agents/agent", name="session", SourceIdentity="run-1")


def test_stock_does_not_record_a_denied_call(stock_account: Account, refusal: Refusal) -> None:
    role = stock_account.role("agent")
    session = stock_account.assume(role)
    assert refusal(stock_account.client("dynamodb", session).list_tables) == "AccessDeniedException"
    assert stock_account.client("cloudtrail").lookup_events()["Events"] == []


def test_stock_refuses_a_trail_in_a_template(stock_account: Account, refusal: Refusal) -> None:
    assert refusal(lambda: stock_account.deploy(trail("logs"))) == "ValidationError"


def test_a_denied_call_is_recorded_with_who_made_it(account: Account, refusal: Refusal) -> None:
    session = agent(account)
    tables = account.client("dynamodb", session)
    assert refusal(lambda: tables.create_table(**TABLE)) == "AccessDeniedException"
    history = account.client("cloudtrail").lookup_events()["Events"]
    record = json.loads(next(event["CloudTrailEvent"] for event in history if event["EventName"] == "CreateTable"))
    assert (record["errorCode"], record["eventSource"], record["readOnly"]) == (
        "AccessDenied",
        "dynamodb.amazonaws.com",
        False,
    )
    who = record["userIdentity"]
    assert who["type"] == "AssumedRole"
    assert who["arn"] == f"arn:aws:sts::{account.id}:assumed-role/agent/session"
    assert who["sessionContext"]["sessionIssuer"]["arn"] == f"arn:aws:iam::{account.id}:role/agents/agent"
    assert who["sessionContext"]["sourceIdentity"] == "run-1"
    assert who["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_a_session_is_recorded_with_its_tags(account: Account) -> None:
    role = account.role("agent")
    tags = [{"Key": f"tag-{number}", "Value": f"{number}"} for number in range(11)]
    session = account.assume(role, name="tagged", Tags=tags, TransitiveTagKeys=["tag-3"])
    history = account.client("cloudtrail").lookup_events()["Events"]
    record = json.loads(next(event["CloudTrailEvent"] for event in history if event["EventName"] == "AssumeRole"))
    told = record["requestParameters"]
    assert told["tags"] == [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
    assert told["transitiveTagKeys"] == ["tag-3"]
    assert (told["roleArn"], told["roleSessionName"]) == (role, "tagged")
    assert record["responseElements"]["credentials"]["accessKeyId"] == session.get_credentials().access_key


def test_an_allowed_call_has_no_error(account: Account) -> None:
    account.client("sqs", agent(account)).create_queue(QueueName="jobs")
    history = account.client("cloudtrail").lookup_events()["Events"]
    record = json.loads(next(event["CloudTrailEvent"] for event in history if event["EventName"] == "CreateQueue"))
    assert "errorCode" not in record
    assert record["requestParameters"]["queueName"] == "jobs"


def test_an_assumption_names_the_session_that_it_made(account: Account) -> None:
    session = agent(account)
    history = account.client("cloudtrail").lookup_events()["Events"]
    record = json.loads(next(event["CloudTrailEvent"] for event in history if event["EventName"] == "AssumeRole"))
    made = record["responseElements"]
    assert made["credentials"] == {"accessKeyId": session.get_credentials().access_key}
    assert made["assumedRoleUser"]["arn"] == f"arn:aws:sts::{account.id}:assumed-role/agent/session"


def test_secrets_do_not_reach_the_log(account: Account) -> None:
    account.client("secretsmanager").create_secret(Name="key", SecretString="hunter2")
    account.client("iam").create_user(UserName="u")
    account.client("iam").create_login_profile(UserName="u", Password="hunter2hunter2")
    account.client("ssm").put_parameter(Name="p", Value="hunter2", Type="SecureString")
    texts = [event["CloudTrailEvent"] for event in account.client("cloudtrail").lookup_events()["Events"]]
    assert len(texts) >= 4
    assert [text for text in texts if "hunter2" in text] == []


def test_a_trail_writes_log_files_of_management_events(account: Account, refusal: Refusal) -> None:
    account.client("s3").create_bucket(Bucket=f"logs-{account.id}")
    assert account.deploy(trail(f"logs-{account.id}", S3KeyPrefix="audit")) == "CREATE_COMPLETE"
    refusal(lambda: account.client("dynamodb", agent(account)).create_table(**TABLE))
    records = delivered(account, f"logs-{account.id}", lambda record: record["eventName"] == "CreateTable")
    assert [record["errorCode"] for record in records] == ["AccessDenied"]
    found = files(account, f"logs-{account.id}")
    prefix = f"audit/AWSLogs/{account.id}/CloudTrail/us-east-1/"
    assert all(key.startswith(prefix) and key.endswith(".json.gz") for key in found)
    categories = {record["eventCategory"] for records in found.values() for record in records}
    assert categories == {"Management"}  # reading the log files above was a data event


def test_a_trail_that_is_stopped_writes_nothing(account: Account) -> None:
    bucket = f"logs-{account.id}"
    account.client("s3").create_bucket(Bucket=bucket)
    account.deploy(trail(bucket, IsLogging=False))
    account.client("sqs").create_queue(QueueName="jobs")
    time.sleep(0.8)
    assert files(account, bucket) == {}
    account.client("cloudtrail").start_logging(Name="audit")
    account.client("sqs").create_queue(QueueName="more")
    records = delivered(account, bucket, lambda record: record["eventName"] == "CreateQueue")
    assert [record["requestParameters"]["queueName"] for record in records] == ["more"]


@pytest.mark.parametrize("advanced", [False, True])
def test_data_events_are_written_where_the_selectors_ask(account: Account, *, advanced: bool) -> None:
    bucket, data = f"logs-{account.id}", f"data-{account.id}"
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=data)
    selectors: dict[str, Any] = {
        "EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{data}/"]}]}]
    }
    if advanced:
        fields = {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"], "eventName": ["PutObject"]}
        selectors = {
            "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": k, "Equals": v} for k, v in fields.items()]}]
        }
    assert account.deploy(trail(bucket, **selectors)) == "CREATE_COMPLETE"
    account.client("dynamodb").list_tables()
    s3.put_object(Bucket=data, Key="k", Body=b"x")  # last: where it is delivered, what came before it is
    records = delivered(account, bucket, lambda record: record["eventName"] == "PutObject")
    assert [record["requestParameters"] for record in records] == [{"bucketName": data, "key": "k"}]
    everything = [record for group in files(account, bucket).values() for record in group]
    assert ("ListTables" in {record["eventName"] for record in everything}) is not advanced


def test_calls_reach_the_event_bus_and_reads_do_not(account: Account) -> None:
    sqs, events = account.client("sqs"), account.client("events")
    arn = f"arn:aws:sqs:us-east-1:{account.id}:alerts"
    sender = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**sender, "Resource": arn}]})
    queue = sqs.create_queue(QueueName="alerts", Attributes={"Policy": policy})["QueueUrl"]
    events.put_rule(
        Name="calls", EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"], "source": ["aws.iam"]})
    )
    events.put_targets(Rule="calls", Targets=[{"Id": "1", "Arn": arn}])
    account.client("iam").list_roles()
    account.client("iam").create_user(UserName="intruder")
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3, MaxNumberOfMessages=10)
    details = [json.loads(message["Body"])["detail"] for message in answer["Messages"]]
    assert [detail["eventName"] for detail in details] == ["CreateUser"]
    assert details[0]["userIdentity"]["type"] == "Root"


def test_an_organization_trail_collects_from_members(
    organization: Organization, member: Account, aws: EmbeddedAws
) -> None:
    management = type(member)(aws, organization.management_account)
    bucket = f"logs-{management.id}"
    management.client("s3").create_bucket(Bucket=bucket)
    assert management.deploy(trail(bucket, IsOrganizationTrail=True, IsMultiRegionTrail=True)) == "CREATE_COMPLETE"
    member.client("sqs", region="eu-west-1").create_queue(QueueName="jobs")
    records = delivered(management, bucket, lambda record: record["recipientAccountId"] == member.id)
    assert [(record["eventName"], record["awsRegion"]) for record in records] == [("CreateQueue", "eu-west-1")]
    wanted = f"AWSLogs/{organization.id}/{member.id}/CloudTrail/eu-west-1/"
    assert any(key.startswith(wanted) for key in files(management, bucket))


def test_a_trail_is_updated_and_deleted_by_its_stack(account: Account) -> None:
    account.client("s3").create_bucket(Bucket=f"logs-{account.id}")
    account.deploy(trail(f"logs-{account.id}"))
    cloudformation, cloudtrail = account.client("cloudformation"), account.client("cloudtrail")
    changed = trail(f"logs-{account.id}", EnableLogFileValidation=True, IsLogging=False)
    cloudformation.update_stack(StackName="stack", TemplateBody=json.dumps(changed))
    assert account.settled() == "UPDATE_COMPLETE"
    assert cloudtrail.get_trail(Name="audit")["Trail"]["LogFileValidationEnabled"] is True
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"] is False
    cloudformation.delete_stack(StackName="stack")
    for _ in range(50):
        if not cloudtrail.describe_trails()["trailList"]:
            break
        time.sleep(0.05)
    assert cloudtrail.describe_trails()["trailList"] == []


def analyzer(kind: str) -> dict[str, Any]:
    properties = {"AnalyzerName": "external", "Type": kind}
    resource = {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": properties}
    return {"Resources": {"Analyzer": resource}, "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Analyzer", "Arn"]}}}}


def test_stock_refuses_an_analyzer(stock_account: Account, refusal: Refusal) -> None:
    assert refusal(lambda: stock_account.deploy(analyzer("ACCOUNT"))) == "ValidationError"


def test_an_analyzer_is_recorded(account: Account) -> None:
    assert account.deploy(analyzer("ACCOUNT")) == "CREATE_COMPLETE"
    stack = account.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]
    assert stack["Outputs"][0]["OutputValue"] == f"arn:aws:access-analyzer:us-east-1:{account.id}:analyzer/external"


def test_an_analyzer_of_an_unknown_type_is_refused(account: Account) -> None:
    assert account.deploy(analyzer("GALAXY")) == "ROLLBACK_COMPLETE"
    assert "analyzer Type 'GALAXY' is none of ACCOUNT" in account.reasons()


TABLE = {
    "TableName": "t",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def test_files_that_are_handed_over_are_delivered_with_the_next(account: Account, aws: EmbeddedAws) -> None:
    bucket = f"handed-{account.id}"
    account.client("s3").create_bucket(Bucket=bucket)
    name = f"handed-{account.id}"
    assert account.deploy(trail(bucket, TrailName=name)) == "CREATE_COMPLETE"
    sample = {"eventName": "AssumeRole", "eventID": "elsewhere"}
    aws.hand_to_trail(name, "sample.json.gz", gzip.compress(json.dumps({"Records": [sample]}).encode()))
    account.client("sqs").create_queue(QueueName="jobs")
    assert delivered(account, bucket, lambda record: record.get("eventID") == "elsewhere") == [sample]
    [key] = [key for key in files(account, bucket) if key.endswith("/sample.json.gz")]
    assert key.startswith(f"AWSLogs/{account.id}/CloudTrail/us-east-1/")


@pytest.mark.parametrize("name", ["../elsewhere", "", ".hidden", "a/b"])
def test_a_file_for_a_trail_has_a_plain_name(aws: EmbeddedAws, name: str) -> None:
    with pytest.raises(EmbeddedAwsError, match="plain name"):
        aws.hand_to_trail("audit", name, b"{}")
    with pytest.raises(EmbeddedAwsError, match="plain name"):
        aws.hand_to_trail(name, "sample.json", b"{}")
