"""A trail into a search domain by Amazon OpenSearch Ingestion, for those who would rather not run a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_osis as osis
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_alarms import make_alarms, queue_alarms
from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue, sender_conditions
from sudo_mcp_guardrails.constructs.log_pipeline_sources import Notifications, tell_of_objects
from sudo_mcp_guardrails.constructs.log_pipeline_stores import DeadLetterBucket, pipeline_key
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames
from sudo_mcp_guardrails.trail.ingestion_body import PREFIX, IngestionBody

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
    from sudo_mcp_guardrails.constructs.search_target import SearchTarget

_DEAD_LETTERS: Final = "ingestion-dead-letters"
_FUNCTION_SECONDS: Final = 100
"""As if a function took so long: messages stay hidden for ten minutes, as the body says."""
_NAME_LENGTH: Final = 28
_MOST_UNITS: Final = 96


class IngestionPipeline(Construct):
    """The bucket's files, each event once, without a function: a pipeline of the service reads queue and bucket.

    What it does: acknowledgments end to end, ``eventID`` as document id in the index of the day of ``eventTime``,
    created and never replaced, what the domain refuses into a dead letter bucket, protection against a message that is
    shown twice. What it does **not**, and :class:`~sudo_mcp_guardrails.constructs.log_pipeline.LogPipeline` does: lead
    events to an agent's run, keep a stub for what was refused, keep a ledger, reconcile with the bucket, publish heads,
    or take events within seconds. Some 1,650 events a second for each unit, at 2 MiB/s.

    The pipeline's role must be mapped to a role of the domain that may create the indexes and put the template.

    Costs, by list prices of us-east-1: some 175 USD a month for each unit, at least ``min_units``, also when nothing
    comes; a key, 1 USD.

    Args:
        scope: The scope.
        id: The construct's id.
        source: The trail's bucket.
        target: The domain, and a network from which it is reached; subnets in two or three zones.
        index_prefix: Of the indexes. Default: ``agent-trail-raw``; not that of a :class:`LogPipeline`, whose documents
            have another shape.
        min_units: 1 to 96. Default: 1.
        max_units: As many or more, up to 96. Default: 4.
        dead_letters: A bucket for dead letters. Default: one is made.
        encryption_key: Encrypts queue, log and dead letters. Default: one is made.
        alarm_topic: Whom alarms tell. Default: nobody.
        log_retention: Default: one year.
        names: Names of the guardrails' own resources, for the role's path.

    Raises:
        PipelineError: For units outside their range.
        TrailError: For an index prefix that is none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: TrailSource,
        target: SearchTarget,
        index_prefix: str = PREFIX,
        min_units: int = 1,
        max_units: int = 4,
        dead_letters: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not 1 <= min_units <= max_units <= _MOST_UNITS:
            raise PipelineError(
                f"units {min_units} to {max_units} are not allowed, expected 1 to {_MOST_UNITS}, in order"
            )
        path = f"/{(names or GuardrailNames()).prefix}/"
        key = pipeline_key(self, encryption_key, source)
        self.queue: NotificationQueue = NotificationQueue(
            self, "IngestionQueue", key=key, function_timeout=cdk.Duration.seconds(_FUNCTION_SECONDS)
        )
        """Tells of new files."""
        tell_of_objects(self, self.queue, source)
        self.dead_letters: s3.IBucket = dead_letters or DeadLetterBucket(self, "DeadLetters", key=key).bucket
        """Where what the domain refuses is kept, below ``ingestion-dead-letters/``."""
        name = cdk.Names.unique_resource_name(self, max_length=_NAME_LENGTH, separator="-").lower()
        self.body: IngestionBody = IngestionBody(
            name=name if name[0].isalpha() else f"p{name[1:]}",
            region=cdk.Stack.of(self).region,
            queue_url=self.queue.queue.ref,
            event_bridge=source.notifications is Notifications.EVENT_BRIDGE,
            bucket_owner=source.account or cdk.Aws.ACCOUNT_ID,
            bucket=source.bucket.bucket_name,
            endpoint=target.url,
            dead_letter_bucket=self.dead_letters.bucket_name,
            dead_letter_prefix=_DEAD_LETTERS,
            index_prefix=index_prefix,
            replicas=target.replicas,
            visibility_seconds=6 * _FUNCTION_SECONDS,
        )
        """The configuration, as data."""
        keys = [key.key_arn, source.key_arn]
        if self.dead_letters.encryption_key is not None:
            keys.append(self.dead_letters.encryption_key.key_arn)
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=self._policy(source, target, [arn for arn in dict.fromkeys(keys) if arn]),
            path=path,
            description="What the ingestion pipeline of the audit trail may do",
            accept=False,
        )
        accept_wildcards(policy)
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            path=path,
            description="Ingestion pipeline of the audit trail",
            assume_role_policy_document=policy_json(_trust(self.body.name)),
            managed_policy_arns=[policy.policy_arn],
        )
        """The pipeline's role; map it to a role of the domain."""
        log_group = logs.LogGroup(
            self,
            "LogGroup",
            # The service takes no name without this beginning.
            log_group_name=f"/aws/vendedlogs/OpenSearchService/pipelines/{self.body.name}",
            encryption_key=key,
            retention=log_retention,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.pipeline: osis.CfnPipeline = osis.CfnPipeline(
            self,
            "Resource",
            pipeline_name=self.body.name,
            pipeline_role_arn=self.role.attr_arn,
            min_units=min_units,
            max_units=max_units,
            pipeline_configuration_body=self.body.to_yaml(),
            vpc_options=osis.CfnPipeline.VpcOptionsProperty(
                subnet_ids=list(target.placement.subnet_ids),
                security_group_ids=list(target.placement.security_group_ids),
            ),
            log_publishing_options=osis.CfnPipeline.LogPublishingOptionsProperty(
                is_logging_enabled=True,
                cloud_watch_log_destination=osis.CfnPipeline.CloudWatchLogDestinationProperty(
                    log_group=log_group.log_group_name
                ),
            ),
        )
        """The pipeline."""
        self.alarms: dict[str, cloudwatch.CfnAlarm] = make_alarms(
            Construct(self, "Alarms"),
            queue_alarms("Queue", self.queue.queue.attr_queue_name, self.queue.dead_letter_queue.attr_queue_name),
            alarm_topic,
        )
        """The alarms, by id."""

    def _policy(self, source: TrailSource, target: SearchTarget, keys: list[str]) -> PolicyDocument:
        """Return what the pipeline may do, as the service's guide lists it, narrowed to this trail."""
        rows: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
            (
                "Receive",
                ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                (self.queue.queue.attr_arn,),
                "reads the queue",
            ),
            (
                "ReadTrail",
                ("s3:GetObject",),
                (source.bucket.arn_for_objects(f"{source.prefix}*"),),
                "reads every file of the trail",
            ),
            (
                "KeepDeadLetters",
                ("s3:PutObject",),
                (self.dead_letters.arn_for_objects(f"{_DEAD_LETTERS}/*"),),
                "keeps what the domain refuses, under names that the service chooses",
            ),
            (
                "Keys",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                tuple(keys),
                "trail, queue and dead letters are encrypted",
            ),
            ("Describe", ("es:DescribeDomain",), (target.arn,), "looks the domain up"),
            (
                "Write",
                ("es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut"),
                (f"{target.arn}/*",),
                "the requests of the service's sink; what it may do in the domain, the domain's role says",
            ),
        )
        return PolicyDocument(
            "ingestion pipeline",
            tuple(
                Statement(f"Ingestion{sid}", "Allow", actions, resources=on, reason=why)
                for sid, actions, on, why in rows
            ),
        )


def _trust(name: str) -> PolicyDocument:
    pipeline = f"arn:{PARTITION}:osis:{REGION}:{ACCOUNT}:pipeline/{name}"
    return PolicyDocument(
        "trust of a pipeline",
        (
            Statement(
                "IngestionTrust",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "osis-pipelines.amazonaws.com"),),
                conditions=sender_conditions([pipeline]),
            ),
        ),
    )
