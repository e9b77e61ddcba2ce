"""What tells the log pipeline of new files, and of agents' calls within seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_queue import sender_conditions
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_WARNING: Final = "@sudo-mcp-guardrails/logPipeline:"
ALL_MANAGEMENT_EVENTS: Final = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""State of a rule that also sees read-only calls (EventBridge user guide, "Receiving read-only management events")."""
MCP_SERVICES: Final = ("aws-mcp.amazonaws.com", "aws-api-mcp.amazonaws.com")
TAMPERING: Final[dict[str, tuple[str, ...]]] = {
    "cloudtrail.amazonaws.com": (
        "DeleteTrail",
        "PutEventSelectors",
        "PutInsightSelectors",
        "StopEventDataStoreIngestion",
        "StopLogging",
        "UpdateTrail",
    ),
    "events.amazonaws.com": ("DeleteRule", "DisableRule", "PutRule", "RemoveTargets"),
    "kms.amazonaws.com": ("DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"),
    "lambda.amazonaws.com": (
        "DeleteEventSourceMapping20150331",
        "PutFunctionConcurrency20171031",
        "UpdateEventSourceMapping20150331",
        "UpdateFunctionCode20150331v2",
    ),
    "logs.amazonaws.com": ("DeleteLogGroup", "DeleteSubscriptionFilter", "PutRetentionPolicy"),
    "s3.amazonaws.com": (
        "DeleteBucketPolicy",
        "PutBucketLifecycle",
        "PutBucketNotification",
        "PutBucketPolicy",
        "PutObjectLockConfiguration",
    ),
    "sqs.amazonaws.com": ("DeleteQueue", "PurgeQueue", "SetQueueAttributes"),
}
"""Calls by which a trail or this pipeline is switched off, by who serves them."""


class Notifications(Enum):
    """How the trail's bucket tells of new objects."""

    EVENT_BRIDGE = "event-bridge"
    """By EventBridge, which a bucket of this app is told to; one USD per million objects."""
    S3 = "s3"
    """By the bucket's own notification to the queue, which its owner sets up; also from another account."""
    TOPIC = "topic"
    """By an SNS topic that the bucket, or the trail itself, publishes to already, as in Control Tower."""


@dataclass(frozen=True)
class TrailSource:
    """The bucket that a trail delivers to, and how it tells of new files.

    Args:
        bucket: The bucket.
        prefix: What the keys of trail files begin with, such as ``AWSLogs/``. Default: all keys.
        key: Encrypts the trail. Default: the bucket's own, where the CDK knows it.
        account: The bucket's account. Default: the pipeline's.
        notifications: How it tells. Default: EventBridge, in one account and Region.
        topic: The topic, for :attr:`Notifications.TOPIC`.

    Raises:
        PipelineError: For props that contradict each other.
    """

    bucket: s3.IBucket
    prefix: str = ""
    key: kms.IKey | None = None
    account: str | None = None
    notifications: Notifications = Notifications.EVENT_BRIDGE
    topic: sns.ITopic | None = None

    def __post_init__(self) -> None:
        """Validate."""
        if (self.topic is not None) != (self.notifications is Notifications.TOPIC):
            raise PipelineError(
                f"notifications {self.notifications.value!r} with topic {self.topic!r} are not allowed, expected a "
                "topic with Notifications.TOPIC, and with it alone"
            )
        if self.account is not None and self.notifications is Notifications.EVENT_BRIDGE:
            raise PipelineError(
                f"notifications 'event-bridge' of a bucket in account {self.account!r} are not allowed, expected "
                "Notifications.S3 or Notifications.TOPIC: a rule sees the buckets of its own account"
            )
        if self.prefix.startswith("/") or "*" in self.prefix:
            raise PipelineError(f"prefix {self.prefix!r} is not allowed, expected the beginning of keys, without *")

    @property
    def key_arn(self) -> str | None:
        """ARN of the key that encrypts the trail, if one is known."""
        key = self.key or self.bucket.encryption_key
        return key.key_arn if key is not None else None


