"""The pipeline's metrics, by the embedded metric format: a line of JSON in a log, which CloudWatch makes metrics of.

No call, no permission and no endpoint is needed for it. Source: CloudWatch user guide, "Specification: Embedded
metric format".
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.trail.ingest import IngestReport

NAMESPACE: Final = "McpGuardrails/Trail"
DIMENSION: Final = "Pipeline"
SECONDS: Final = frozenset({"Seconds", "EventAge"})
"""Metrics that are no counts."""


def metric_line(pipeline: str, values: Mapping[str, float], **properties: object) -> str:
    """Return the line of an invocation's metrics, for standard output, with its newline.

    Args:
        pipeline: Value of the one dimension.
        values: Value by the metric's name; at most 100.
        properties: What stands beside them in the log line and becomes no metric, such as names of objects.
    """
    metrics = [{"Name": name, "Unit": "Seconds" if name in SECONDS else "Count"} for name in values]
    line = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}],
        },
        DIMENSION: pipeline,
        **values,
        **properties,
    }
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"


def counted(report: IngestReport) -> dict[str, float]:
    """Return the metrics of a run of the ingester, by name."""
    return {
        "Files": report.files,
        "NoTrail": len(report.not_trail),
        "Unreadable": len(report.unreadable),
        "Events": report.events,
        "Created": report.unique,
        "Duplicates": report.duplicates,
        "Conflicts": report.conflicts,
        "DeadLetters": report.dead_letters,
        "Rejected": report.rejected,
        "Attributed": report.attributed,
        "Amended": report.amended,
        "Retries": report.retries,
    }
