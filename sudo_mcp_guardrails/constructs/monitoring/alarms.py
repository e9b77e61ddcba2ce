"""What the monitoring itself is watched by, and its dashboard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.log_pipeline_alarms import PipelineAlarm, function_alarms, queue_alarms
from sudo_mcp_guardrails.detection.telling import DIMENSION, NAMESPACE

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue

_MINUTE: Final = 60
_DEAD_LETTERS: Final = (
    "An event could not be looked at, or a finding was not taken by a target: RULE_ARN and ERROR_MESSAGE of the letter "
    "say which and why. Mend, and send it again. Kept for 14 days."
)
_METRICS: Final = ("Events", "Findings", "Canary", "DeadLetters", "Failed", "EventAge", "Delay")
_LEARNED: Final = ("RunsLearned", "RunsUnclean", "RunsFrozen", "LayersFailed", "SwitchUnreadable")


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
    found = [
        replace(one, why=_DEAD_LETTERS) if one.id == "QueueDeadLetters" else one
        for one in queue_alarms("Queue", queue.queue.attr_queue_name, queue.dead_letter_queue.attr_queue_name)
    ]
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
    faults = (
        ("Buried", "DeadLetters", "Something could never be looked at; the dead letter queue has it, with the reason."),
        ("Blind", "LayersFailed", "A baseline is damaged: rules looked at its agent's events, and no layer did."),
        ("Switch", "SwitchUnreadable", "The kill switch could not be read whole: a contained agent's calls may pass."),
        ("Unlearned", "RunsDamaged", "What was noted of a run could not be read, so that it was not learned."),
    )
    found += [PipelineAlarm(id_, NAMESPACE, metric, dimensions, "Sum", 0, why) for id_, metric, why in faults]
    return found


def dashboard_body(monitoring: str, queue: NotificationQueue) -> dict[str, Any]:
    """Return what the dashboard shows: what came, what was found, how late, and what waits."""
    own = [[NAMESPACE, name, DIMENSION, monitoring] for name in _METRICS]
    waiting = [
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.queue.attr_queue_name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.queue.attr_queue_name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.dead_letter_queue.attr_queue_name],
    ]
    learned = [[NAMESPACE, name, DIMENSION, monitoring] for name in _LEARNED]
    rows = (
        ("Events and findings", own[:5], "Sum"),
        ("Seconds", own[5:], "Maximum"),
        ("Waiting", waiting, "Maximum"),
        ("Learned and not", learned, "Sum"),
    )
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
