"""What the log pipeline is watched by: age, depth, dead letters, gaps, the domain, and silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch

from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.trail.metrics import DIMENSION, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_sns as sns
    from constructs import Construct

_MINUTE: Final = 60
_HOUR: Final = 3600
_ABOVE: Final = "GreaterThanThreshold"
_BELOW: Final = "LessThanThreshold"
_BREACHING: Final = "breaching"
_FINE: Final = "notBreaching"
_LACK_OF_ACTION: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5")


@dataclass(frozen=True)
class PipelineAlarm:
    """One alarm, as data.

    Args:
        id: Of the construct; alarms are public by their ids.
        namespace: Of the metric.
        metric: Its name.
        dimensions: Its dimensions.
        statistic: ``Sum``, ``Maximum``, ``Minimum`` or ``Average``.
        threshold: What is just not worth an alarm.
        comparison: With the threshold.
        why: What it means and what to do, in a sentence; the alarm's description.
        seconds: Of a period.
        periods: How many in a row.
        missing: What absence of data means: ``breaching`` where silence is the finding.
    """

    id: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    threshold: float
    why: str
    comparison: str = _ABOVE
    seconds: int = 5 * _MINUTE
    periods: int = 1
    missing: str = _FINE


def queue_alarms(id_: str, queue: str, dead_letters: str) -> tuple[PipelineAlarm, ...]:
    """Return the alarms of a queue and its dead letter queue, by their names; their ids begin with ``id_``."""
    return (
        PipelineAlarm(
            f"{id_}Age",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            {"QueueName": queue},
            "Maximum",
            15 * _MINUTE,
            "Notifications wait for over 15 minutes: see the function's errors, its throttles and the domain.",
        ),
        PipelineAlarm(
            f"{id_}Depth",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": queue},
            "Maximum",
            10_000,
            "Over 10,000 notifications wait: the pipeline is slower than the trail.",
            periods=3,
        ),
        PipelineAlarm(
            f"{id_}DeadLetters",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": dead_letters},
            "Maximum",
            0,
            "A notification failed five times; see the function's log, mend, and redrive. Kept for 14 days.",
        ),
    )


def function_alarms(id_: str, function: str) -> tuple[PipelineAlarm, ...]:
    """Return the alarms of a function, by its name."""
    return tuple(
        PipelineAlarm(f"{id_}{metric}", "AWS/Lambda", metric, {"FunctionName": function}, "Sum", 0, why)
        for metric, why in (
            ("Errors", "The function failed; its log says why. What it was given is shown to it again."),
            ("Throttles", "The function was refused concurrency; what waits in the queue waits longer."),
        )
    )


def own_alarms(pipeline: str, *, head: bool) -> tuple[PipelineAlarm, ...]:
    """Return the alarms on what the pipeline says of itself.

    Args:
        pipeline: Value of the metrics' dimension.
        head: Whether a daily head is published.
    """

    def own(  # noqa: PLR0917 - a row of a table
        id_: str, metric: str, why: str, comparison: str = _ABOVE, hours: int = 0, missing: str = _FINE
    ) -> PipelineAlarm:
        threshold = 0 if comparison == _ABOVE else 1
        seconds, periods = (_HOUR, hours) if hours else (5 * _MINUTE, 1)
        dimensions = {DIMENSION: pipeline}
        return PipelineAlarm(
            id_, NAMESPACE, metric, dimensions, "Sum", threshold, why, comparison, seconds, periods, missing
        )

    found = [
        own("DeadLetters", "DeadLetters", "A record without eventID or a cut-off file was kept as a dead letter."),
        own("Rejected", "Rejected", "The domain refused an event; it is kept as a dead letter, a stub stands for it."),
        own("Conflicts", "Conflicts", "An event came again and says something else: a forged or a damaged file."),
        own("Gone", "Gone", "An object was gone before it was read: who deletes from the trail's bucket?"),
        own("Missing", "Missing", "The reconciler found trail files that were not taken in, and takes them in."),
        own(
            "Broken", "Broken", "The reconciler found a trail file that was changed, removed or not as its digest says."
        ),
        own(
            "Silence",
            "Files",
            "No trail file was taken in for three hours: is the trail stopped, or its notifications off?",
            _BELOW,
            3,
            _BREACHING,
        ),
        own(
            "ReconcilerSilence",
            "Reconciled",
            "The reconciler has not come to its end for three hours.",
            _BELOW,
            3,
            _BREACHING,
        ),
    ]
    if head:
        found.append(
            own("HeadSilence", "Heads", "No head of the ledger was published for a day.", _BELOW, 24, _BREACHING)
        )
    return tuple(found)


def domain_alarms(domain: str, account: str, *, free_mib: int) -> tuple[PipelineAlarm, ...]:
    """Return the alarms of a domain.

    Source: OpenSearch Service developer guide, "Recommended CloudWatch alarms for Amazon OpenSearch Service".

    Args:
        domain: Its name.
        account: Its account.
        free_mib: A quarter of one data node's volume, in MiB.
    """
    rows = (
        ("DomainRed", "ClusterStatus.red", "Maximum", 0, _ABOVE, "A primary shard has no node: days are missing."),
        ("DomainYellow", "ClusterStatus.yellow", "Maximum", 0, _ABOVE, "A replica has no node."),
        (
            "DomainSpace",
            "FreeStorageSpace",
            "Minimum",
            free_mib,
            _BELOW,
            "A data node has a quarter of its volume left.",
        ),
        ("DomainBlocked", "ClusterIndexWritesBlocked", "Maximum", 0, _ABOVE, "The domain takes no writes."),
        ("DomainCpu", "CPUUtilization", "Maximum", 80, _ABOVE, "Data nodes are busy above 80 percent."),
        ("DomainMemory", "JVMMemoryPressure", "Maximum", 95, _ABOVE, "Data nodes run out of heap."),
        ("DomainMasterCpu", "MasterCPUUtilization", "Maximum", 50, _ABOVE, "Dedicated masters are too small."),
        ("DomainKey", "KMSKeyError", "Maximum", 0, _ABOVE, "The key that encrypts the domain is off."),
        ("DomainKeyAccess", "KMSKeyInaccessible", "Maximum", 0, _ABOVE, "The domain may not use its key."),
    )
    slow = {"DomainCpu", "DomainMemory", "DomainMasterCpu", "DomainYellow"}
    return tuple(
        PipelineAlarm(
            id_,
            "AWS/ES",
            metric,
            {"DomainName": domain, "ClientId": account},
            statistic,
            threshold,
            why,
            comparison,
            periods=3 if id_ in slow else 1,
        )
        for id_, metric, statistic, threshold, comparison, why in rows
    )


def make_alarms(
    scope: Construct, alarms: Sequence[PipelineAlarm], topic: sns.ITopic | None
) -> dict[str, cloudwatch.CfnAlarm]:
    """Make alarms. Each costs 0.10 USD a month.

    Args:
        scope: Where.
        alarms: As data.
        topic: Whom they tell. Default: nobody; then they are seen in the console alone.

    Returns:
        The alarms by id.
    """
    actions = [topic.topic_arn] if topic is not None else None
    made = {}
    for alarm in alarms:
        made[alarm.id] = cloudwatch.CfnAlarm(
            scope,
            alarm.id,
            alarm_description=alarm.why,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
                for name, value in alarm.dimensions.items()
            ],
            statistic=alarm.statistic,
            threshold=alarm.threshold,
            comparison_operator=alarm.comparison,
            period=alarm.seconds,
            evaluation_periods=alarm.periods,
            treat_missing_data=alarm.missing,
            alarm_actions=actions,
            ok_actions=actions,
        )
    if topic is None:
        accept_risk(
            scope,
            nag=[f"{pack}::{pack}-CloudWatchAlarmAction" for pack in _LACK_OF_ACTION],
            reason="no topic was given to tell; a warning of the construct says so",
        )
    return made
