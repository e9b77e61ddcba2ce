"""A trail forwarded to a SIEM: by Firehose to an HTTP endpoint, a bucket, or Amazon Security Lake in OCSF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sudo_mcp_guardrails.constructs import log_pipeline_policies as may
from sudo_mcp_guardrails.constructs.asset import staged
from sudo_mcp_guardrails.constructs.log_delivery import make_stream
from sudo_mcp_guardrails.constructs.log_pipeline_alarms import function_alarms, make_alarms, queue_alarms
from sudo_mcp_guardrails.constructs.log_pipeline_function import PipelineFunction
from sudo_mcp_guardrails.constructs.log_pipeline_props import broker_variables
from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
from sudo_mcp_guardrails.constructs.log_pipeline_schedules import event_source
from sudo_mcp_guardrails.constructs.log_pipeline_sources import tell_of_objects
from sudo_mcp_guardrails.constructs.log_pipeline_stores import DeadLetterBucket, pipeline_key
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_kinesisfirehose as firehose
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.log_destinations import HttpEndpoint, SecurityLake, StorageBucket
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
    from sudo_mcp_guardrails.constructs.search_network import Placement

_DEAD_LETTERS: Final = "dead-letters"
_SECONDS: Final = 120
_CONCURRENCY: Final = 5


class LogForwarding(Construct):
    """Every event of a trail to somewhere else, with whose work it is, at least once.

    A function reads the files as that of :class:`~sudo_mcp_guardrails.constructs.log_pipeline.LogPipeline` does, from
    a queue of its own, and sends the events to a Firehose stream. There is no ledger and no reconciler: a file whose
    notification is lost is not forwarded; what must be complete is the pipeline's index and the bucket.

    Costs, by list prices of us-east-1: nothing at rest but a key, 1 USD, and a secret that it is given; Firehose
    about 0.03 USD a GB, and 0.018 USD more for Parquet.

    Args:
        scope: The scope.
        id: The construct's id.
        source: The trail's bucket.
        destination: Where to.
        knowledge: The table of a pipeline, from which sessions and tool calls are known; only read. Default: what
            each container of the function has seen itself, so that fewer events have a ticket.
        placement: A network with a way to Firehose. Default: none of its own.
        encryption_key: Encrypts queue, stream, logs and what was refused. Default: one is made.
        alarm_topic: Whom alarms tell. Default: nobody.
        log_retention: Default: one year.
        names: Names of the guardrails' own resources.
        brokers: As of a :class:`~sudo_mcp_guardrails.constructs.log_pipeline.LogPipeline`. Default: all tags are
            believed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: TrailSource,
        destination: HttpEndpoint | StorageBucket | SecurityLake,
        knowledge: dynamodb.CfnTable | None = None,
        placement: Placement | None = None,
        encryption_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        names: GuardrailNames | None = None,
        brokers: Sequence[str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        path = f"/{names.prefix}/"
        key = pipeline_key(self, encryption_key, source)
        timeout = cdk.Duration.seconds(_SECONDS)
        self.queue: NotificationQueue = NotificationQueue(self, "ForwardQueue", key=key, function_timeout=timeout)
        """Tells of new files."""
        tell_of_objects(self, self.queue, source)
        self.failed: s3.IBucket = DeadLetterBucket(self, "Failed", key=key).bucket
        """Dead letters, and what a SIEM refused."""
        self.stream: firehose.CfnDeliveryStream = make_stream(
            self, destination, key, failed=self.failed, path=path, log_retention=log_retention
        )
        """The stream."""
        with staged("trail_forward") as directory:
            code = assets.Asset(self, "Code", path=directory)
        self.forwarder: PipelineFunction = PipelineFunction(
            self,
            "Forward",
            handler="trail_forward",
            code=code,
            description="Forwards trail files to a Firehose stream",
            statements=self._may(source, key, knowledge),
            environment={
                "PIPELINE": self.node.path,
                "NAMES_PREFIX": names.prefix,
                "STREAM": self.stream.ref,
                "FORM": destination.form,
                "KNOWLEDGE_TABLE": knowledge.ref if knowledge is not None else "",
                "DEAD_LETTER_BUCKET": self.failed.bucket_name,
                "DEAD_LETTER_PREFIX": _DEAD_LETTERS,
                "PATIENCE_SECONDS": str(_SECONDS // 6),
                **broker_variables(brokers),
            },
            timeout=timeout,
            memory=cdk.Size.gibibytes(1),
            architecture=lambda_.Architecture.ARM_64,
            concurrency=None,
            log_key=key,
            log_retention=log_retention,
            path=path,
            placement=placement,
        )
        """The function."""
        event_source(
            self,
            "Files",
            function=self.forwarder,
            queue=self.queue.queue,
            batch=50,
            window_seconds=5,
            concurrency=_CONCURRENCY,
        )
        queue = self.queue
        self.alarms: dict[str, cloudwatch.CfnAlarm] = make_alarms(
            Construct(self, "Alarms"),
            [
                *queue_alarms("Queue", queue.queue.attr_queue_name, queue.dead_letter_queue.attr_queue_name),
                *function_alarms("Forward", self.forwarder.function.ref),
            ],
            alarm_topic,
        )
        """The alarms, by id."""

    def _may(self, source: TrailSource, key: kms.IKey, knowledge: dynamodb.CfnTable | None) -> list[Statement]:
        """Return what the function may do."""
        resources = may.PipelineResources(
            trail_bucket=source.bucket.bucket_arn,
            trail_prefix=source.prefix,
            trail_key=source.key_arn,
            keys=(key.key_arn,),
            dead_letters=self.failed.arn_for_objects(f"{_DEAD_LETTERS}/*"),
            ledger="",
            knowledge="",
            domain="",
            index_prefix="",
        )
        rows: list[tuple[str, tuple[str, ...], str, str]] = [
            ("Send", ("firehose:PutRecordBatch",), self.stream.attr_arn, "sends events to the stream"),
            (
                "KeepDeadLetters",
                ("s3:PutObject",),
                resources.dead_letters,
                "keeps dead letters, whose names are hashes",
            ),
            (
                "Receive",
                ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                self.queue.queue.attr_arn,
                "Lambda polls the queue by this role",
            ),
        ]
        if knowledge is not None:
            rows.append(("Knowledge", ("dynamodb:GetItem",), knowledge.attr_arn, "knows what the pipeline knows"))
        return [
            *may.read_trail("Forward", resources),
            may.use_key("Forward", resources),
            *(Statement(f"PipelineForward{s}", "Allow", a, resources=(r,), reason=why) for s, a, r, why in rows),
        ]