def tell_of_objects(scope: Construct, queue: NotificationQueue, source: TrailSource) -> None:
    """Let the queue hear of a source's new objects; what that takes is made in the scope."""
    bucket, topic = source.bucket, source.topic
    if topic is not None:
        queue.allow("Topic", "sns.amazonaws.com", (("ArnEquals", "aws:SourceArn", (topic.topic_arn,)),))
        sns.CfnSubscription(
            scope, "Subscription", topic_arn=topic.topic_arn, protocol="sqs", endpoint=queue.queue.attr_arn
        )
        return
    if source.notifications is Notifications.S3:
        queue.allow(
            "Bucket",
            "s3.amazonaws.com",
            sender_conditions([bucket.bucket_arn], account=source.account or ACCOUNT),
        )
        cdk.Annotations.of(scope).add_info(
            "the bucket's owner sets up the notification of s3:ObjectCreated:* to the pipeline's queue"
        )
        return
    detail: dict[str, Any] = {"bucket": {"name": [bucket.bucket_name]}}
    if source.prefix:
        detail["object"] = {"key": [{"prefix": source.prefix}]}
    rule = _rule(
        scope,
        "Objects",
        "Tells the audit pipeline of new trail files",
        {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail},
        queue,
    )
    queue.allow("Objects", "events.amazonaws.com", sender_conditions([rule.attr_arn]), undelivered=True)
    _switch_on(scope, bucket)


def tell_of_calls(
    scope: Construct, queue: NotificationQueue, *, names: GuardrailNames, bus: events.IEventBus | None
) -> None:
    """Let the queue have agents' calls, and what tampers with the trail, within seconds.

    A rule sees the calls of its own account and Region, and what other accounts' rules send to its bus. CloudTrail
    sends to EventBridge as well as it can, and nothing of over 256 KB; the files are what is complete.

    Args:
        scope: Where the rules are made.
        queue: The queue.
        names: Where the agents' roles live.
        bus: Where the rules are. Default: the account's default bus.
    """
    rules = [
        _rule(
            scope,
            "AgentCalls",
            "Sends what agents call to the audit pipeline, within seconds",
            agent_calls(names),
            queue,
            bus=bus,
            state=ALL_MANAGEMENT_EVENTS,
        ),
        _rule(
            scope,
            "Tampering",
            "Sends what tampers with the trail to the audit pipeline, within seconds",
            {
                "source": [{"prefix": "aws."}],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "$or": [
                        {"eventSource": [source], "eventName": list(names_)} for source, names_ in TAMPERING.items()
                    ]
                },
            },
            queue,
            bus=bus,
        ),
    ]
    arns = [rule.attr_arn for rule in rules]
    queue.allow("Calls", "events.amazonaws.com", sender_conditions(arns), undelivered=True)


def agent_calls(names: GuardrailNames) -> dict[str, Any]:
    """Return the pattern of agents' calls: by their roles' path, by who made the call for them, by its kind."""
    role = {"sessionContext": {"sessionIssuer": {"arn": [{"wildcard": names.agent_principals}]}}}
    return {
        # PutEvents refuses sources that begin so: without it anybody who may call it could forge events.
        "source": [{"prefix": "aws."}],
        "detail-type": [{"wildcard": "AWS * via CloudTrail"}],
        "detail": {
            "$or": [
                {"userIdentity": role},
                {"userIdentity": {"invokedBy": list(MCP_SERVICES)}},
                {"eventType": ["AwsMcpEvent"]},
            ]
        },
    }


def _rule(  # noqa: PLR0917 - what a rule consists of
    scope: Construct,
    id_: str,
    description: str,
    pattern: dict[str, Any],
    queue: NotificationQueue,
    bus: events.IEventBus | None = None,
    state: str = "ENABLED",
) -> events.CfnRule:
    return events.CfnRule(
        scope,
        id_,
        description=description,
        event_bus_name=bus.event_bus_name if bus is not None else None,
        event_pattern=pattern,
        state=state,
        targets=[
            events.CfnRule.TargetProperty(
                arn=queue.queue.attr_arn,
                id="Queue",
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=queue.dead_letter_queue.attr_arn),
            )
        ],
    )


def _switch_on(scope: Construct, bucket: s3.IBucket) -> None:
    """Have a bucket of this app send to EventBridge; the CDK's own way to do that is a custom resource."""
    made = bucket.node.default_child
    if isinstance(made, s3.CfnBucket):
        if made.notification_configuration is None:
            made.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
                event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
            )
        return
    cdk.Annotations.of(scope).add_warning_v2(
        f"{_WARNING}givenBucket",
        "the given bucket must send to EventBridge (its property EventBridgeConfiguration), or name another way in "
        "notifications; until then new files are found by the hourly reconciler alone",
    )
