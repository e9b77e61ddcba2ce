"""What the functions of a monitoring may do, and who may use its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs import log_pipeline_policies as may
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
    from sudo_mcp_guardrails.constructs.log_pipeline_queue import NotificationQueue
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource


def detect_may(
    *, key: str, table: str, bus: str, queue: NotificationQueue, trail: TrailSource | None, security_hub: bool
) -> list[Statement]:
    """Return what the function that looks at events may do, beside what its options need."""
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


def look_may(bucket: str) -> list[Statement]:
    """Return what lets the function that looks read baselines, and write down what is to be learned.

    It may write no baseline: one function alone learns.

    Args:
        bucket: ARN of the bucket of baselines.
    """
    return [
        _allow("DetectBaselines", ("s3:GetObject",), (f"{bucket}/documents/*",), "reads what agents usually do"),
        _allow(
            "DetectNote",
            ("s3:PutObject",),
            (f"{bucket}/incidents/*", f"{bucket}/journal/*"),
            "notes what runs did, under names of agents and runs that are not known before",
        ),
        _listing("Detect", bucket),
    ]


def learn_may(*, key: str, bucket: str) -> list[Statement]:
    """Return what the function that learns may do.

    Args:
        key: ARN of the key that encrypts the bucket.
        bucket: ARN of the bucket of baselines.
    """
    return [
        _allow(
            "LearnRead",
            ("s3:GetObject",),
            tuple(f"{bucket}/{place}/*" for place in ("documents", "incidents", "journal")),
            "reads baselines, what was noted and incidents, under names of agents that are not known before",
        ),
        _allow(
            "LearnWrite",
            ("s3:PutObject",),
            (f"{bucket}/documents/*", f"{bucket}/incidents/*"),
            "writes baselines, and notes that an agent is contained",
        ),
        _allow("LearnForget", ("s3:DeleteObject",), (f"{bucket}/journal/*",), "takes away what was learned or is not"),
        _listing("Learn", bucket),
        _allow("LearnKey", ("kms:Decrypt", "kms:GenerateDataKey"), (key,), "the bucket is encrypted"),
    ]


def compare_may(approvals: WorkflowResources) -> list[Statement]:
    """Return what lets the function that looks read approved plans: it changes nothing, and signs nothing.

    Args:
        approvals: The workflow's resources.
    """
    keys = tuple(key for key in (approvals.evidence_key, approvals.decision_key, approvals.responder_key) if key)
    return [
        _allow("DetectEvidence", ("dynamodb:Query",), (approvals.evidence,), "reads what was approved"),
        _allow(
            "DetectPlans",
            ("s3:GetObject", "s3:GetObjectVersion"),
            (f"{approvals.bucket}/plans/*",),
            "reads plans, under names of approvals that are not known before",
        ),
        _allow("DetectSignatures", ("kms:GetPublicKey",), keys, "checks the signatures of what was approved"),
        _allow("DetectApprovalKeys", ("kms:Decrypt",), approvals.data_keys, "what was approved is encrypted"),
    ]


def runs_may(table: str, key: str | None) -> list[Statement]:
    """Return what lets the function that looks read who is behind a run.

    Args:
        table: ARN of the table of runs.
        key: ARN of the key that encrypts it, if one does.
    """
    found = [_allow("DetectRuns", ("dynamodb:GetItem",), (table,), "reads who is behind a run, for the trace")]
    return [*found, _allow("DetectRunsKey", ("kms:Decrypt",), (key,), "the table is encrypted")] if key else found


def _listing(of: str, bucket: str) -> Statement:
    return _allow(
        f"{of}ListBaselines", ("s3:ListBucket",), (bucket,), "S3 says that an object is missing only to who may list"
    )


def _allow(sid: str, actions: tuple[str, ...], resources: tuple[str, ...], why: str) -> Statement:
    return Statement(f"Pipeline{sid}", "Allow", actions, resources=resources, reason=why)
