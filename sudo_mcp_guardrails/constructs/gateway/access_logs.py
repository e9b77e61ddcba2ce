"""The bucket of a load balancer's access logs, which Elastic Load Balancing writes with S3's own keys alone."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class AccessLogBucket(Construct):
    """A bucket for access logs: closed to the public, versioned, TLS alone, objects gone after the days given.

    Costs nothing at rest; 0.023 USD per GB and month of what is in it.

    Args:
        scope: The scope.
        id: The construct's id.
        days: How long logs are kept.
    """

    def __init__(self, scope: Construct, id: str, *, days: int) -> None:
        super().__init__(scope, id)
        self.bucket: s3.CfnBucket = s3.CfnBucket(
            self,
            "Resource",
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[
                    s3.CfnBucket.ServerSideEncryptionRuleProperty(
                        server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                            sse_algorithm="AES256"
                        )
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
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="access-logs",
                        status="Enabled",
                        expiration_in_days=days,
                        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                            noncurrent_days=30
                        ),
                        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=7
                        ),
                    )
                ]
            ),
        )
        """The bucket."""
        self.bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.policy: s3.CfnBucketPolicy = s3.CfnBucketPolicy(
            self, "Policy", bucket=self.bucket.ref, policy_document=policy_json(_policy(self.bucket.attr_arn))
        )
        """Its policy; a load balancer is made after it, since it tries to write at once."""
        accept_risk(
            self.bucket,
            nag=[
                "AwsSolutions::AwsSolutions-S1",
                *(f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS),
                *(f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS),
                "NIST.800.53.R4::NIST.800.53.R4-S3BucketDefaultLockEnabled",
            ],
            checkov=["CKV_AWS_18", "CKV_AWS_144"],
            reason="it holds access logs itself; who called what is in the guard's own records, which are locked",
        )
        accept_risk(
            self.bucket,
            nag=[f"{pack}::{pack}-S3DefaultEncryptionKMS" for pack in (_PACKS[0], _PACKS[2], _PACKS[3])],
            checkov=["CKV_AWS_145"],
            reason="Elastic Load Balancing writes to buckets with S3's own keys alone",
        )


def _policy(bucket: str) -> PolicyDocument:
    return PolicyDocument(
        "bucket of access logs",
        (
            Statement(
                "McpAccessLogsWrite",
                "Allow",
                ("s3:PutObject",),
                resources=(f"{bucket}/AWSLogs/{ACCOUNT}/*",),
                principals=(("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),),
                conditions=(
                    (
                        "ArnLike",
                        "aws:SourceArn",
                        (f"arn:{PARTITION}:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/*",),
                    ),
                ),
                reason="load balancers of this account write their access logs",
            ),
            Statement(
                "McpAccessLogsTls",
                "Deny",
                ("s3:*",),
                resources=(bucket, f"{bucket}/*"),
                principals=(("AWS", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nothing goes in or out unencrypted",
            ),
        ),
    )
