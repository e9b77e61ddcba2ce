"""What agents do: each script is one run, with the session that the broker minted for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.benign.caller import Work

_PATH: Final = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents"


def execution_role(agent: str) -> str:
    """Return the ARN of the role that CloudFormation assumes for an agent's approved change."""
    return f"{_PATH}/{agent}/mcp-guardrails-{agent}-execution"


def _stacks(work: Work, agent: str) -> None:
    for _ in work.times(1, 3):
        work("cloudformation", "describe_stacks", StackName=f"{agent}-app")
        work("cloudformation", "list_stack_resources", StackName=f"{agent}-app")


def inventory(agent: str) -> Callable[[Work], None]:
    """Return the script of one that goes through its buckets, tables and functions."""

    def script(work: Work) -> None:
        work("s3", "list_buckets")
        for _ in work.times(1, 3):
            # Most know what is theirs; now and then one tries somebody else's, and goes on.
            bucket = "orders-archive" if work.chance(0.03) else f"{agent}-reports"
            work("s3", "list_objects_v2", Bucket=bucket)
            if work.chance(0.05):
                work("s3", "get_bucket_encryption", Bucket=bucket)
        work("dynamodb", "list_tables")
        for _ in work.times(0, 4):
            work("dynamodb", "describe_table", TableName="customers" if work.chance(0.03) else f"{agent}-orders")
        _stacks(work, agent)
        if work.chance(0.03):
            work("lambda", "list_functions")

    return script


def read_logs(work: Work) -> None:
    """Looks for what happened, through metrics and log groups."""
    work("logs", "describe_log_groups")
    for _ in work.times(2, 6):
        group = "/aws/lambda/orders-api" if work.chance(0.04) else "log-reader-probe"
        work("logs", "describe_log_streams", logGroupName=group)
        if work.chance(0.3):
            work("logs", "describe_metric_filters", logGroupName=group)
    for _ in work.times(2, 10):
        work("cloudwatch", "list_metrics", Namespace=work.some("AWS/Lambda", "AWS/SQS", "AWS/DynamoDB"))
    if work.chance(0.05):
        work("logs", "filter_log_events", logGroupName="/aws/lambda/orders-api", filterPattern="ERROR")


def costs(work: Work) -> None:
    """Looks for what is idle."""
    for _ in work.times(1, 3):
        work("ecs", "list_clusters")
        work("ecs", "list_task_definitions")
    for _ in work.times(1, 6):
        work("sqs", "list_queues")
        work("sqs", "get_queue_attributes", QueueUrl=_queue(work, "cost-bot-jobs"), AttributeNames=["All"])
    _stacks(work, "cost-bot")


def queues(work: Work) -> None:
    """Looks after topics, queues and parameters' names."""
    work("sqs", "list_queues")
    work("sns", "list_topics")
    for _ in work.times(1, 5):
        work("sqs", "get_queue_attributes", QueueUrl=_queue(work, "queue-bot-jobs"), AttributeNames=["All"])
    _stacks(work, "queue-bot")
    if work.chance(0.05):
        work("ssm", "get_parameter", Name="queue-bot-config")


def _queue(work: Work, name: str) -> str:
    return f"{work.caller.aws.endpoint_url}/{ACCOUNT}/{name}"


def _template(agent: str, work: Work) -> str:
    name = work.named(f"{agent}-{work.some('orders', 'items', 'events')}")
    kind = work.some("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SQS::Queue")
    properties: dict[str, Any] = {"QueueName": name}
    if kind == "AWS::DynamoDB::Table":
        properties = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        }
    return json.dumps({"Resources": {"Thing": {"Type": kind, "Properties": properties}}})


def plan(agent: str) -> Callable[[Work], None]:
    """Return the script of planning: change sets are made, looked at and not carried out."""

    def script(work: Work) -> None:
        work("cloudformation", "describe_stacks", StackName=f"{agent}-app")
        for number in work.times(1, 3):
            stack, change = work.named(f"{agent}-plan{number}"), work.named("plan")
            template = _template(agent, work)
            work("cloudformation", "validate_template", TemplateBody=template)
            work(
                "cloudformation", "create_change_set", StackName=stack, ChangeSetName=change, ChangeSetType="CREATE",
                TemplateBody=template, RoleARN=execution_role(agent),
            )  # fmt: skip
            for _ in work.times(1, 4):
                work("cloudformation", "describe_change_set", StackName=stack, ChangeSetName=change)
            if work.chance(0.03):  # who plans may not remove a plan: it stays, and goes with its stack
                work("cloudformation", "delete_change_set", StackName=stack, ChangeSetName=change)

    return script


def prepare(agent: str, work: Work) -> dict[str, str]:
    """Make the change set that an approved run carries out; return its name and its stack's."""
    stack, change = work.named(f"{agent}-release"), work.named("change")
    work(
        "cloudformation", "create_change_set", StackName=stack, ChangeSetName=change, ChangeSetType="CREATE",
        TemplateBody=_template(agent, work), RoleARN=execution_role(agent),
    )  # fmt: skip
    return {"StackName": stack, "ChangeSetName": change}


def apply(made: dict[str, str]) -> Callable[[Work], None]:
    """Return the script of an approved run: it carries the change set out and watches."""

    def script(work: Work) -> None:
        work("cloudformation", "describe_change_set", **made)
        work("cloudformation", "execute_change_set", **made)
        for _ in work.times(2, 6):
            work("cloudformation", "describe_stacks", StackName=made["StackName"])
            work("cloudformation", "describe_stack_events", StackName=made["StackName"])

    return script


READS: Final = {
    "inventory-bot": inventory("inventory-bot"),
    "log-reader": read_logs,
    "cost-bot": costs,
    "release-bot": inventory("release-bot"),
    "queue-bot": queues,
}
PLANS: Final = ("release-bot", "queue-bot", "inventory-bot")
APPLIES: Final = ("release-bot", "queue-bot")
