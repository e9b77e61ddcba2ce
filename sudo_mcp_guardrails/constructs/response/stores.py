"""What the kill switch keeps: the switch, the evidence, the restore records, and the keys of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.tables import Layout, make_table
from sudo_mcp_guardrails.constructs.private_bucket import private_bucket
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.containment.names import table_name
from sudo_mcp_guardrails.policies.log_group_keys import log_groups_may_use
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb

    from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
    from sudo_mcp_guardrails.constructs.response.names import ResponseNames

SWITCH: Final = Layout(
    "Switch", "switch", "it holds who is contained now, which the restore records say too", ("target", "S")
)
EVIDENCE: Final = Layout("Evidence", "chain", "each record is also in a bucket under Object Lock", ("number", "N"))


class _Signing(NamedTuple):
    """What a key that signs is called."""

    id: str
    sid: str
    alias: str
    description: str


_EVIDENCE: Final = _Signing("SigningKey", "", "containment-evidence", "Signs what was contained and restored")
_DECISIONS: Final = _Signing(
    "DecisionsKey", "Decisions", "containment-decisions", "Signs what two people want restored"
)
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class KillSwitchStores(Construct):
    """The stores. Two keys, or three where two people restore, 1 USD each a month; the rest is paid by use.

    Args:
        scope: The scope.
        id: The construct's id.
        names: Of the kill switch.
        data_key: Encrypts everything; None for one that is made.
        days: How long the bucket is locked.
        lock_mode: Who may shorten a lock.
        two_people: Whether some restorations take two people, who sign with a key of their own.
        removal_policy: What becomes of it all with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: ResponseNames,
        data_key: kms.IKey | None,
        days: int,
        lock_mode: LockMode,
        two_people: bool,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        self.data_key: kms.IKey = data_key or _data_key(self, names, removal_policy)
        """Encrypts everything."""
        self.signing_key: kms.CfnKey = _signing_key(self, names, _EVIDENCE, names.responder, removal_policy)
        """Signs the evidence."""
        self.decisions_key: kms.CfnKey | None = (
            _signing_key(self, names, _DECISIONS, names.decisions, removal_policy) if two_people else None
        )
        """Signs what two people state; None where no restoration takes two."""
        prefix = names.names
        self.switch: dynamodb.CfnTable = make_table(self, SWITCH, table_name(prefix), self.data_key, removal_policy)
        """The switch: an item for each target that is contained."""
        self.evidence: dynamodb.CfnTable = make_table(
            self, EVIDENCE, names.of("containment-evidence"), self.data_key, removal_policy
        )
        """The evidence, by chains."""
        bucket = Construct(self, "Records")
        self.records: s3.CfnBucket = private_bucket(
            bucket, key=self.data_key, name=names.bucket, lock_days=days, lock_mode=lock_mode
        )
        """Restore records, and copies of the evidence."""
        self.records.apply_removal_policy(removal_policy)
        policy = s3.CfnBucketPolicy(
            bucket,
            "Policy",
            bucket=self.records.ref,
            policy_document=policy_json(_policy(self.records.attr_arn, names)),
        )
        policy.apply_removal_policy(removal_policy)
        accept_risk(
            self.records,
            nag=["AwsSolutions::AwsSolutions-S1", *(f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS)],
            checkov=["CKV_AWS_18"],
            reason="CloudTrail's data events say who reads and writes it, which access logs say later and less well",
        )
        accept_risk(
            self.records,
            nag=[f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
            checkov=["CKV_AWS_144"],
            reason="S3 keeps it in three zones, and nobody can delete from it",
        )


def _data_key(scope: Construct, names: ResponseNames, removal: cdk.RemovalPolicy) -> kms.IKey:
    made = kms.CfnKey(
        scope,
        "DataKey",
        description="Encrypts what the kill switch keeps",
        enable_key_rotation=True,
        key_policy=policy_json(PolicyDocument("data key", data_key_statements(names))),
    )
    made.apply_removal_policy(removal)
    alias = kms.CfnAlias(
        scope, "DataKeyAlias", alias_name=f"alias/{names.of('containment-data')}", target_key_id=made.attr_arn
    )
    alias.apply_removal_policy(removal)
    return kms.Key.from_key_arn(scope, "DataKeyImport", made.attr_arn)


def data_key_statements(names: ResponseNames) -> tuple[Statement, ...]:
    """Return the statements that the data key has, for a key of one's own."""
    return (
        *_owner("ContainmentDataKey", names),
        log_groups_may_use("ContainmentDataKeyLogs", service=f"logs.{REGION}.{cdk.Aws.URL_SUFFIX}"),
        Statement(
            "ContainmentDataKeyDelivery",
            "Allow",
            ("kms:Decrypt*",),
            resources=("*",),
            principals=(("Service", "delivery.logs.amazonaws.com"),),
            conditions=(
                ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
                ("ArnLike", "aws:SourceArn", (f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:*",)),
            ),
            reason="the log of an encrypted state machine is decrypted to be delivered",
        ),
        Statement(
            "ContainmentDataKeyEvents",
            "Allow",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            resources=("*",),
            principals=(("Service", "events.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
            reason="a finding that could not be delivered goes to an encrypted queue",
        ),
    )


def _signing_key(
    scope: Construct, names: ResponseNames, of: _Signing, function: str, removal: cdk.RemovalPolicy
) -> kms.CfnKey:
    statements = (
        *_owner(f"Containment{of.sid}Key", names),
        Statement(
            f"Containment{of.sid}KeySign",
            "Deny",
            ("kms:Sign",),
            resources=("*",),
            principals=(("*", "*"),),
            conditions=(("ArnNotEquals", "aws:PrincipalArn", (names.role_arn(function),)),),
            reason="the function's signature is worth something because nobody else can make it",
        ),
    )
    made = kms.CfnKey(
        scope,
        of.id,
        description=of.description,
        key_spec="ECC_NIST_P256",
        key_usage="SIGN_VERIFY",
        key_policy=policy_json(PolicyDocument("signing key", statements)),
    )
    made.apply_removal_policy(removal)
    kms.CfnAlias(
        scope, f"{of.id}Alias", alias_name=f"alias/{names.of(of.alias)}", target_key_id=made.attr_arn
    ).apply_removal_policy(removal)
    return made


def _owner(sid: str, names: ResponseNames) -> tuple[Statement, ...]:
    return (
        Statement(
            f"{sid}Account",
            "Allow",
            ("kms:*",),
            resources=("*",),
            principals=(("AWS", f"arn:{PARTITION}:iam::{ACCOUNT}:root"),),
            reason="the account's own policies decide, so that the key never gets lost",
        ),
        Statement(
            f"{sid}NoAgent",
            "Deny",
            ("kms:*",),
            resources=("*",),
            principals=(("*", "*"),),
            conditions=(("ArnLike", "aws:PrincipalArn", (names.names.agent_principals,)),),
            reason="no agent reads, signs or changes what it is contained by",
        ),
    )


def _policy(arn: str, names: ResponseNames) -> PolicyDocument:
    everything = (arn, f"{arn}/*")
    return PolicyDocument(
        "bucket of restore records",
        (
            Statement(
                "ContainmentRecordsTls",
                "Deny",
                ("s3:*",),
                resources=everything,
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
            Statement(
                "ContainmentRecordsNoAgent",
                "Deny",
                ("s3:*",),
                resources=everything,
                principals=(("*", "*"),),
                conditions=(("ArnLike", "aws:PrincipalArn", (names.names.agent_principals,)),),
                reason="no agent reads or writes what it is restored from",
            ),
            Statement(
                "ContainmentRecordsKept",
                "Deny",
                ("s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutBucketObjectLockConfiguration"),
                resources=everything,
                principals=(("*", "*"),),
                reason="what was recorded stays; who may change this policy can lift it in GOVERNANCE mode alone",
            ),
        ),
    )
