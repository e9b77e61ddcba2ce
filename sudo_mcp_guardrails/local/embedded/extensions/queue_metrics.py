"""Gap: SQS publishes no metrics, so an alarm on a queue's dead letters never fires.

The number of visible messages, and the age of the oldest one, of each queue that an alarm names; at AWS each minute,
here whenever the alarm is looked at.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import cloudwatch, sqs

from . import alarm_evaluation

NAMESPACE = "AWS/SQS"
KEPT = 1000
_VISIBLE, _AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"


def install() -> None:
    """Publish what alarms ask for."""
    alarm_evaluation.sources.append(_publish)


def _publish(alarm: dict[str, Any]) -> None:
    metric = alarm.get("MetricName")
    if alarm.get("Namespace") != NAMESPACE or metric not in {_VISIBLE, _AGE}:
        return
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    name = dimensions.get("QueueName")
    # Queues are known by their URLs.
    queue = next((one for url, one in sqs._queues.items() if url.rpartition("/")[2] == name), None)
    if queue is None:
        return
    now = time.time()
    messages = list(queue["messages"])
    visible = [one for one in messages if one.get("visible_at", 0) <= now]
    age = max((now - one.get("sent_at", now) for one in messages), default=0.0)
    value = float(len(visible)) if metric == _VISIBLE else age
    cloudwatch.record_metric(NAMESPACE, str(metric), value, "None", dimensions)
    points = cloudwatch._metrics.get((NAMESPACE, metric, cloudwatch._dims_key(dimensions)))
    del points[:-KEPT]
