"""The bucket that the trail is kept in: nobody can delete from it or shorten what is locked."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.statements import cdk_statements, placed
from sudo_mcp_guardrails.policies.log_archive import LogArchive, LogArchiveError, bucket_policy
from sudo_mcp_guardrails.policies.log_archive_keys import key_policy
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_WARNING: Final = "sudo-mcp-guardrails:immutableLogBucket."
_DEEP_ARCHIVE: Final = 365
_LEAST_IN_DEEP_ARCHIVE: Final = 180
"""Days that S3 Glacier Deep Archive charges at least (S3 pricing page)."""


class LockMode(Enum):
    """Who may shorten an object's lock. Source: S3 user guide, "Locking objects with Object Lock"."""

    COMPLIANCE = "COMPLIANCE"
    """Nobody, root included, nor AWS: what is written stays, and is paid for, until its day."""
    GOVERNANCE = "GOVERNANCE"
    """Whom ``bypass`` names, and who may change the bucket's policy; to try things out."""


class ImmutableLogBucket(Construct):
    """A bucket for CloudTrail alone: versioned, locked for the retention, encrypted with a key of one's own.

    Put it into the log archive account, where no agent works. Other writers need buckets of their own: AWS Config
    cannot deliver to a bucket with Object Lock. CloudTrail's own files never need to be deleted: the lifecycle does,
    after the retention.

    Nothing here records who reads the bucket: a trail that recorded data events of its own bucket would record its own
    deliveries (71 % of the events of a trail we measured), so that :class:`AgentTrail` leaves it out. Give
    ``access_log_bucket`` where reads must be known.

    Creates a bucket, its policy and, unless given, a key (1 USD a month). Storage of S3 is 0.023 USD per GB and month
    in the first 90 days, 0.004 USD in Glacier Instant Retrieval and 0.001 USD in Deep Archive (us-east-1); objects
    under 128 KB stay where they are, by S3's default. Neither is ever removed with the stack.

    Args:
        scope: The scope.
        id: The construct's id.
        retention: How long everything is locked; in COMPLIANCE mode nothing can be undone.
        trails: ARNs of the trails that write to it; :func:`trail_arn` tells one that is yet to be made. A trail of
            an organization is of its management account.
        organization_id: Where one of them is an organization trail. Default: none is.
        mode: Default: COMPLIANCE. GOVERNANCE is a warning.
        bypass: ARNs of roles and users whose ``s3:BypassGovernanceRetention`` the policy lets through, with GOVERNANCE
            alone, and with a warning. They shorten locks, to the floor at least; nobody deletes without a change of
            the policy. Default: nobody.
        floor: Nobody can lock an object for fewer days from now. Default: the retention's days.
        encryption_key: A key whose policy lets CloudTrail and the readers use it. Default: one is made that does.
        readers: Account ids and ARNs of roles of other accounts that may read. Default: whom IAM lets, in this one.
        archive_after: When files move to Glacier Instant Retrieval. Default: after the retention's searchable days.
        expire: Whether files are deleted when their retention has ended. Default: True, as data minimisation asks.
        access_log_bucket: Where S3 writes who read. It must be another bucket. Default: no access logs.
        bucket_name: Default: CloudFormation makes one. A trail of another account needs a name that is known; the key
            that is made here then gets it as its alias, since such a trail cannot know its id.
        names: Names of the guardrails' own resources.

    Raises:
        LogArchiveError: For trails, readers or an organization of another form, a bypass of another form or in
            COMPLIANCE mode, a floor beyond the retention, and an archive that begins after it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        retention: Retention,
        trails: Sequence[str],
        organization_id: str = "",
        mode: LockMode = LockMode.COMPLIANCE,
        bypass: Sequence[str] = (),
        floor: int | None = None,
        encryption_key: kms.IKey | None = None,
        readers: Sequence[str] = (),
        archive_after: cdk.Duration | None = None,
        expire: bool = True,
        access_log_bucket: s3.IBucket | None = None,
        bucket_name: str | None = None,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not isinstance(retention, Retention):
            raise LogArchiveError(f"retention {retention!r} is not allowed, expected a Retention")
        if not isinstance(mode, LockMode):
            raise LogArchiveError(f"mode {mode!r} is not allowed, expected a LockMode")
        if bypass and mode is not LockMode.GOVERNANCE:
            raise LogArchiveError(f"bypass {bypass!r} in mode {mode.value} is not allowed, expected GOVERNANCE for it")
        floor = retention.days if floor is None else floor
        if not 1 <= floor <= retention.days:
            raise LogArchiveError(f"floor of {floor} days is not allowed, expected 1 to {retention.days}")
        self.retention: Retention = retention
        """How long everything is locked."""
        self.mode: LockMode = mode
        """Who may shorten a lock."""
        self._archive = LogArchive(
            bucket_arn="",
            key_arn="",
            trails=_strings("trails", trails),
            organization_id=organization_id,
            readers=_strings("readers", readers),
            floor_days=floor,
            bypass=_strings("bypass", bypass),
            names=names or GuardrailNames(),
        )
        self.encryption_key: kms.IKey = encryption_key or self._key()
        """The key of everything in the bucket."""
        self.alias_arn: str | None = None
        """ARN that a trail of another account names the key by; None without ``bucket_name``, or with a given key."""
        if bucket_name is not None and encryption_key is None:
            alias = self.encryption_key.add_alias(f"alias/{bucket_name}")
            self.alias_arn = placed(self, f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:{alias.alias_name}")
        self.bucket: s3.Bucket = s3.Bucket(
            self,
            "Resource",
            bucket_name=bucket_name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.encryption_key,
            bucket_key_enabled=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=_lock(mode, retention.days),
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            lifecycle_rules=_lifecycle(retention, archive_after, expire=expire),
            server_access_logs_bucket=access_log_bucket,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        """The bucket."""
        self.policy: PolicyDocument = bucket_policy(
            replace(self._archive, bucket_arn=self.bucket.bucket_arn, key_arn=self.encryption_key.key_arn)
        )
        """The bucket's policy as data."""
        for statement in cdk_statements(self.policy):
            self.bucket.add_to_resource_policy(statement)
        if self.bucket.policy is not None:
            self.bucket.policy.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self._accept(logged=access_log_bucket is not None)
        self._tell()

    @property
    def trails(self) -> tuple[str, ...]:
        """ARNs of the trails that may write."""
        return self._archive.trails

    def _key(self) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            description="Encrypts the log archive",
            enable_key_rotation=True,
            policy=iam.PolicyDocument(statements=cdk_statements(key_policy(self._archive))),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _tell(self) -> None:
        """Say at every synthesis what was weakened, and what the retention conflicts with."""
        annotations = cdk.Annotations.of(self)
        if self.mode is LockMode.GOVERNANCE:
            annotations.add_warning_v2(
                f"{_WARNING}governance",
                "objects are locked in GOVERNANCE mode, which who may change the bucket's policy can lift: the log is "
                "immutable in COMPLIANCE mode alone",
            )
        if self._archive.bypass:
            annotations.add_warning_v2(
                f"{_WARNING}bypass",
                f"{', '.join(self._archive.bypass)} may lift the locks of the log archive's objects",
            )
        if self._archive.floor_days < self.retention.days:
            annotations.add_warning_v2(
                f"{_WARNING}floor",
                f"objects may be locked for {self._archive.floor_days} days, fewer than the {self.retention.days} of "
                "the retention",
            )
        for conflict in self.retention.conflicts:
            annotations.add_warning_v2(f"{_WARNING}minimisation", conflict)

    def _accept(self, *, logged: bool) -> None:
        accept_risk(
            self.bucket,
            nag=[f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
            checkov=["CKV_AWS_144"],
            reason="S3 keeps it in three zones and nobody can delete from it; a second Region is the organization's "
            "choice, and under the GDPR not always a free one",
        )
        if not logged:
            accept_risk(
                self.bucket,
                nag=["AwsSolutions::AwsSolutions-S1"] + [f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS],
                checkov=["CKV_AWS_18"],
                reason="CloudTrail alone writes to it, by its policy; who reads is logged where access_log_bucket is "
                "given, which needs a bucket of another kind",
            )


def _lock(mode: LockMode, days: int) -> s3.ObjectLockRetention:
    duration = cdk.Duration.days(days)
    if mode is LockMode.COMPLIANCE:
        return s3.ObjectLockRetention.compliance(duration)
    return s3.ObjectLockRetention.governance(duration)


def _lifecycle(retention: Retention, archive_after: cdk.Duration | None, *, expire: bool) -> list[s3.LifecycleRule]:
    """Return when files get cheaper, and when they go."""
    days = retention.days
    first = retention.searchable_days if archive_after is None else int(archive_after.to_days())
    if archive_after is not None and not 1 <= first < days:
        raise LogArchiveError(f"archive after {first} days is not allowed, expected 1 to {days - 1}, before the end")
    transitions = []
    if first < days:
        transitions.append(_transition(s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, first))
    # Later than it would be cheapest: whoever searches the last year should not wait for twelve hours.
    deep = max(_DEEP_ARCHIVE, first + 90)
    if days - deep >= _LEAST_IN_DEEP_ARCHIVE:
        transitions.append(_transition(s3.StorageClass.DEEP_ARCHIVE, deep))
    return [
        s3.LifecycleRule(
            id="Retention",
            transitions=transitions,
            # In a bucket with versions this hides the object, and the day after the version goes.
            expiration=cdk.Duration.days(days) if expire else None,
            noncurrent_version_expiration=cdk.Duration.days(1) if expire else None,
            abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
        ),
        # S3 takes this and a number of days in two rules only.
        *([s3.LifecycleRule(id="Markers", expired_object_delete_marker=True)] if expire else []),
    ]


def _transition(storage_class: s3.StorageClass, days: int) -> s3.Transition:
    return s3.Transition(storage_class=storage_class, transition_after=cdk.Duration.days(days))


def _strings(what: str, value: object) -> tuple[str, ...]:
    """Return a sequence of strings; text is a sequence of letters, and never meant as one."""
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise LogArchiveError(f"{what} {value!r} of a log archive are not allowed, expected a list of ARNs")
    return tuple(value)
