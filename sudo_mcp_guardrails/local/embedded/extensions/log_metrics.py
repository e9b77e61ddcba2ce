"""Gap: metrics that a function writes into its log by the embedded metric format are lost.

CloudWatch Logs takes them out of each line that is JSON and says so in `_aws.CloudWatchMetrics`: a value or a list of
values for each metric, once for each set of dimensions.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch, lambda_svc

MOST_VALUES = 100


def install() -> None:
    """Read the log of each invocation of a function."""
    emit = lambda_svc._emit_lambda_logs

    def emit_lambda_logs(func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **more: Any) -> None:
        emit(func, request_id, log_text, *rest, **more)
        for line in (log_text or "").splitlines():
            if '"CloudWatchMetrics"' in line:
                _extract(line)

    lambda_svc._emit_lambda_logs = emit_lambda_logs


def _extract(line: str) -> None:
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
        for directive in directives:
            for names in directive["Dimensions"]:
                dimensions = {name: str(document[name]) for name in names}
                for metric in directive["Metrics"]:
                    _record(directive["Namespace"], metric, document[metric["Name"]], dimensions)
    except (ValueError, KeyError, TypeError):
        return  # AWS keeps such a line as a line of the log, and no metric is made


def _record(namespace: str, metric: dict[str, Any], given: Any, dimensions: dict[str, str]) -> None:
    values = given if isinstance(given, list) else [given]
    for value in values[:MOST_VALUES]:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            cloudwatch.record_metric(namespace, metric["Name"], value, metric.get("Unit", "None"), dimensions)
