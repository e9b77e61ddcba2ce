"""Deny: what opens data or code to everybody.

A bucket's own block of public access is left alone: every template that makes a bucket sets it, and no condition key
tells on from off. The account's block, which is over it, stays; see also the S3 policy among the management policies.
AWS has no condition key for whom a database snapshot is shared with, so that sharing one is for exempt roles alone.
Images have none either, but the block of public images, which cannot be lifted here, refuses it. Layers of functions,
and changes of databases that there are, have neither key nor block: those are for detection.
Source: Service Authorization Reference, pages of EC2, Lambda, RDS, S3 and Systems Manager.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.everyone._parts import allowed, denied, not_exempt
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import CONTROL_TOWER

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

BLOCKS: Final = (
    *("ec2:CreateVpcBlockPublicAccessExclusion", "ec2:DisableImageBlockPublicAccess"),
    *("ec2:DisableSnapshotBlockPublicAccess", "ec2:EnableSerialConsoleAccess"),
    *("ec2:ModifyVpcBlockPublicAccessExclusion", "ec2:ModifyVpcBlockPublicAccessOptions"),
    *("elasticmapreduce:PutBlockPublicAccessConfiguration", "s3:PutAccountPublicAccessBlock"),
)
"""What takes a block of public access away, or makes a hole in it."""
DATABASE_SNAPSHOTS: Final = ("rds:ModifyDBClusterSnapshotAttribute", "rds:ModifyDBSnapshotAttribute")
DATABASES: Final = (
    *("rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica", "rds:CreateDBShardGroup"),
    *("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceFromS3", "rds:RestoreDBInstanceToPointInTime"),
)
URLS: Final = ("lambda:AddPermission", "lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig")
ACLS: Final = ("s3:CreateBucket", "s3:PutBucketAcl", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl")
PUBLIC_ACLS: Final = ("authenticated-read", "public-read", "public-read-write")
DOCUMENTS: Final = "arn:*:ssm:*:*:servicesetting/ssm/documents/console/public-sharing-permission"

_ACCOUNT: Final = "${AWS::Region}:${AWS::AccountId}"
_FUNCTION: Final = f"arn:${{AWS::Partition}}:lambda:{_ACCOUNT}:function:app"
_DATABASE_SNAPSHOT: Final = f"arn:${{AWS::Partition}}:rds:{_ACCOUNT}:snapshot:nightly"
_SNAPSHOT: Final = "arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/snap-0123456789abcdef0"


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    rest = not_exempt(settings)
    return (
        Statement(
            sid="EveryonePublicBlocks",
            effect="Deny",
            actions=(*BLOCKS, *DATABASE_SNAPSHOTS),
            resources=("*",),
            conditions=rest,
            reason="the account's blocks of public access stay, and database snapshots are shared by few",
        ),
        Statement(
            sid="EveryonePublicSnapshots",
            effect="Deny",
            actions=("ec2:ModifySnapshotAttribute",),
            resources=("*",),
            conditions=(("StringEquals", "ec2:Add/group", ("all",)), *rest),
            reason="a public snapshot is a disk that everybody can read",
        ),
        Statement(
            sid="EveryonePublicUrls",
            effect="Deny",
            actions=URLS,
            resources=("*",),
            conditions=(("StringEquals", "lambda:FunctionUrlAuthType", ("NONE",)), *rest),
            reason="a function whose URL asks nobody who they are runs for everybody",
        ),
        Statement(
            sid="EveryonePublicFunctions",
            effect="Deny",
            actions=("lambda:AddPermission", "lambda:PutResourcePolicy"),
            resources=("*",),
            conditions=(("StringEquals", "lambda:Principal", ("*",)), *rest),
            reason="a function that everybody may invoke is public",
        ),
        Statement(
            sid="EveryonePublicAcls",
            effect="Deny",
            actions=ACLS,
            resources=("*",),
            conditions=(("StringEquals", "s3:x-amz-acl", PUBLIC_ACLS), *rest),
            reason="such an ACL opens a bucket or object to everybody",
        ),
        Statement(
            sid="EveryonePublicDatabases",
            effect="Deny",
            actions=DATABASES,
            resources=("*",),
            conditions=(("Bool", "rds:PubliclyAccessible", ("true",)), *rest),
            reason="a database has no business with an address on the internet",
        ),
        Statement(
            sid="EveryonePublicDocuments",
            effect="Deny",
            actions=("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"),
            resources=(DOCUMENTS,),
            conditions=rest,
            reason="documents hold commands, and are public to all of AWS once the block is lifted",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="everyone-public-exposure",
    kind=PolicyKind.SCP,
    stops=("public buckets, snapshots, images, databases, documents and functions",),
    build=statements,
    scenarios=(
        denied(
            "public-block-off",
            "s3:PutAccountPublicAccessBlock",
            "*",
            "EveryonePublicBlocks",
            "switches the account's block of public buckets off",
        ),
        denied(
            "public-images",
            "ec2:DisableImageBlockPublicAccess",
            "*",
            "EveryonePublicBlocks",
            "lifts the block of public images",
        ),
        denied(
            "public-database-snapshot",
            "rds:ModifyDBSnapshotAttribute",
            _DATABASE_SNAPSHOT,
            "EveryonePublicBlocks",
            "shares a database snapshot with everybody",
        ),
        allowed(
            "exempt-shares-database-snapshot",
            "rds:ModifyDBSnapshotAttribute",
            _DATABASE_SNAPSHOT,
            "an exempt role shares a database snapshot with another account",
            principal=CONTROL_TOWER,
        ),
        denied(
            "public-snapshot",
            "ec2:ModifySnapshotAttribute",
            _SNAPSHOT,
            "EveryonePublicSnapshots",
            "shares a disk with everybody",
            {"ec2:Add/group": "all"},
        ),
        allowed(
            "shared-snapshot",
            "ec2:ModifySnapshotAttribute",
            _SNAPSHOT,
            "shares a disk with one account",
            {"ec2:Add/userId": "222222222222"},
        ),
        denied(
            "public-url",
            "lambda:CreateFunctionUrlConfig",
            _FUNCTION,
            "EveryonePublicUrls",
            "gives a function a URL that asks nobody who they are",
            {"lambda:FunctionUrlAuthType": "NONE"},
        ),
        denied(
            "public-url-later",
            "lambda:UpdateFunctionUrlConfig",
            _FUNCTION,
            "EveryonePublicUrls",
            "takes the question from a URL that there is",
            {"lambda:FunctionUrlAuthType": "NONE"},
        ),
        allowed(
            "signed-url",
            "lambda:CreateFunctionUrlConfig",
            _FUNCTION,
            "gives a function a URL for signed requests",
            {"lambda:FunctionUrlAuthType": "AWS_IAM"},
        ),
        denied(
            "public-function",
            "lambda:AddPermission",
            _FUNCTION,
            "EveryonePublicFunctions",
            "lets everybody invoke a function",
            {"lambda:Principal": "*"},
        ),
        allowed(
            "function-for-a-service",
            "lambda:AddPermission",
            _FUNCTION,
            "lets a service invoke a function",
            {"lambda:Principal": "events.amazonaws.com"},
        ),
        denied(
            "public-acl",
            "s3:PutObject",
            "arn:${AWS::Partition}:s3:::site/index.html",
            "EveryonePublicAcls",
            "puts an object for everybody to read",
            {"s3:x-amz-acl": "public-read"},
        ),
        allowed(
            "bucket-owner-acl",
            "s3:PutObject",
            "arn:${AWS::Partition}:s3:::site/index.html",
            "puts an object for the bucket's owner",
            {"s3:x-amz-acl": "bucket-owner-full-control"},
        ),
        denied(
            "public-database",
            "rds:CreateDBInstance",
            f"arn:${{AWS::Partition}}:rds:{_ACCOUNT}:db:app",
            "EveryonePublicDatabases",
            "makes a database with an address on the internet",
            {"rds:PubliclyAccessible": "true"},
        ),
        allowed(
            "private-database",
            "rds:CreateDBInstance",
            f"arn:${{AWS::Partition}}:rds:{_ACCOUNT}:db:app",
            "makes a database inside",
            {"rds:PubliclyAccessible": "false"},
        ),
        denied(
            "public-documents",
            "ssm:UpdateServiceSetting",
            f"arn:${{AWS::Partition}}:ssm:{_ACCOUNT}:servicesetting/ssm/documents/console/public-sharing-permission",
            "EveryonePublicDocuments",
            "allows public documents",
        ),
        allowed(
            "other-setting",
            "ssm:UpdateServiceSetting",
            f"arn:${{AWS::Partition}}:ssm:{_ACCOUNT}:servicesetting/ssm/parameter-store/high-throughput-enabled",
            "changes another setting",
        ),
    ),
)
