"""The policies by which lines of member accounts reach the central log group, as data.

Source: CloudWatch Logs user guide, "Cross-account cross-Region log group-level subscriptions using Amazon Kinesis Data
Streams".
"""

from __future__ import annotations

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION


def destination_arn(name: str, *, account: str = ACCOUNT, region: str = REGION) -> str:
    """Return the ARN of a destination, which members subscribe to."""
    return f"arn:{PARTITION}:logs:{region}:{account}:destination:{name}"


def destination_policy(name: str, organization_id: str) -> PolicyDocument:
    """Return who may subscribe log groups to a destination: any account of the organization."""
    return PolicyDocument(
        "destination",
        (
            Statement(
                "IntakeSubscribe",
                "Allow",
                ("logs:PutSubscriptionFilter",),
                resources=(destination_arn(name),),
                principals=(("AWS", "*"),),
                conditions=(("StringEquals", "aws:PrincipalOrgID", (organization_id,)),),
                reason="the accounts of the organization send their logs",
            ),
        ),
    )


def delivery_trust() -> PolicyDocument:
    """Return who may become the destination's role: CloudWatch Logs, in this Region.

    Not narrowed to the accounts of the organization, of which there is no list; who may subscribe is, by the
    destination's policy.
    """
    return PolicyDocument(
        "trust of the destination",
        (
            Statement(
                "TrustIntake",
                "Allow",
                ("sts:AssumeRole",),
                principals=(("Service", "logs.amazonaws.com"),),
                conditions=(("ArnLike", "aws:SourceArn", (f"arn:{PARTITION}:logs:{REGION}:*:*",)),),
            ),
        ),
    )


def delivery_policy(stream_arn: str, key_arn: str) -> PolicyDocument:
    """Return what CloudWatch Logs may do as the destination's role: put records into the stream."""
    return PolicyDocument(
        "destination's delivery",
        (
            Statement(
                "IntakeDeliver",
                "Allow",
                ("kinesis:PutRecord", "kinesis:PutRecords"),
                resources=(stream_arn,),
                reason="CloudWatch Logs puts the lines of members into the stream",
            ),
            Statement(
                "IntakeEncrypt",
                "Allow",
                ("kms:GenerateDataKey",),
                resources=(key_arn,),
                reason="the stream is encrypted",
            ),
        ),
    )


def writer_policy(stream_arn: str, key_arn: str, group_arn: str, own_group_arn: str) -> PolicyDocument:
    """Return what the function may do: read the stream, write to the central log group and to its own.

    Args:
        stream_arn: ARN of the stream.
        key_arn: ARN of the key that it is encrypted with.
        group_arn: ARN of the central log group, with its ``:*``.
        own_group_arn: ARN of the function's own log group, with its ``:*``.
    """
    return PolicyDocument(
        "writer of the central log group",
        (
            Statement(
                "IntakeRead",
                "Allow",
                (
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ),
                resources=(stream_arn,),
                reason="reads what members sent",
            ),
            Statement(
                "IntakeDecrypt",
                "Allow",
                ("kms:Decrypt",),
                resources=(key_arn,),
                reason="the stream is encrypted",
            ),
            Statement(
                "IntakeWrite",
                "Allow",
                ("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(group_arn, own_group_arn),
                reason="writes the lines, and its own log; names of streams are those of the members",
            ),
        ),
    )
