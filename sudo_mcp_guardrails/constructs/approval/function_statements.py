"""What each function of the approval workflow may do: what its handler calls, on the resources that it calls it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.approval.statements import (
    HEADS,
    RECORDS,
    allow,
    chain,
    encrypted,
    index,
    new_plans,
    plans,
    sign,
    trust,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
    from sudo_mcp_guardrails.iam.documents import Statement


def intake(r: WorkflowResources) -> list[Statement]:
    """Return what the function may do that agents ask."""
    return [
        *chain("Intake", r),
        sign("Intake", "Evidence", r.evidence_key),
        index("Intake", r, "GetItem", "PutItem"),
        new_plans("Intake", r),
        allow("ApprovalIntakeRuns", ("dynamodb:GetItem",), (r.runs,), "asks who is behind a run"),
        allow("ApprovalIntakeStart", ("states:StartExecution",), (r.machine,), "starts the workflow of an approval"),
    ]


def classify(r: WorkflowResources) -> list[Statement]:
    """Return what the function may do that tells the risk."""
    return [
        *chain("Classify", r),
        sign("Classify", "Evidence", r.evidence_key),
        index("Classify", r, "UpdateItem"),
        plans("Classify", r),
        *trust("Classify", r),
    ]


def recheck(r: WorkflowResources) -> list[Statement]:
    """Return what the function may do that looks at the chain again."""
    return [*chain("Recheck", r), sign("Recheck", "Evidence", r.evidence_key), index("Recheck", r, "UpdateItem")]


def record(r: WorkflowResources) -> list[Statement]:
    """Return what the function may do that records ends."""
    return [
        *chain("Record", r),
        sign("Record", "Evidence", r.evidence_key),
        index("Record", r, "GetItem", "UpdateItem"),
        *trust("Record", r),
    ]


def broker(r: WorkflowResources) -> list[Statement]:
    """Return what the broker may do: it alone assumes apply roles, whose trust policies pin what it may ask for."""
    return [
        *chain("Broker", r),
        sign("Broker", "Evidence", r.evidence_key),
        plans("Broker", r),
        new_plans("Broker", r),
        allow(
            "ApprovalBrokerApply",
            ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"),
            r.apply_roles,
            "carries out what was approved, as the apply role of the agent that asked",
        ),
    ]


def api(r: WorkflowResources, groups: Sequence[Statement]) -> list[Statement]:
    """Return what the API's function may do: it signs decisions, and ends the wait for people, and starts nothing."""
    return [
        *chain("Api", r),
        sign("Api", "Decision", r.decision_key),
        index("Api", r, "GetItem", "Scan"),
        allow("ApprovalApiList", ("dynamodb:Query",), (f"{r.requests}/index/open",), "lists open approvals"),
        plans("Api", r),
        *trust("Api", r),
        allow(
            "ApprovalApiTokens",
            ("dynamodb:DeleteItem", "dynamodb:GetItem"),
            (r.tokens,),
            "ends the wait of an approval that is decided",
        ),
        allow(
            "ApprovalApiCredentials",
            ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
            (r.credentials,),
            "keeps the passkeys of approvers",
        ),
        allow(
            "ApprovalApiCallback",
            ("states:SendTaskSuccess",),
            ("*",),
            "the wait is told by its token, and takes no ARN",
        ),
        *groups,
    ]


def heads(r: WorkflowResources, bucket: str, key: str | None) -> list[Statement]:
    """Return what the publisher of heads may do: read all chains, make copies good, and publish. It signs nothing.

    Args:
        r: the resources.
        bucket: ARN of the second account's bucket.
        key: ARN of the key that encrypts it; None for none.
    """
    tables = (r.evidence, *((r.trust,) if r.trust else ()))
    found = [
        allow("ApprovalHeadsRead", ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"), tables, "reads all chains"),
        allow(
            "ApprovalHeadsCopies",
            ("s3:PutObject",),
            (f"{r.bucket}/{RECORDS}", f"{r.bucket}/{HEADS}"),
            "makes good what was not copied, and keeps heads, under names of chains and days",
        ),
        allow(
            "ApprovalHeadsKept",
            ("s3:GetObject",),
            (f"{r.bucket}/{HEADS}",),
            "reads the head before, under the name of its day",
        ),
        allow(
            "ApprovalHeadsList",
            ("s3:ListBucket",),
            (r.bucket,),
            "finds the head before",
            (("StringLike", "s3:prefix", (HEADS,)),),
        ),
        encrypted("Heads", r),
        allow(
            "ApprovalHeadsPublish",
            ("s3:PutObject",),
            (f"{bucket}/{HEADS}",),
            "publishes heads to a second account, under names of days",
        ),
    ]
    if key is not None:
        found.append(
            allow(
                "ApprovalHeadsPublishKey", ("kms:GenerateDataKey",), (key,), "the second account's bucket is encrypted"
            )
        )
    return found
