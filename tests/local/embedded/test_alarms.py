"""Alarms: their own dimensions, missing data, queues' metrics, and metrics that functions write to their logs."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

CODE = """
import json
def handler(event, context):
    directive = {"Namespace": "Made/Up", "Dimensions": [["Who"]], "Metrics": [{"Name": "Seen", "Unit": "Count"}]}
    print(json.dumps({"_aws": {"Timestamp": 0, "CloudWatchMetrics": [directive]}, "Who": event["who"], "Seen": 3}))
    print('{"_aws": {"CloudWatchMetrics": "no list"}}')
"""


def alarm(account: Account, name: str, **more: Any) -> None:
    settings = {
        "Namespace": "Made/Up",
        "MetricName": "Seen",
        "Dimensions": [{"Name": "Who", "Value": "me"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        **more,
    }
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, **settings)


def state(account: Account, name: str) -> str:
    [found] = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


def becomes(account: Account, name: str, wanted: str) -> bool:
    end = time.monotonic() + 6
    while time.monotonic() < end:
        if state(account, name) == wanted:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("treat", "wanted"), [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA")]
)
def test_silence_is_what_the_alarm_says(account: Account, treat: str, wanted: str) -> None:
    alarm(account, "silence", TreatMissingData=treat)
    assert becomes(account, "silence", wanted)
    time.sleep(1.5)
    assert state(account, "silence") == wanted


def test_an_alarm_looks_at_its_own_dimensions(account: Account) -> None:
    alarm(account, "own", TreatMissingData="breaching")
    assert becomes(account, "own", "ALARM")
    metric = {"MetricName": "Seen", "Value": 1}
    put = account.client("cloudwatch").put_metric_data
    put(Namespace="Made/Up", MetricData=[{**metric, "Dimensions": [{"Name": "Who", "Value": "somebody else"}]}])
    time.sleep(1.5)
    assert state(account, "own") == "ALARM"
    put(Namespace="Made/Up", MetricData=[{**metric, "Dimensions": [{"Name": "Who", "Value": "me"}]}])
    assert becomes(account, "own", "OK")


def test_a_queue_with_messages_fires_and_recovers_and_tells(account: Account) -> None:
    sqs, sns = account.client("sqs"), account.client("sns")
    dead, told = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "told"))
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    arn = f"arn:aws:sqs:us-east-1:{account.id}:told"
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=told, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    alarm(
        account,
        "dead",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        Statistic="Maximum",
        Threshold=0,
        Period=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    assert becomes(account, "dead", "OK")
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    assert becomes(account, "dead", "ALARM")
    [message] = sqs.receive_message(QueueUrl=told, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["NewStateValue"] == "ALARM"
    sqs.purge_queue(QueueUrl=dead)
    assert becomes(account, "dead", "OK")


def test_metrics_in_a_functions_log_count(account: Account) -> None:
    _invoked(account)
    alarm(account, "log", Threshold=3, ComparisonOperator="GreaterThanOrEqualToThreshold")
    assert becomes(account, "log", "ALARM")
    alarm(account, "other", Dimensions=[{"Name": "Who", "Value": "you"}], TreatMissingData="notBreaching")
    assert becomes(account, "other", "OK")


def test_without_the_extensions_none_of_it_is_seen(
    aws_without: Callable[..., Any], account_on: Callable[..., Account]
) -> None:
    account = account_on(aws_without("log_metrics", "alarm_evaluation", "queue_metrics"))
    _invoked(account)
    alarm(account, "log", TreatMissingData="breaching")
    time.sleep(2)
    assert state(account, "log") == "INSUFFICIENT_DATA"


def _invoked(account: Account) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", CODE)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    client = account.client("lambda")
    client.create_function(
        FunctionName="says",
        Runtime="python3.12",
        Handler="index.handler",
        Role=account.role("says", trust=trust),
        Code={"ZipFile": archive.getvalue()},
    )
    answer = client.invoke(FunctionName="says", Payload=json.dumps({"who": "me"}).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
