"""Learn what agents usually do, from runs that are over and clean: the one function that writes baselines.

The clock starts it. A second one at the same time stops at its first write, since documents are written only where they
are as they were read; what was noted stays until it is taken in. Nothing is learned of an agent while an incident is
open: a finding of level high or critical in the last days, or the kill switch on, or nobody can tell.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.learner import Learner
from sudo_mcp_guardrails.detection.baseline.shelf import ConflictError
from sudo_mcp_guardrails.detection.telling import DIMENSION, NAMESPACE
from sudo_mcp_guardrails.handlers.detect_baselines import S3Baselines, S3Shelf
from sudo_mcp_guardrails.handlers.detect_parts import named_switch

if TYPE_CHECKING:
    from collections.abc import Callable

_SPARE_MILLISECONDS: Final = 60_000
"""What is left of an invocation when nothing new is begun: time to write what was taken in."""
_METRICS: Final = {"learned": "RunsLearned", "unclean": "RunsUnclean", "frozen": "RunsFrozen", "damaged": "RunsDamaged"}


@dataclass(frozen=True)
class LearnParts:
    """What the function works with.

    Attributes:
        monitoring: value of the metrics' dimension.
        s3: boto3's client.
        bucket: of the baselines.
        contained: tells whether an agent is contained; yes where nobody can tell.
        clock: seconds since 1970.
    """

    monitoring: str
    s3: Any
    bucket: str
    contained: Callable[[str], bool]
    clock: Callable[[], float] = time.time


def handler(event: dict[str, Any], context: Any, parts: LearnParts | None = None) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Learn for as long as there is time.

    Args:
        event: The schedule's.
        context: Lambda's; how much time is left is asked of it.
        parts: What the function works with; made from the environment when left out.

    Returns:
        What came of it, as :class:`~sudo_mcp_guardrails.detection.baseline.learner.Learned`, and ``conflict``.

    Raises:
        DetectionError: a baseline is damaged; it stays as it is, and the function's alarm says so.
        Exception: what S3 answers; the schedule tries again.
    """
    del event
    used = parts or made_parts()
    learner = Learner(
        S3Shelf(used.s3, used.bucket, used.clock),
        S3Baselines(used.s3, used.bucket),
        contained=used.contained,
        clock=used.clock,
        in_time=lambda: _left(context) > _SPARE_MILLISECONDS,
    )
    conflict = False
    try:
        learner.learn()
    except ConflictError as error:
        conflict = True
        print(json.dumps({"learn": str(error)}))  # noqa: T201 - the function's log
    found = asdict(learner.result)
    _say(used.monitoring, found)
    return {**found, "conflict": conflict}


@lru_cache(maxsize=1)
def made_parts() -> LearnParts:
    """Return the parts, as the environment says; they are kept for the container's next invocation."""
    import boto3  # noqa: PLC0415 - so that the module loads without it
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=20)
    switch = named_switch(boto3.client("dynamodb", config=config))
    contained = switch.contains if switch is not None else lambda _: False
    return LearnParts(
        os.environ["MONITORING"], boto3.client("s3", config=config), os.environ["BASELINES_BUCKET"], contained
    )


def _left(context: Any) -> float:  # noqa: ANN401 - Lambda's
    left = getattr(context, "get_remaining_time_in_millis", None)
    return float(left()) if callable(left) else float("inf")


def _say(monitoring: str, found: dict[str, Any]) -> None:
    """Write the metrics, by the embedded metric format."""
    values = {metric: found[name] for name, metric in _METRICS.items()}
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps({"_aws": aws, DIMENSION: monitoring, **values}) + "\n")
