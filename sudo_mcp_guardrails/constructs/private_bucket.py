"""A bucket as the guardrails' own are: versioned, encrypted by a key, closed to the public, owned by the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_s3 as s3

from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct


def private_bucket(
    scope: Construct,
    *,
    key: kms.IKey,
    name: str | None = None,
    lock_days: int | None = None,
    lock_mode: LockMode = LockMode.COMPLIANCE,
) -> s3.CfnBucket:
    """Make the bucket, as ``Resource``; its policy and what becomes of it with the stack are the caller's.

    Args:
        scope: Where; one bucket in each.
        key: Encrypts it, as a bucket key, so that a request costs no call of KMS.
        name: Of the bucket. Default: CloudFormation's.
        lock_days: How long Object Lock keeps each version. Default: no lock.
        lock_mode: Who may shorten a lock. Default: nobody.
    """
    lock = None
    if lock_days is not None:
        lock = s3.CfnBucket.ObjectLockConfigurationProperty(
            object_lock_enabled="Enabled",
            rule=s3.CfnBucket.ObjectLockRuleProperty(
                default_retention=s3.CfnBucket.DefaultRetentionProperty(mode=lock_mode.value, days=lock_days)
            ),
        )
    return s3.CfnBucket(
        scope,
        "Resource",
        bucket_name=name,
        bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
            server_side_encryption_configuration=[
                s3.CfnBucket.ServerSideEncryptionRuleProperty(
                    bucket_key_enabled=True,
                    server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                        sse_algorithm="aws:kms", kms_master_key_id=key.key_arn
                    ),
                )
            ]
        ),
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
            rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
        object_lock_enabled=lock_days is not None,
        object_lock_configuration=lock,
    )
