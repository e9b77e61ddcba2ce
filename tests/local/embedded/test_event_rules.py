"""Rules of EventBridge: which see reads, what queues let in, and what an object's event names."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

ALL = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def arn(account: Account, name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{account.id}:{name}"


def queue(account: Account, name: str, *, rule: str = "calls", lets: bool = True) -> str:
    """A queue that lets a rule send, or nobody; returns its URL."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn(account, name),
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:{account.id}:rule/{rule}"},
            "StringEquals": {"aws:SourceAccount": account.id},
        },
    }
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})} if lets else {}
    return str(account.client("sqs").create_queue(QueueName=name, Attributes=policy)["QueueUrl"])


def rule(account: Account, target: str, *, state: str = "ENABLED", pattern: dict[str, Any], **more: Any) -> None:
    events = account.client("events")
    events.put_rule(Name="calls", EventPattern=json.dumps(pattern), State=state)
    events.put_targets(Rule="calls", Targets=[{"Id": "1", "Arn": arn(account, target), **more}])


def bodies(account: Account, url: str, wanted: int) -> list[dict[str, Any]]:
    """What came into a queue: as many as are wanted, or what there is after five seconds."""
    found: list[dict[str, Any]] = []
    sqs = account.client("sqs")
    end = time.monotonic() + 5
    while len(found) < wanted and time.monotonic() < end:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return found


CALLS = {"detail-type": ["AWS API Call via CloudTrail"], "source": ["aws.iam"]}


def names(found: list[dict[str, Any]]) -> list[str]:
    return sorted(each["detail"]["eventName"] for each in found)


def test_a_rule_for_all_management_events_sees_reads(account: Account) -> None:
    url = queue(account, "alerts")
    rule(account, "alerts", state=ALL, pattern=CALLS)
    account.client("iam").list_roles()
    account.client("iam").create_user(UserName="somebody")
    assert names(bodies(account, url, 2)) == ["CreateUser", "ListRoles"]
    assert account.client("events").describe_rule(Name="calls")["State"] == ALL


def test_without_the_extension_such_a_rule_never_fires(
    aws_without: Callable[..., Any], account_on: Callable[..., Account]
) -> None:
    account = account_on(aws_without("management_event_rules"))
    url = queue(account, "alerts")
    rule(account, "alerts", state=ALL, pattern=CALLS)
    account.client("iam").create_user(UserName="somebody")
    time.sleep(1)
    assert bodies(account, url, 1) == []


def test_a_queue_that_lets_nobody_in_gets_nothing(account: Account) -> None:
    closed, other = queue(account, "closed", lets=False), queue(account, "other", rule="another")
    dead = queue(account, "dead")
    targets: dict[str, dict[str, Any]] = {"closed": {"DeadLetterConfig": {"Arn": arn(account, "dead")}}, "other": {}}
    for target, dead_letters in targets.items():
        rule(account, target, pattern=CALLS, **dead_letters)
        account.client("iam").create_user(UserName=f"for-{target}")
        time.sleep(0.5)
    assert names(bodies(account, dead, 1)) == ["CreateUser"]
    assert bodies(account, closed, 1) == []
    assert bodies(account, other, 1) == []


def test_an_objects_event_names_its_version(account: Account) -> None:
    url = queue(account, "objects")
    rule(account, "objects", pattern={"source": ["aws.s3"], "detail-type": ["Object Created"]})
    s3, bucket = account.client("s3"), f"versions-{account.id}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="kept", Body=b"x")["VersionId"]
    found = {each["detail"]["object"]["key"]: each["detail"]["object"] for each in bodies(account, url, 2)}
    assert found["kept"]["version-id"] == version
    assert "version-id" not in found["plain"]
