"""The policies of the log archive's keys, as data.

Sources: CloudTrail user guide, "Configure AWS KMS key policies for CloudTrail"; S3 user guide, "Granting permissions to
publish event notification messages to a destination".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.log_archive import CLOUDTRAIL, EVERYONE, agents_only, principal_of, trail_account
from sudo_mcp_guardrails.policies.log_group_keys import log_groups_may_use
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.log_archive import LogArchive
    from sudo_mcp_guardrails.policies.naming import GuardrailNames


def key_policy(archive: LogArchive) -> PolicyDocument:
    """Return the policy of the archive's key. The bucket's ARN is not in it, so that the bucket can rest on the key."""
    source: Conditions = (("StringEquals", "aws:SourceArn", archive.trails),)
    accounts = dict.fromkeys(trail_account(trail) for trail in archive.trails)
    context = tuple(f"arn:{PARTITION}:cloudtrail:*:{account}:trail/*" for account in accounts)
    statements = [
        *_owner("LogKey", archive.names),
        _use(
            "LogKeyTrailEncrypt",
            ("kms:GenerateDataKey*",),
            CLOUDTRAIL,
            # IfExists: a digest file that is encrypted by the bucket's default has S3's context alone.
            (*source, ("StringLikeIfExists", "kms:EncryptionContext:aws:cloudtrail:arn", context)),
            "the trails encrypt",
        ),
        _use(
            "LogKeyTrailCheck",
            # Decrypt is asked of buckets with a bucket key whenever a trail is made or changed.
            ("kms:Decrypt", "kms:DescribeKey"),
            CLOUDTRAIL,
            source,
            "CloudTrail checks the key when a trail is made or changed",
        ),
        _use(
            "LogKeyNotify",
            ("kms:Decrypt", "kms:GenerateDataKey*"),
            (("Service", "s3.amazonaws.com"),),
            (("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
            "S3 puts its notifications into a queue that is encrypted with this key",
        ),
    ]
    if archive.readers:
        statements.append(
            _use(
                "LogKeyRead",
                ("kms:Decrypt", "kms:DescribeKey"),
                tuple(("AWS", principal_of(reader)) for reader in archive.readers),
                (("StringLike", "kms:ViaService", ("s3.*.amazonaws.com", "s3.*.amazonaws.com.cn")),),
                "readers decrypt through S3, so that the bucket's policy counts too",
            )
        )
    return PolicyDocument("key of the log archive", tuple(statements))


def log_group_key_policy(names: GuardrailNames, *, service: str) -> PolicyDocument:
    """Return the policy of the key of log groups in this account and Region.

    Args:
        names: Names of the guardrails' own resources, by which agents are known.
        service: Principal of CloudWatch Logs in the Region.
    """
    return PolicyDocument(
        "key of the log group",
        (
            *_owner("LogGroupKey", names),
            log_groups_may_use("LogGroupKeyLogs", service=service),
        ),
    )


def _owner(prefix: str, names: GuardrailNames) -> tuple[Statement, ...]:
    """Return who answers for a key: the account, by IAM, and no agent of it."""
    return (
        _use(
            f"{prefix}Account",
            ("kms:*",),
            (("AWS", f"arn:{PARTITION}:iam::{ACCOUNT}:root"),),
            (),
            "IAM decides in the account, as by default; without it nobody could ever change the key",
        ),
        Statement(
            f"{prefix}NoAgents",
            "Deny",
            ("kms:*",),
            resources=("*",),
            principals=EVERYONE,
            conditions=agents_only(names),
            reason="a key that agents disable or schedule for deletion takes the record along",
        ),
    )


def _use(
    sid: str, actions: tuple[str, ...], principals: tuple[tuple[str, str], ...], conditions: Conditions, reason: str
) -> Statement:
    return Statement(
        sid, "Allow", actions, resources=("*",), principals=principals, conditions=conditions, reason=reason
    )
