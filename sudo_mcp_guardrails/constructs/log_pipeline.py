"""The audit pipeline: from the trail's bucket into a search domain, losing nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs import log_pipeline_policies as may
from sudo_mcp_guardrails.constructs.log_pipeline_alarms import (
    domain_alarms,
    function_alarms,
    make_alarms,
    own_alarms,
    queue_alarms,
)
from sudo_mcp_guardrails.constructs.log_pipeline_calls import MemberBus, tell_of_calls
from sudo_mcp_guardrails.constructs.log_pipeline_functions import DEAD_LETTERS, PipelineFunctions
from sudo_mcp_guardrails.constructs.log_pipeline_props import IngesterSize, PipelineError
from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
from sudo_mcp_guardrails.constructs.log_pipeline_schedules import event_source
from sudo_mcp_guardrails.constructs.log_pipeline_sources import tell_of_objects
from sudo_mcp_guardrails.constructs.log_pipeline_stores import DeadLetterBucket, make_table, pipeline_key
from sudo_mcp_guardrails.constructs.search_target import make_target
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.index.names import PREFIX, check_prefix
from sudo_mcp_guardrails.trail.index.policy import Tiers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.log_pipeline_calls import EventMembers
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
    from sudo_mcp_guardrails.constructs.search_domain import SearchDomain
    from sudo_mcp_guardrails.constructs.search_domain_size import DomainSize
    from sudo_mcp_guardrails.constructs.search_target import SearchTarget

_FAST: Final = 2
"""Of the reserved concurrency, for what comes within seconds: a backlog of files must not hold it up."""
_WARNING: Final = "@sudo-mcp-guardrails/logPipeline:"
_UNRESERVED: Final = 10


class LogPipeline(Construct):
    """Takes every file of a trail into OpenSearch, each event once, and says loudly where it cannot.

    The bucket tells a queue of new files; a function reads them, attributes each event to an agent's run, and creates
    it in the index of its day under its ``eventID``. What fails is shown again, and after five times kept for 14 days;
    a record that is no event, or that the domain refuses, becomes a dead letter in S3, and a stub keeps the count. By
    EventBridge agents' calls and attempts on the trail arrive within seconds, through the same code; the files are
    what is complete. Each hour a reconciler compares the bucket with ledger and index, and takes in what is missing;
    each day a head of the ledger goes to a bucket of a second account, so that a cut ledger shows.

    Costs, by list prices of us-east-1: the domain, in the order of 600 USD a month by default (see
    :class:`~sudo_mcp_guardrails.constructs.search_domain_size.DomainSize`); a key, 1 USD; some 30 alarms, 3 USD. Beside
    these nothing at rest: functions, queues, tables and logs are paid by use.

    The default network has no way out but to S3 and DynamoDB in its Region: trail, heads and pipeline are in one.

    Args:
        scope: The scope.
        id: The construct's id; the metrics' dimension ``Pipeline`` is its path.
        source: The trail's bucket.
        domain: Size of the domain that is made, or one that is there. Default: :class:`DomainSize`.
        vpc: Where the domain that is made and the functions are put: it has private subnets in three zones, with
            gateway endpoints for S3 and DynamoDB. Default: a network of its own, without a way in.
        subnets: Which of the VPC's subnets, one a zone. Default: the private ones.
        index_prefix: Of the indexes. Default: ``agent-trail``.
        tiers: How long an index stays hot, warm and cold before it is deleted, in a domain that is made; what the law
            asks for stays in the bucket. Default: 90 days hot.
        fast_path: Whether agents' calls come by EventBridge too. Default: True.
        event_bus: Where the rules of the fast path are. Default: the account's default bus, which has this account's
            calls alone.
        members: Other accounts whose calls come within seconds too; in each of them, and in each Region, stands an
            :class:`AgentEventForwarding`. A bus is made for them. Default: none.
        heads_bucket: A bucket of a second account, for the daily head; its owner lets the head function's role put
            objects, and nobody replace them. Default: none, and a warning.
        dead_letters: A bucket for dead letters. Default: one is made.
        encryption_key: Encrypts queues, tables, logs, dead letters and the domain. Default: one is made.
        alarm_topic: Whom alarms tell. Default: nobody, and a warning.
        ingester: Default: :class:`IngesterSize`.
        reconcile_days: How many days back the reconciler compares each hour, 1 to 30. Default: 3.
        architecture: Of the functions. Default: arm64.
        log_retention: Of all logs. Default: one year.
        names: Names of the guardrails' own resources, by whose path agents are known.
        brokers: ARNs of the roles that mint agents' sessions, in every account: of each session broker
            (``broker.role.role_arn``) and of who mints apply sessions. The tags of sessions that others mint, ticket
            and person among them, are then not believed. Default: all are.

    Raises:
        PipelineError: For props that contradict each other, or a number outside its range.
        DomainError: For a network that the domain cannot be put into.
        TrailError: For an index prefix that is none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: TrailSource,
        domain: DomainSize | SearchTarget | None = None,
        vpc: ec2.IVpc | None = None,
        subnets: ec2.SubnetSelection | None = None,
        index_prefix: str = PREFIX,
        tiers: Tiers | None = None,
        fast_path: bool = True,
        event_bus: events.IEventBus | None = None,
        members: EventMembers | None = None,
        heads_bucket: s3.IBucket | None = None,
        dead_letters: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        alarm_topic: sns.ITopic | None = None,
        ingester: IngesterSize | None = None,
        reconcile_days: int = 3,
        architecture: lambda_.Architecture | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        names: GuardrailNames | None = None,
        brokers: Sequence[str] | None = None,
    ) -> None:
        super().__init__(scope, id)
        check_prefix(index_prefix)
        if not 1 <= reconcile_days <= 30:  # noqa: PLR2004 - CloudTrail tries to deliver for 30 days
            raise PipelineError(f"reconcile_days {reconcile_days} is not allowed, expected 1 to 30")
        self.names: GuardrailNames = names or GuardrailNames()
        """By which agents are known, and the roles that send members' calls."""
        tiers = tiers or Tiers()
        size = ingester or IngesterSize()
        self.key: kms.IKey = pipeline_key(self, encryption_key, source)
        """Encrypts what the pipeline keeps."""
        timeout = cdk.Duration.seconds(size.timeout_seconds)
        self.queue: NotificationQueue = NotificationQueue(self, "Queue", key=self.key, function_timeout=timeout)
        """Tells of new files."""
        tell_of_objects(self, self.queue, source)
        self.dead_letters: s3.IBucket = dead_letters or DeadLetterBucket(self, "DeadLetters", key=self.key).bucket
        """Where dead letters are kept, below ``dead-letters/``."""
        target, made = make_target(
            self,
            domain,
            vpc=vpc,
            subnets=subnets,
            key=self.key,
            log_retention=log_retention,
            path=f"/{self.names.prefix}/",
        )
        if made is not None and ((tiers.warm and not made.size.warm_nodes) or (tiers.cold and not made.size.cold)):
            raise PipelineError(
                f"tiers {tiers} are not allowed, expected warm nodes and cold storage of the domain for them"
            )
        self.search_domain: SearchDomain | None = made
        """The domain, where one was made."""
        ledger = make_table(self, "Ledger", self.key, expires=False)
        knowledge = make_table(self, "Knowledge", self.key, expires=True)
        self.knowledge: dynamodb.CfnTable = knowledge
        """What is known of sessions and calls, for 90 days; a :class:`LogForwarding` may read it."""
        self.fast_queue: NotificationQueue | None = None
        """What comes by EventBridge within seconds; None without the fast path."""
        if fast_path:
            self.fast_queue = fast = NotificationQueue(self, "FastQueue", key=self.key, function_timeout=timeout)
            tell_of_calls(self, fast, names=self.names, bus=event_bus.event_bus_name if event_bus is not None else None)
        self.member_bus_arn: str | None = None
        """ARN of the bus that member accounts send to; None without any."""
        if members is not None:
            self.accept_members(members)
        queues = [self.queue, *([self.fast_queue] if self.fast_queue is not None else [])]
        resources = may.PipelineResources(
            trail_bucket=source.bucket.bucket_arn,
            trail_prefix=source.prefix,
            trail_key=source.key_arn,
            keys=tuple(dict.fromkeys(key.key_arn for key in (self.key, self.dead_letters.encryption_key) if key)),
            dead_letters=self.dead_letters.arn_for_objects(f"{DEAD_LETTERS}/*"),
            ledger=ledger.attr_arn,
            knowledge=knowledge.attr_arn,
            domain=target.arn,
            index_prefix=index_prefix,
        )
        self.functions: PipelineFunctions = PipelineFunctions(
            self,
            "Functions",
            source=source,
            target=target,
            resources=resources,
            tables=(ledger.ref, knowledge.ref),
            dead_letters=self.dead_letters,
            heads_bucket=heads_bucket,
            queues=[queue.queue for queue in queues],
            key=self.key,
            size=size,
            index_prefix=index_prefix,
            reconcile_days=reconcile_days,
            managed=made is not None,
            tiers=tiers,
            architecture=architecture or lambda_.Architecture.ARM_64,
            log_retention=log_retention,
            names=self.names,
            pipeline=self.node.path,
            brokers=brokers,
        )
        """Ingester, reconciler and publisher of heads."""
        if made is not None:
            made.open_to(
                master_arn=self.functions.reconciler.role.attr_arn, writers=[self.functions.ingester.role.attr_arn]
            )
        self._feed(size, self.fast_queue)
        self.alarms: dict[str, cloudwatch.CfnAlarm] = self._watch(queues, alarm_topic, heads=heads_bucket is not None)
        """The alarms, by id."""
        self._warn(alarm_topic, heads_bucket)

    def accept_members(self, members: EventMembers) -> str:
        """Take calls of member accounts within seconds too.

        Returns:
            ARN of the bus that they send to, for their :class:`AgentEventForwarding`.

        Raises:
            PipelineError: Without the fast path, and where members were named before.
        """
        if self.fast_queue is None or self.member_bus_arn is not None:
            raise PipelineError(
                f"members {members} of pipeline {self.node.path!r} are not allowed, expected a fast path, and members "
                "once"
            )
        bus = MemberBus(self, "Members", queue=self.fast_queue, members=members, names=self.names)
        self.member_bus_arn = bus.arn
        return bus.arn

    def _feed(self, size: IngesterSize, fast: NotificationQueue | None) -> None:
        """Have the ingester read the queues; together they ask for what is reserved for it, and not more."""
        ingester = self.functions.ingester
        concurrency = size.concurrency or _UNRESERVED
        event_source(
            self,
            "Files",
            function=ingester,
            queue=self.queue.queue,
            batch=size.batch,
            window_seconds=5,
            concurrency=concurrency - _FAST if fast is not None else concurrency,
        )
        if fast is not None:
            event_source(
                self, "Calls", function=ingester, queue=fast.queue, batch=10, window_seconds=0, concurrency=_FAST
            )

    def _watch(
        self, queues: list[NotificationQueue], topic: sns.ITopic | None, *, heads: bool
    ) -> dict[str, cloudwatch.CfnAlarm]:
        """Make the alarms."""
        found = [
            alarm
            for queue in queues
            for alarm in queue_alarms(
                queue.node.id, queue.queue.attr_queue_name, queue.dead_letter_queue.attr_queue_name
            )
        ]
        found += own_alarms(self.node.path, head=heads)
        for id_, function in self.functions.by_id.items():
            found += function_alarms(id_, function.function.ref)
        if self.search_domain is not None:
            quarter = self.search_domain.size.gib * 1024 // 4
            found += domain_alarms(self.search_domain.domain.ref, cdk.Aws.ACCOUNT_ID, free_mib=quarter)
        return make_alarms(Construct(self, "Alarms"), found, topic)

    def _warn(self, topic: sns.ITopic | None, heads: s3.IBucket | None) -> None:
        """Say what is weaker than it could be."""
        annotations = cdk.Annotations.of(self)
        if topic is None:
            annotations.add_warning_v2(
                f"{_WARNING}noAlarmTopic", "nobody is told of the pipeline's alarms: give alarm_topic"
            )
        if heads is None:
            annotations.add_warning_v2(
                f"{_WARNING}noHeads",
                "no head of the ledger is published, so who owns this account could cut the ledger unseen: give "
                "heads_bucket, of another account",
            )
