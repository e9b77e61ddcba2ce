"""The Firehose stream by which a trail is forwarded: its role, its log, and the schema of what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs

from sudo_mcp_guardrails.constructs.log_destinations import FAILED, HttpEndpoint, SecurityLake, stream_properties
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.trail.ocsf import COLUMNS

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.log_destinations import StorageBucket


def make_stream(
    scope: Construct,
    destination: HttpEndpoint | StorageBucket | SecurityLake,
    key: kms.IKey,
    *,
    failed: s3.IBucket,
    path: str,
    log_retention: logs.RetentionDays,
) -> firehose.CfnDeliveryStream:
    """Make a stream, its role and its log.

    Args:
        scope: Where.
        destination: Where the stream delivers to.
        key: Encrypts stream and log.
        failed: Bucket of what a SIEM refused.
        path: IAM path of role and policy.
        log_retention: Of the log.
    """
    log_group = logs.LogGroup(
        scope, "StreamLog", encryption_key=key, retention=log_retention, removal_policy=cdk.RemovalPolicy.RETAIN
    )
    log_stream = logs.CfnLogStream(scope, "StreamLogStream", log_group_name=log_group.log_group_name)
    table = _table(scope) if isinstance(destination, SecurityLake) else None
    bucket = failed if isinstance(destination, HttpEndpoint) else destination.bucket
    prefix = FAILED if isinstance(destination, HttpEndpoint) else destination.prefix
    keys = [key.key_arn, *([bucket.encryption_key.key_arn] if bucket.encryption_key is not None else [])]
    rows: list[tuple[str, tuple[str, ...], tuple[str, ...], str]] = [
        (
            "Deliver",
            ("s3:AbortMultipartUpload", "s3:PutObject"),
            (bucket.arn_for_objects(f"{prefix}*"),),
            "delivers under names that Firehose chooses",
        ),
        (
            "Look",
            ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
            (bucket.bucket_arn,),
            "Firehose looks the bucket up",
        ),
        (
            "Key",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            tuple(dict.fromkeys(keys)),
            "stream and bucket are encrypted",
        ),
        ("Log", ("logs:PutLogEvents",), (log_group.log_group_arn,), "writes its own log"),
    ]
    if isinstance(destination, HttpEndpoint):
        secret = destination.secret
        rows.append(("Secret", ("secretsmanager:GetSecretValue",), (secret.secret_arn,), "the SIEM's access key"))
    if table is not None:
        start = f"arn:{PARTITION}:glue:{REGION}:{ACCOUNT}:"
        on = (f"{start}catalog", f"{start}database/{table[0]}", f"{start}table/{table[0]}/{table[1]}")
        rows.append(("Schema", ("glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"), on, "the schema"))
    document = PolicyDocument(
        "stream", tuple(Statement(f"Forwarding{s}", "Allow", a, resources=r, reason=why) for s, a, r, why in rows)
    )
    policy = GuardrailPolicy(
        scope, "StreamPolicy", document=document, path=path, description="Delivers a forwarded trail", accept=False
    )
    accept_wildcards(policy)
    trust = Statement(
        "ForwardingTrust",
        "Allow",
        ("sts:AssumeRole",),
        principals=(("Service", "firehose.amazonaws.com"),),
        conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
    )
    role = iam.CfnRole(
        scope,
        "StreamRole",
        path=path,
        assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
        managed_policy_arns=[policy.policy_arn],
    )
    return firehose.CfnDeliveryStream(
        scope,
        "Resource",
        delivery_stream_type="DirectPut",
        delivery_stream_encryption_configuration_input=firehose.CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(
            key_type="CUSTOMER_MANAGED_CMK", key_arn=key.key_arn
        ),
        **stream_properties(
            destination,
            role=role.attr_arn,
            failed=failed,
            log=(log_group.log_group_name, log_stream.ref),
            table=table,
        ),
    )


def _table(scope: Construct) -> tuple[str, str]:
    """Make the table by which Firehose writes Parquet: Security Lake's own is made of what its crawler finds."""
    account = cdk.Aws.ACCOUNT_ID
    database = glue.CfnDatabase(
        scope,
        "Database",
        catalog_id=account,
        database_input=glue.CfnDatabase.DatabaseInputProperty(description="Schemas of the forwarded trail"),
    )
    columns = [glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS.items()]
    table = glue.CfnTable(
        scope,
        "Table",
        catalog_id=account,
        database_name=database.ref,
        table_input=glue.CfnTable.TableInputProperty(
            name="ocsf_api_activity",
            description="OCSF 1.1.0, class 6003, as this library writes it",
            table_type="EXTERNAL_TABLE",
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(columns=columns),
        ),
    )
    return database.ref, table.ref
