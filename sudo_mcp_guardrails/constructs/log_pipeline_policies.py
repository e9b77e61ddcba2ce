"""What the functions of the log pipeline may do, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.log_group_keys import log_groups_may_use
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class PipelineResources:
    """The ARNs that the statements name, with the CDK's tokens.

    Attributes:
        trail_bucket: ARN of the trail's bucket.
        trail_prefix: what the keys of trail files begin with.
        trail_key: ARN of the key that encrypts them, if one does.
        keys: ARNs of the keys of the pipeline and of the dead letters.
        dead_letters: ARN pattern of the objects that are dead letters.
        ledger: ARN of the ledger's table.
        knowledge: ARN of the table of what is known of sessions.
        domain: ARN of the search domain.
        index_prefix: of the indexes.
    """

    trail_bucket: str
    trail_prefix: str
    trail_key: str | None
    keys: tuple[str, ...]
    dead_letters: str
    ledger: str
    knowledge: str
    domain: str
    index_prefix: str


def read_trail(of: str, r: PipelineResources) -> list[Statement]:
    """Return how the trail's files are read.

    Args:
        of: what the Sids carry, since each is unique in the library.
        r: the resources.
    """
    found = [
        Statement(
            f"Pipeline{of}ReadTrail",
            "Allow",
            ("s3:GetObject", "s3:GetObjectVersion"),
            resources=(f"{r.trail_bucket}/{r.trail_prefix}*",),
            reason="reads every file of the trail",
        ),
        Statement(
            f"Pipeline{of}ListTrail",
            "Allow",
            ("s3:ListBucket", "s3:ListBucketVersions"),
            resources=(r.trail_bucket,),
            reason="S3 says that an object is missing only to those who may list",
        ),
    ]
    if r.trail_key is not None:
        found.append(
            Statement(
                f"Pipeline{of}DecryptTrail",
                "Allow",
                ("kms:Decrypt",),
                resources=(r.trail_key,),
                reason="the trail is encrypted with this key",
            )
        )
    return found


def keep(of: str, r: PipelineResources) -> list[Statement]:
    """Return how ledger, knowledge and dead letters are kept."""
    return [
        Statement(
            f"Pipeline{of}Ledger",
            "Allow",
            ("dynamodb:BatchWriteItem", "dynamodb:Scan"),
            resources=(r.ledger,),
            reason="says which files were taken in",
        ),
        Statement(
            f"Pipeline{of}Knowledge",
            "Allow",
            ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"),
            resources=(r.knowledge,),
            reason="remembers sessions and tool calls",
        ),
        Statement(
            f"Pipeline{of}KeepDeadLetters",
            "Allow",
            ("s3:PutObject",),
            resources=(r.dead_letters,),
            reason="keeps dead letters under names that are hashes",
        ),
        use_key(of, r),
    ]


def use_key(of: str, r: PipelineResources) -> Statement:
    """Return how the pipeline's key is used."""
    return Statement(
        f"Pipeline{of}Key",
        "Allow",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        resources=r.keys,
        reason="queue, tables and dead letters are encrypted with this key",
    )


def receive(queues: Sequence[str]) -> Statement:
    """Return how messages are received."""
    return Statement(
        "PipelineIngestReceive",
        "Allow",
        ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        resources=tuple(queues),
        reason="Lambda polls the queues by this role",
    )


def write_index(r: PipelineResources) -> list[Statement]:
    """Return which requests the ingester may send to the domain: no search, no deletion, no setting.

    The indexes of a bulk request stand in its body, which IAM does not see: there the domain's own role decides.
    """
    return [
        Statement(
            "PipelineIngestWrite",
            "Allow",
            ("es:ESHttpPost",),
            resources=(f"{r.domain}/_bulk", f"{r.domain}/_mget"),
            reason="creates events, and compares duplicates with what is there",
        ),
        Statement(
            "PipelineIngestTemplate",
            "Allow",
            ("es:ESHttpGet", "es:ESHttpPut"),
            resources=tuple(f"{r.domain}/_index_template/{r.index_prefix}-{kind}" for kind in ("events", "ledger")),
            reason="sees to it that the template is there before the first event",
        ),
    ]


_TAKING_OUT: Final = ("_delete_by_query", "_update_by_query", "_reindex", "_close", "_aliases", "_rollover", "_shrink")
"""Requests of OpenSearch that take documents away, change them or hide them, and are no DELETE."""


def manage_index(r: PipelineResources) -> list[Statement]:
    """Return which requests the reconciler may send: everything but a deletion."""
    return [
        Statement(
            "PipelineReconcileManage",
            "Allow",
            ("es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut"),
            resources=(f"{r.domain}/*",),
            reason="puts template, policies, dashboards and roles of the domain, and writes what was missing",
        ),
        Statement(
            "PipelineReconcileKeep",
            "Deny",
            ("es:ESHttpPost", "es:ESHttpPut"),
            resources=tuple(f"{r.domain}/*{path}*" for path in _TAKING_OUT),
            reason="a POST deletes, rewrites or closes as a DELETE does; events are taken in and never out",
        ),
    ]


def publish_head(r: PipelineResources, heads: str, heads_key: str | None) -> list[Statement]:
    """Return how the daily head is published, and only ever created: the bucket's owner refuses to replace it."""
    found = [
        Statement(
            "PipelineHeadLedger", "Allow", ("dynamodb:Scan",), resources=(r.ledger,), reason="reads the whole ledger"
        ),
        Statement(
            "PipelineHeadPublish",
            "Allow",
            ("s3:PutObject",),
            resources=(heads,),
            reason="publishes one head a day, named by its day",
        ),
        Statement("PipelineHeadKey", "Allow", ("kms:Decrypt",), resources=r.keys, reason="the ledger is encrypted"),
    ]
    if heads_key is not None:
        found.append(
            Statement(
                "PipelineHeadEncrypt",
                "Allow",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(heads_key,),
                reason="the bucket of the heads is encrypted with this key",
            )
        )
    return found


def key_users(senders: Sequence[tuple[str, str]]) -> list[Statement]:
    """Return the statements of the pipeline's key: its account, and the services that encrypt for others with it.

    Each service only for the account whose rule, bucket or topic sends; SNS, S3 and EventBridge all say whose it is
    (SQS developer guide, "Configure AWS KMS permissions with confused deputy protection").

    Args:
        senders: The services that send to the queue, each with the account that it does it for.
    """
    accounts = dict.fromkeys(account for _, account in senders)
    return [
        Statement(
            "PipelineKeyAccount",
            "Allow",
            ("kms:*",),
            resources=("*",),
            principals=(("AWS", f"arn:{PARTITION}:iam::{ACCOUNT}:root"),),
            reason="the account's own policies decide, so that the key never gets lost",
        ),
        log_groups_may_use("PipelineKeyLogs", service=f"logs.{REGION}.{cdk.Aws.URL_SUFFIX}"),
        *(
            Statement(
                "PipelineKeySenders" if account == ACCOUNT else "PipelineKeyOutsideSenders",
                "Allow",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                resources=("*",),
                principals=tuple(("Service", service) for service, whose in senders if whose == account),
                conditions=(("StringEquals", "aws:SourceAccount", (account,)),),
                reason="who sends to an encrypted queue encrypts its message",
            )
            for account in accounts
        ),
    ]
