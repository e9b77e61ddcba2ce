"""The policy of the log archive: the bucket that the trail is kept in, as data.

Sources: CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail"; S3 user guide, "Object Lock considerations"
(the condition on remaining days).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions

_PIECE: Final = r"(?:\$\{[^{}]+\}|[a-z0-9-]+)"
_TRAIL: Final = re.compile(
    rf"arn:{_PIECE}:cloudtrail:{_PIECE}:(?P<account>\$\{{[^{{}}]+\}}|\d{{12}}):trail/[A-Za-z0-9._${{}}:\[\]-]{{3,128}}",
    re.ASCII,
)
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_BYPASS: Final = re.compile(rf"arn:{_PIECE}:iam::(?:\$\{{[^{{}}]+\}}|\d{{12}}):(?:role|user)/[^\s*?]+", re.ASCII)
_READER: Final = re.compile(r"\d{12}|arn:[^\s*?]+|\$\{[^{}]+\}", re.ASCII)
EVERYONE: Final = (("AWS", "*"),)
"""Any principal at all."""
CLOUDTRAIL: Final = (("Service", "cloudtrail.amazonaws.com"),)
"""CloudTrail as a principal, the same name in every partition."""


class LogArchiveError(GuardrailsError):
    """The log archive, its trail or its log group cannot be made from what was given; the message says what can."""


@dataclass(frozen=True)
class LogArchive:
    """What the policies of the archive are made from. ARNs may hold pseudo parameters and CDK tokens.

    Args:
        bucket_arn: ARN of the bucket.
        key_arn: ARN of the key that everything in it is encrypted with.
        trails: ARNs of the trails that write to it, with the account that owns the trail: of an organization trail
            it is the management account, also where a delegated administrator made it.
        organization_id: Where one of them is an organization trail. Default: none is.
        readers: Account ids, and ARNs of roles, that may read. Default: whom IAM lets in this account.
        floor_days: Nobody may lock an object for fewer days than these from now.
        bypass: ARNs of roles and users that may lift locks of GOVERNANCE mode. Default: nobody. No agent ever may.
        names: Names of the guardrails' own resources, by which agents are known.

    Raises:
        LogArchiveError: For no trail, a trail, organization, reader or bypass of another form, an agent's role among
            these, and days below 1.
    """

    bucket_arn: str
    key_arn: str
    trails: tuple[str, ...]
    organization_id: str = ""
    readers: tuple[str, ...] = ()
    floor_days: int = 1
    bypass: tuple[str, ...] = ()
    names: GuardrailNames = field(default_factory=GuardrailNames)

    def __post_init__(self) -> None:
        """Validate; raises LogArchiveError."""
        if not self.trails:
            raise LogArchiveError("log archive without trails is not allowed, expected the ARN of at least one")
        for trail in self.trails:
            trail_account(trail)
        if self.organization_id and not _ORGANIZATION.fullmatch(self.organization_id):
            raise LogArchiveError(f"organization {self.organization_id!r} is not allowed, expected o- and an id")
        for reader in self.readers:
            _check_reader(reader)
        for arn in self.bypass:
            _check_bypass(arn, f":role{self.names.agents_path}")
        if self.floor_days < 1:
            raise LogArchiveError(f"floor of {self.floor_days!r} days is not allowed, expected at least 1")


def _check_bypass(arn: object, agents: str) -> None:
    if not isinstance(arn, str) or not _BYPASS.fullmatch(arn) or agents in arn:
        raise LogArchiveError(
            f"bypass {arn!r} of the log archive is not allowed, expected the whole ARN of a role or user, no agent's"
        )


def _check_reader(reader: object) -> None:
    if not isinstance(reader, str) or not _READER.fullmatch(reader):
        raise LogArchiveError(f"reader {reader!r} of the log archive is not allowed, expected 12 digits or a whole ARN")


def trail_arn(name: str, *, account: str = ACCOUNT, region: str = REGION) -> str:
    """Return the ARN that a trail will have: it is known before the trail is made, and in another account.

    Args:
        name: The trail's name.
        account: The account that owns it: of an organization trail, the management account.
        region: Its home Region.
    """
    return f"arn:{PARTITION}:cloudtrail:{region}:{account}:trail/{name}"


def trail_account(trail: object) -> str:
    """Return the account of a trail's ARN.

    Raises:
        LogArchiveError: For another form.
    """
    match = _TRAIL.fullmatch(trail) if isinstance(trail, str) else None
    if match is None:
        raise LogArchiveError(
            f"trail {trail!r} is not allowed, expected an ARN arn:PARTITION:cloudtrail:REGION:ACCOUNT:trail/NAME"
        )
    return match["account"]


def bucket_policy(archive: LogArchive) -> PolicyDocument:
    """Return the policy of the bucket: CloudTrail alone writes, nobody deletes, agents change nothing."""
    # Not aws:SourceOrgID: any trail of any member would pass it, and the ARN of the trail says more.
    bucket, objects = archive.bucket_arn, f"{archive.bucket_arn}/*"
    source: Conditions = (("StringEquals", "aws:SourceArn", archive.trails),)
    owners = dict.fromkeys(trail_account(trail) for trail in archive.trails)
    owners |= {archive.organization_id: None} if archive.organization_id else {}
    encryption = "s3:x-amz-server-side-encryption"
    statements = [
        _deny(
            "LogBucketTls",
            ("s3:*",),
            (bucket, objects),
            (("Bool", "aws:SecureTransport", ("false",)),),
            "nobody reads or writes without TLS",
        ),
        _deny(
            "LogBucketTlsVersion",
            ("s3:*",),
            (bucket, objects),
            # A service's own call has no version of TLS, and lacks the key.
            (("NumericLessThan", "s3:TlsVersion", ("1.2",)),),
            "nor with a version before 1.2",
        ),
        Statement(
            "LogBucketTrailAcl",
            "Allow",
            ("s3:GetBucketAcl",),
            resources=(bucket,),
            principals=CLOUDTRAIL,
            conditions=source,
            reason="CloudTrail looks whether it may write",
        ),
        Statement(
            "LogBucketTrailWrite",
            "Allow",
            ("s3:PutObject",),
            resources=tuple(f"{bucket}/AWSLogs/{owner}/*" for owner in owners),
            principals=CLOUDTRAIL,
            conditions=(
                ("StringEquals", "aws:SourceArn", archive.trails),
                ("StringEquals", "s3:x-amz-acl", ("bucket-owner-full-control",)),
            ),
            reason="the trails deliver, and no other trail of anybody's",
        ),
        _deny(
            "LogBucketOnlyTrail",
            ("s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"),
            (objects,),
            # Absent where a person or a role calls, which a negated operator takes for another value.
            (("StringNotEquals", "aws:SourceArn", archive.trails),),
            "whoever could write here could forge the record",
        ),
        _deny(
            "LogBucketOnlyKey",
            ("s3:PutObject",),
            (objects,),
            # Without the header the bucket's default applies, which is this key.
            (
                ("Null", f"{encryption}-aws-kms-key-id", ("false",)),
                ("StringNotEquals", f"{encryption}-aws-kms-key-id", (archive.key_arn,)),
            ),
            "what another key encrypts, its owner can make unreadable",
        ),
        Statement(
            "LogBucketOnlyKms",
            "Deny",
            ("s3:PutObject",),
            # AWS's pages disagree on whether digest files are encrypted by S3's own key or by this one.
            not_resources=(f"{bucket}/AWSLogs/*/CloudTrail-Digest/*",),
            principals=EVERYONE,
            conditions=(
                ("Null", encryption, ("false",)),
                ("StringNotEquals", encryption, ("aws:kms", "aws:kms:dsse")),
            ),
            reason="logs are encrypted with a key that has a policy",
        ),
        _deny(
            "LogBucketNoDelete",
            ("s3:DeleteObject", "s3:DeleteObjectVersion"),
            (objects,),
            (),
            "a lock does not keep a delete marker from hiding an object; the lifecycle needs no permission",
        ),
        _deny(
            "LogBucketRetentionFloor",
            ("s3:PutObject", "s3:PutObjectRetention"),
            (objects,),
            (("NumericLessThan", "s3:object-lock-remaining-retention-days", (str(archive.floor_days),)),),
            "no object is locked for less time than the regulations ask for",
        ),
        _deny(
            "LogBucketNoBypass",
            ("s3:BypassGovernanceRetention",),
            (objects,),
            (("ArnNotLike", "aws:PrincipalArn", archive.bypass),) if archive.bypass else (),
            "IAM gives it to every administrator: what is locked in GOVERNANCE mode stays locked",
        ),
        _deny(
            "LogBucketNoAgents",
            ("s3:AbortMultipartUpload", "s3:BypassGovernanceRetention", "s3:Delete*", "s3:Put*", "s3:Replicate*"),
            (bucket, objects),
            agents_only(archive.names),
            "agents change nothing of the record of what they do",
        ),
    ]
    if archive.readers:
        statements.append(
            Statement(
                "LogBucketRead",
                "Allow",
                ("s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
                resources=(bucket, objects),
                principals=tuple(("AWS", principal_of(reader)) for reader in archive.readers),
                reason="who reads from another account needs both policies",
            )
        )
    return PolicyDocument("log bucket", tuple(statements))


def _deny(
    sid: str, actions: tuple[str, ...], resources: tuple[str, ...], conditions: Conditions, reason: str
) -> Statement:
    return Statement(
        sid, "Deny", actions, resources=resources, principals=EVERYONE, conditions=conditions, reason=reason
    )


def agents_only(names: GuardrailNames) -> Conditions:
    """Return the condition that holds for agents alone."""
    return (("ArnLike", "aws:PrincipalArn", (names.agent_principals,)),)


def principal_of(reader: str) -> str:
    """Return who a reader is in a policy: an account, or the ARN as it is."""
    return f"arn:{PARTITION}:iam::{reader}:root" if reader.isdigit() else reader
