"""The log group where what happens is counted, and from which somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.log_intake import LogIntake
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.statements import cdk_statements
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError
from sudo_mcp_guardrails.policies.log_archive_keys import log_group_key_policy
from sudo_mcp_guardrails.policies.log_signals import log_signals
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.policies.log_signals import LogSignal

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5")
_WARNING: Final = "sudo-mcp-guardrails:centralLogGroup."
_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs keeps for (API reference, "PutRetentionPolicy")."""
_RETENTION: Final = dict(zip(_DAYS, (d for d in logs.RetentionDays if d != logs.RetentionDays.INFINITE), strict=True))
_LATE: Final = 3_600_000
"""Milliseconds that a line of a member may wait before somebody is told."""


class CentralLogGroup(Construct):
    """A log group for the events of an :class:`AgentTrail`, and for what member accounts send, with metrics and alarms.

    The organization's trail writes every account's events here within minutes: give it as the trail's ``log_group``.
    Other log groups of members, such as the session broker's, come by subscription: with ``organization_id`` there
    is a destination, which ``LogSubscription`` in a member's stack sends to.

    This is where to look and to be told from, not the record: CloudWatch Logs never gets events over 256 KB, and who
    administers it can delete. The record is the :class:`ImmutableLogBucket`.

    Creates a log group (0.50 USD per GB that comes in, 0.03 USD per GB and month), a key unless given (1 USD a month),
    ten metrics (0.30 USD each a month) and eight alarms (0.10 USD each); with an intake what :class:`LogIntake` says.
    All but metrics and alarms stay when the stack goes.

    Args:
        scope: The scope.
        id: The construct's id.
        retention: Lines are kept for its searchable days, rounded up to what CloudWatch Logs offers.
        whole_period: Whether to keep them for all of the retention's days instead. Default: False, since the bucket
            does, at a tenth of the price.
        organization_id: Whose accounts may send lines. Default: nobody may, and there is no intake.
        topic: Who is told by the alarms; the key of an encrypted one must let CloudWatch use it. Default: nobody,
            which is a warning (``sudo-mcp-guardrails:centralLogGroup.silent``).
        archive_account: The log archive's account, where no policy, lock or key should ever change. Default: not
            watched.
        signals: What is counted. Default: :func:`log_signals`.
        encryption_key: A key whose policy lets CloudWatch Logs use it. Default: one is made that does.
        log_group_name: Default: CloudFormation makes one.
        shards: Of the intake's stream. Default: 1.
        names: Names of the guardrails' own resources; their prefix begins the namespace of the metrics.

    Raises:
        LogArchiveError: For two signals of one id, an organization or account of another form, and a retention that
            is none or longer than CloudWatch Logs keeps.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        retention: Retention,
        whole_period: bool = False,
        organization_id: str = "",
        topic: sns.ITopic | None = None,
        archive_account: str = "",
        signals: Sequence[LogSignal] | None = None,
        encryption_key: kms.IKey | None = None,
        log_group_name: str | None = None,
        shards: int = 1,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        if not isinstance(retention, Retention):
            raise LogArchiveError(f"retention {retention!r} is not allowed, expected a Retention")
        self.retention_days: int = _offered(retention.days if whole_period else retention.searchable_days)
        """How long lines are kept."""
        self.encryption_key: kms.IKey = encryption_key or self._key(names)
        """What they are encrypted with."""
        self.log_group: logs.LogGroup = logs.LogGroup(
            self,
            "Resource",
            log_group_name=log_group_name,
            retention=_RETENTION[self.retention_days],
            encryption_key=self.encryption_key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        """The log group."""
        self.namespace: str = f"{names.prefix}/trail"
        """Of the metrics."""
        chosen = tuple(log_signals(names, archive_account) if signals is None else signals)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        """By the id of the signal; ``intake-late`` is the intake's."""
        self.metrics: dict[str, cloudwatch.Metric] = {}
        """By the id of the signal."""
        for signal in chosen:
            self._count(signal)
        self.intake: LogIntake | None = None
        """What takes in the lines of members; None without an organization."""
        if organization_id:
            self.intake = LogIntake(
                self,
                "Intake",
                log_group=self.log_group,
                organization_id=organization_id,
                encryption_key=self.encryption_key,
                names=names,
                shards=shards,
            )
            self._watch(self.intake)
        self._tell(topic)

    def _key(self, names: GuardrailNames) -> kms.Key:
        service = f"logs.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"
        return kms.Key(
            self,
            "Key",
            description="Encrypts the central log group",
            enable_key_rotation=True,
            policy=iam.PolicyDocument(statements=cdk_statements(log_group_key_policy(names, service=service))),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _count(self, signal: LogSignal) -> None:
        """Count a signal's events, and raise an alarm where there are too many."""
        if signal.id in self.metrics:
            raise LogArchiveError(f"signal {signal.id!r} is given twice, expected ids that differ")
        logs.CfnMetricFilter(
            self,
            f"Filter-{signal.id}",
            log_group_name=self.log_group.log_group_name,
            filter_pattern=signal.pattern,
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=self.namespace, metric_name=signal.id, metric_value="1", default_value=0
                )
            ],
        )
        metric = cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=signal.id,
            period=cdk.Duration.minutes(signal.minutes),
            statistic="Sum",
        )
        self.metrics[signal.id] = metric
        if signal.threshold is not None:
            self._alarm(signal.id, metric, signal.threshold, signal.reason)

    def _watch(self, intake: LogIntake) -> None:
        """Raise an alarm where lines wait too long: a function that fails shows by nothing else."""
        metric = intake.function.metric("IteratorAge", statistic="Maximum", period=cdk.Duration.minutes(5))
        why = "lines of member accounts wait for an hour to be written; the stream keeps them for a week"
        self._alarm("intake-late", metric, _LATE, why)

    def _alarm(self, id: str, metric: cloudwatch.Metric, threshold: int, description: str) -> None:
        self.alarms[id] = cloudwatch.Alarm(
            self,
            f"Alarm-{id}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )

    def _tell(self, topic: sns.ITopic | None) -> None:
        """Have the alarms tell somebody, or say that they tell nobody."""
        if topic is not None:
            for alarm in self.alarms.values():
                alarm.add_alarm_action(actions.SnsAction(topic))
            return
        if not self.alarms:
            return
        cdk.Annotations.of(self).add_warning_v2(
            f"{_WARNING}silent", "the alarms of the central log group tell nobody: give a topic"
        )
        accept_risk(
            self,
            nag=[f"{pack}::{pack}-CloudWatchAlarmAction" for pack in _PACKS],
            reason="no topic was given, and a warning at every synthesis says so; the alarms show in the console",
        )


def _offered(days: int) -> int:
    """Return the least that CloudWatch Logs keeps for and that is enough."""
    enough = [offered for offered in _DAYS if offered >= days]
    if not enough:
        raise LogArchiveError(f"retention of {days} days is not allowed, expected at most {_DAYS[-1]} in a log group")
    return enough[0]
