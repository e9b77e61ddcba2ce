"""What the log pipeline keeps beside the index: its key, the ledger, what it knows of sessions, the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_policies import key_users
from sudo_mcp_guardrails.constructs.private_bucket import private_bucket
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.trail.ledger import LEDGER_KEY

if TYPE_CHECKING:
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource

KNOWLEDGE_KEY: Final = "pk"
KNOWLEDGE_EXPIRES: Final = "expires"
"""As :class:`~sudo_mcp_guardrails.trail.attributing.dynamodb_store.DynamoKnowledge` has them."""
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


def pipeline_key(scope: Construct, given: kms.IKey | None, source: TrailSource) -> kms.IKey:
    """Return the key of a pipeline: the given one, or one that is made (1 USD a month), with yearly rotation.

    Args:
        scope: Where.
        given: Is given the same statements where the app owns it; otherwise a warning says which it needs.
        source: Whose notifications are encrypted with it.
    """
    statements = key_users(source.senders)
    if given is None:
        made = kms.CfnKey(
            scope,
            "Key",
            description="Encrypts what the audit pipeline keeps and sends",
            enable_key_rotation=True,
            key_policy=policy_json(PolicyDocument("key", tuple(statements))),
        )
        made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return kms.Key.from_key_arn(scope, "KeyImport", made.attr_arn)
    added = [
        given.add_to_resource_policy(
            iam.PolicyStatement.from_json(policy_json(PolicyDocument("", (s,)))["Statement"][0])
        )
        for s in statements[1:]
    ]
    if not all(result.statement_added for result in added):
        cdk.Annotations.of(scope).add_warning_v2(
            "@sudo-mcp-guardrails/logPipeline:givenKey",
            "the policy of the given key cannot be changed here; it must let CloudWatch Logs encrypt log groups, and "
            "events.amazonaws.com (or who else sends) kms:Decrypt and kms:GenerateDataKey",
        )
    return given


def make_table(scope: Construct, id_: str, key: kms.IKey, *, expires: bool) -> dynamodb.CfnTable:
    """Make a table: on demand, encrypted, kept, with point-in-time recovery. 0.25 USD per GB and month.

    Args:
        scope: Where.
        id_: Of the construct.
        key: Encrypts it.
        expires: Whether it is the table of what is known of sessions, whose items expire; otherwise the ledger.
    """
    name = KNOWLEDGE_KEY if expires else LEDGER_KEY
    table = dynamodb.CfnTable(
        scope,
        id_,
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")],
        key_schema=[dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type="HASH")],
        deletion_protection_enabled=True,
        point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
            point_in_time_recovery_enabled=True
        ),
        sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
            sse_enabled=True, sse_type="KMS", kms_master_key_id=key.key_arn
        ),
        time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
            attribute_name=KNOWLEDGE_EXPIRES, enabled=True
        )
        if expires
        else None,
    )
    table.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    accept_risk(
        table,
        nag=[f"{pack}::{pack}-DynamoDBInBackupPlan" for pack in _PACKS],
        reason="it can be made again from the trail's bucket, and has point-in-time recovery until then",
    )
    return table


class DeadLetterBucket(Construct):
    """A bucket for dead letters: versioned, encrypted, private, TLS only, kept; with Object Lock where days are given.

    Args:
        scope: The scope.
        id: The construct's id.
        key: Encrypts it.
        lock_days: Of Object Lock in compliance mode. Default: none; a letter can be made again from the trail's file.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, lock_days: int | None = None) -> None:
        super().__init__(scope, id)
        made = private_bucket(self, key=key, lock_days=lock_days)
        made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        s3.CfnBucketPolicy(
            self,
            "Policy",
            bucket=made.ref,
            policy_document=policy_json(_tls_only("PipelineDeadLetterTls", made.attr_arn)),
        )
        accept_risk(
            made,
            nag=["AwsSolutions::AwsSolutions-S1", *(f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS)],
            checkov=["CKV_AWS_18"],
            reason="CloudTrail's data events say who reads and writes it; letters hold what the trail's bucket holds",
        )
        accept_risk(
            made,
            nag=[f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
            reason="every letter can be made again from the file of the trail that it came from",
        )
        if lock_days is None:
            accept_risk(
                made,
                nag=["NIST.800.53.R4::NIST.800.53.R4-S3BucketDefaultLockEnabled"],
                reason="a letter is what the trail's bucket, which is locked, holds in the file that it came from",
            )
        self.bucket: s3.IBucket = s3.Bucket.from_bucket_attributes(
            self, "Import", bucket_arn=made.attr_arn, encryption_key=key
        )
        """The bucket."""


def _tls_only(sid: str, arn: str) -> PolicyDocument:
    return PolicyDocument(
        "bucket",
        (
            Statement(
                sid,
                "Deny",
                ("s3:*",),
                resources=(arn, f"{arn}/*"),
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
        ),
    )
