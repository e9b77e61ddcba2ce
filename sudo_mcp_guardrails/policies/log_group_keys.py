"""What CloudWatch Logs needs of a key that encrypts log groups.

Source: CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
"""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

_GROUPS: Final = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:*"


def log_groups_may_use(sid: str, *, service: str) -> Statement:
    """Return the statement of a key's policy that lets the log groups of this account and Region be encrypted.

    Args:
        sid: of the statement, unique in the library.
        service: principal of CloudWatch Logs in the Region.
    """
    return Statement(
        sid,
        "Allow",
        ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
        resources=("*",),
        principals=(("Service", service),),
        conditions=(("ArnLike", "kms:EncryptionContext:aws:logs:arn", (_GROUPS,)),),
        reason="CloudWatch Logs encrypts the log groups of this account",
    )
