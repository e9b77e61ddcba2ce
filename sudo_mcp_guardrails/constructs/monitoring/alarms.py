"""What the monitoring itself is watched by, and its dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.log_pipeline_alarms import PipelineAlarm, function_alarms, queue_alarms
from sudo_mcp_guardrails.detection.telling import DIMENSION, NAMESPACE

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue

_MINUTE: Final = 60
_METRICS: Final = ("Events", "Findings", "Canary", "DeadLetters", "Failed", "EventAge", "Delay")


def monitoring_alarms(
    monitoring: str, queue: NotificationQueue, functions: dict[str, str], minutes: int
) -> list[PipelineAlarm]:
    """Return the alarms.

    Args:
        monitoring: Value of the metrics' dimension.
        queue: Of events.
        functions: Names of the functions, by their ids.
        minutes: After so many without a canary it is silent.
    """
    dimensions = {DIMENSION: monitoring}
    found = list(queue_alarms("Queue", queue.queue.attr_queue_name, queue.dead_letter_queue.attr_queue_name))
    for id_, name in functions.items():
        found += function_alarms(id_, name)
    rows = (
        (
            "Canary",
            "Canary",
            "No canary came through: the monitoring is blind. See the schedule, the rules, the queue.",
        ),
        ("Silence", "Events", "No event was looked at: is the trail stopped, or are the rules off?"),
    )
    found += [
        PipelineAlarm(
            id_, NAMESPACE, metric, dimensions, "Sum", 1, why, "LessThanThreshold", minutes * _MINUTE, 1, "breaching"
        )
        for id_, metric, why in rows
    ]
    found.append(
        PipelineAlarm(
            "Buried",
            NAMESPACE,
            "DeadLetters",
            dimensions,
            "Sum",
            0,
            "Something could never be looked at; the dead letter queue has it, with the reason.",
        )
    )
    return found


def dashboard_body(monitoring: str, queue: NotificationQueue) -> dict[str, Any]:
    """Return what the dashboard shows: what came, what was found, how late, and what waits."""
    own = [[NAMESPACE, name, DIMENSION, monitoring] for name in _METRICS]
    waiting = [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.queue.attr_queue_name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.queue.attr_queue_name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.dead_letter_queue.attr_queue_name],
    ]
    rows = (("Events and findings", own[:5], "Sum"), ("Seconds", own[5:], "Maximum"), ("Waiting", waiting, "Maximum"))
    return {
        "widgets": [
            {
                "type": "metric",
                "x": 0,
                "y": 6 * index,
                "width": 24,
                "height": 6,
                "properties": {
                    "title": title,
                    "metrics": metrics,
                    "stat": statistic,
                    "period": 300,
                    "region": cdk.Aws.REGION,
                },
            }
            for index, (title, metrics, statistic) in enumerate(rows)
        ]
    }
