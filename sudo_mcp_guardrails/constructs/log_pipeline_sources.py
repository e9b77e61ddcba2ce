"""What tells the log pipeline of new files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_queue import rule_to, sender_conditions
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue

_WARNING: Final = "@sudo-mcp-guardrails/logPipeline:"


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
    def senders(self) -> tuple[tuple[str, str], ...]:
        """The services that send to the queue, each with the account whose rule, bucket or topic it does it for."""
        found = [("events.amazonaws.com", ACCOUNT)]
        if self.notifications is Notifications.S3:
            found.append(("s3.amazonaws.com", self.account or ACCOUNT))
        if self.topic is not None:
            found.append(("sns.amazonaws.com", self.topic.env.account))
        return tuple(found)

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
    rule = rule_to(
        scope,
        "Objects",
        "Tells the audit pipeline of new trail files",
        {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail},
        queue,
    )
    queue.allow("Objects", "events.amazonaws.com", sender_conditions([rule.attr_arn]), undelivered=True)
    _switch_on(scope, bucket)


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
