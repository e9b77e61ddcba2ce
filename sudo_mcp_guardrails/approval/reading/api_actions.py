"""From an operation of AWS's API to the IAM actions that it needs.

For most services an action is called as its operation is. The services listed here have been held against the action
catalogue, and a test does so again; where IAM calls it something else, the table says so. Of other services nobody
knows.
Source: Service Authorization Reference; Amazon S3 user guide, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICES: Final = {
    "acm": "acm",
    "application-autoscaling": "application-autoscaling",
    "athena": "athena",
    "autoscaling": "autoscaling",
    "backup": "backup",
    "batch": "batch",
    "bedrock": "bedrock",
    "cloudcontrol": "cloudformation",
    "cloudformation": "cloudformation",
    "cloudfront": "cloudfront",
    "cloudtrail": "cloudtrail",
    "cloudwatch": "cloudwatch",
    "codebuild": "codebuild",
    "codepipeline": "codepipeline",
    "cognito-idp": "cognito-idp",
    "config": "config",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "efs": "elasticfilesystem",
    "eks": "eks",
    "elasticache": "elasticache",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "events": "events",
    "firehose": "firehose",
    "guardduty": "guardduty",
    "iam": "iam",
    "kinesis": "kinesis",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "opensearch": "es",
    "organizations": "organizations",
    "rds": "rds",
    "redshift": "redshift",
    "resourcegroupstaggingapi": "tag",
    "route53": "route53",
    "s3": "s3",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "ses": "ses",
    "sesv2": "ses",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "stepfunctions": "states",
    "sts": "sts",
    "wafv2": "wafv2",
    "xray": "xray",
}
_BUCKET: Final = {
    "AccelerateConfiguration": "AccelerateConfiguration",
    "AnalyticsConfiguration": "AnalyticsConfiguration",
    "Cors": "BucketCORS",
    "Encryption": "EncryptionConfiguration",
    "IntelligentTieringConfiguration": "IntelligentTieringConfiguration",
    "InventoryConfiguration": "InventoryConfiguration",
    "Lifecycle": "LifecycleConfiguration",
    "LifecycleConfiguration": "LifecycleConfiguration",
    "MetricsConfiguration": "MetricsConfiguration",
    "NotificationConfiguration": "BucketNotification",
    "OwnershipControls": "BucketOwnershipControls",
    "Replication": "ReplicationConfiguration",
    "Tagging": "BucketTagging",
}
_IRREGULAR: Final[dict[str, tuple[str, ...]]] = {
    "dynamodb:BatchExecuteStatement": (),
    "dynamodb:ExecuteStatement": (),
    "dynamodb:ExecuteTransaction": (),
    "dynamodb:TransactGetItems": ("dynamodb:GetItem",),
    "dynamodb:TransactWriteItems": (
        *("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    ),
    "kms:ReEncrypt": ("kms:ReEncryptFrom", "kms:ReEncryptTo"),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "lambda:InvokeWithResponseStream": ("lambda:InvokeFunction",),
    "lambda:GetLayerVersionByArn": ("lambda:GetLayerVersion",),
    "sns:PublishBatch": ("sns:Publish",),
    "sqs:ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBucketAnalyticsConfigurations": ("s3:GetAnalyticsConfiguration",),
    "s3:ListBucketIntelligentTieringConfigurations": ("s3:GetIntelligentTieringConfiguration",),
    "s3:ListBucketInventoryConfigurations": ("s3:GetInventoryConfiguration",),
    "s3:ListBucketMetricsConfigurations": ("s3:GetMetricsConfiguration",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    "s3:PutObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:SelectObjectContent": ("s3:GetObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:UploadPartCopy": ("s3:GetObject", "s3:PutObject"),
}
"""Where IAM's action is not the operation's name; nothing where it hangs on a text that nobody reads here."""
_S3_WRITES: Final = re.compile(r"PutObject\w*|CopyObject|CreateMultipartUpload|CreateBucket|DeleteObjects?")
_S3_MORE: Final = {
    "ACL": "s3:PutObjectAcl",
    "BypassGovernanceRetention": "s3:BypassGovernanceRetention",
    "GrantFullControl": "s3:PutObjectAcl",
    "GrantRead": "s3:PutObjectAcl",
    "GrantReadACP": "s3:PutObjectAcl",
    "GrantWrite": "s3:PutObjectAcl",
    "GrantWriteACP": "s3:PutObjectAcl",
    "ObjectLockEnabledForBucket": "s3:PutBucketObjectLockConfiguration",
    "ObjectLockLegalHoldStatus": "s3:PutObjectLegalHold",
    "ObjectLockMode": "s3:PutObjectRetention",
    "ObjectLockRetainUntilDate": "s3:PutObjectRetention",
    "ObjectOwnership": "s3:PutBucketOwnershipControls",
    "Tagging": "s3:PutObjectTagging",
}
_S3_VERSIONS: Final = {
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
}
_UNKNOWN: Final = frozenset(
    f"s3:{name}"
    for name in (
        *("CreateBucketMetadataConfiguration", "CreateSession", "DeleteBucketMetadataConfiguration"),
        *("GetBucketMetadataConfiguration", "ListDirectoryBuckets", "RenameObject", "WriteGetObjectResponse"),
    )
)
_BUCKET_CALL: Final = re.compile(r"(Get|Put|Delete)Bucket(\w+)")


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """Return the IAM actions that an operation needs, in order; empty where nobody knows.

    Args:
        service: As SDKs call it, such as ``s3`` or ``stepfunctions``.
        operation: As the API calls it, such as ``ListObjectsV2``.
    """
    prefix = _SERVICES.get(service)
    if prefix is None:
        return ()
    name = f"{prefix}:{operation}"
    if name in _UNKNOWN:
        return ()
    if name in _IRREGULAR:
        return _IRREGULAR[name]
    match = _BUCKET_CALL.fullmatch(operation) if prefix == "s3" else None
    if match and match[2] in _BUCKET:
        return (f"s3:{'Get' if match[1] == 'Get' else 'Put'}{_BUCKET[match[2]]}",)
    return (name,)


def more_actions(service: str, operation: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the IAM actions that an operation needs beside its own, for what its parameters ask for.

    Args:
        service: As for :func:`actions_of`.
        operation: As for :func:`actions_of`.
        parameters: Of the call.
    """
    if service == "ec2":
        return ("ec2:CreateTags",) if "TagSpecifications" in parameters else ()
    if service != "s3":
        return ()
    wanted = [action for name, action in _S3_MORE.items() if name in parameters and _S3_WRITES.fullmatch(operation)]
    if operation == "CreateBucket":
        wanted = ["s3:PutBucketAcl" if action == "s3:PutObjectAcl" else action for action in wanted]
    if "VersionId" in parameters:
        own = actions_of(service, operation)
        wanted += [f"{action}Version" for action in own if action in {"s3:GetObject", "s3:DeleteObject"}]
        wanted += [_S3_VERSIONS[action] for action in own if action in _S3_VERSIONS]
    if operation == "DeleteObjects":
        wanted.append("s3:DeleteObjectVersion")
    return tuple(sorted(set(wanted)))


def services() -> tuple[str, ...]:
    """Return the services whose operations are known, in order."""
    return tuple(_SERVICES)
