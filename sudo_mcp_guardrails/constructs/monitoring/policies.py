"""What the functions of a monitoring may do, and who may use its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs import log_pipeline_policies as may
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource


def detect_may(
    *, key: str, table: str, bus: str, queue: NotificationQueue, trail: TrailSource | None, security_hub: bool
) -> list[Statement]:
    """Return what the function that looks at events may do."""
    rows: list[tuple[str, tuple[str, ...], str, str]] = [
        (
            "State",
            ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            table,
            "counts with the others, and remembers what was told",
        ),
        ("Tell", ("events:PutEvents",), bus, "tells of findings"),
        (
            "Receive",
            ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            queue.queue.attr_arn,
            "Lambda polls the queue by this role",
        ),
        ("Bury", ("sqs:SendMessage",), queue.dead_letter_queue.attr_arn, "keeps what can never be looked at"),
    ]
    if security_hub:
        hub = f"arn:{PARTITION}:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
        rows.append(("Hub", ("securityhub:BatchImportFindings",), hub, "imports findings of its own product"))
    resources = may.PipelineResources(
        trail_bucket=trail.bucket.bucket_arn if trail is not None else "",
        trail_prefix=trail.prefix if trail is not None else "",
        trail_key=trail.key_arn if trail is not None else None,
        keys=(key,),
        dead_letters="",
        ledger="",
        knowledge="",
        domain="",
        index_prefix="",
    )
    return [
        *(may.read_trail("Detect", resources) if trail is not None else ()),
        may.use_key("Detect", resources),
        *(Statement(f"PipelineDetect{sid}", "Allow", acts, resources=(on,), reason=why) for sid, acts, on, why in rows),
    ]
