"""Publish the head of the ledger to a bucket of a second account."""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.ledger import DynamoLedger
from sudo_mcp_guardrails.trail.ledger_head import take_heads
from sudo_mcp_guardrails.trail.metrics import metric_line

if TYPE_CHECKING:
    from datetime import date

_THERE: Final = frozenset({"PreconditionFailed", "412"})

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handler(
    _event: dict[str, Any],
    _context: object,
    clients: tuple[Any, Any] | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """Publish the heads of today.

    Nothing is written over: where the head of the day is there already, as after a second start, it stays.

    Args:
        clients: boto3's clients of DynamoDB and S3; made when left out.
        today: UTC; the clock's when left out.

    Returns:
        ``{"published": […], "there": […]}`` with the names of the heads.

    Raises:
        Exception: whatever kept a head from being published; the schedule tries again, and its absence is an alarm.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - Lambda has it, the package need not

    dynamodb, s3 = clients or _made_clients()
    pipeline = os.environ["PIPELINE"]
    ledger = DynamoLedger(dynamodb, os.environ["LEDGER_TABLE"]).records()
    done: dict[str, list[str]] = {"published": [], "there": []}
    for head, lines in take_heads(pipeline, ledger, today or datetime.now(timezone.utc).date()):
        # The lines first: a head without them would prove less than it says.
        for ending, body in ((".lines.gz", lines), (".json", head.document())):
            name = f"{os.environ['HEADS_PREFIX']}/{pipeline}/{head.name}{ending}"
            try:
                s3.put_object(Bucket=os.environ["HEADS_BUCKET"], Key=name, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _THERE:
                    raise
                done["there"].append(name)
            else:
                done["published"].append(name)
    sys.stdout.write(metric_line(pipeline, {"Heads": 1, "LedgerFiles": len(ledger)}, **done))
    return done


def _made_clients() -> tuple[Any, Any]:
    import boto3  # noqa: PLC0415 - as above

    return boto3.client("dynamodb"), boto3.client("s3")
