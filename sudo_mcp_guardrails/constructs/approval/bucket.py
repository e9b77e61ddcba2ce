"""The bucket of the evidence: copies of records, plans, and heads, under Object Lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.approval.store.plan_keys import PLANS
from sudo_mcp_guardrails.constructs.approval.keys import but_for
from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
from sudo_mcp_guardrails.constructs.private_bucket import private_bucket
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class EvidenceBucket(Construct):
    """A bucket with versions, locked for the retention, encrypted, TLS only, and closed to agents.

    Of the agents' path it lets in those execution roles alone that apply Terraform plans, which read saved plans.

    0.023 USD per GB and month. A record has about a kilobyte, a plan up to 16 MB. What a plan holds is locked with it,
    secrets too: plans are to name secrets, and not to hold them.

    Args:
        scope: The scope.
        id: The construct's id.
        key: Encrypts it.
        names: Of the workflow.
        days: How long each version is locked.
        mode: Who may shorten a lock.
        builders: ARNs of the execution roles that apply Terraform plans, by agent; each reads its own agent's. Each
            takes some 500 of the 20,480 bytes that a bucket's policy may have.
        removal_policy: What becomes of it with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        names: WorkflowNames,
        days: int,
        mode: LockMode = LockMode.COMPLIANCE,
        builders: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        made = private_bucket(self, key=key, name=names.bucket, lock_days=days, lock_mode=mode)
        made.apply_removal_policy(removal_policy)
        self.bucket: s3.CfnBucket = made
        """The bucket."""
        policy = s3.CfnBucketPolicy(
            self, "Policy", bucket=made.ref, policy_document=policy_json(_policy(made.attr_arn, names, builders or {}))
        )
        policy.apply_removal_policy(removal_policy)
        accept_risk(
            made,
            nag=["AwsSolutions::AwsSolutions-S1", *(f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS)],
            checkov=["CKV_AWS_18"],
            reason="CloudTrail's data events say who reads and writes it, which access logs say later and less well",
        )
        accept_risk(
            made,
            nag=[f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
            checkov=["CKV_AWS_144"],
            reason="S3 keeps it in three zones, nobody can delete from it, and its heads are in a second account",
        )


def _builds(arn: str, builders: Mapping[str, str]) -> tuple[Statement, ...]:
    """Return what stays closed to the execution roles that apply plans: all but reading their agent's by version."""
    if not builders:
        return ()
    who = (("ArnEquals", "aws:PrincipalArn", tuple(builders.values())),)
    return (
        Statement(
            "ApprovalEvidenceBuilds",
            "Deny",
            not_actions=("s3:GetObjectVersion",),
            resources=(arn, f"{arn}/*"),
            principals=(("*", "*"),),
            conditions=who,
            reason="a build reads the version of a plan that was approved, and changes nothing",
        ),
        *(
            Statement(
                f"ApprovalEvidenceBuildsPlans{number}",
                "Deny",
                ("s3:*",),
                not_resources=(f"{arn}/{PLANS}/{agent}/*",),
                principals=(("*", "*"),),
                conditions=(("ArnEquals", "aws:PrincipalArn", (role,)),),
                reason="a build reads plans of its agent, and neither those of others nor what was recorded",
            )
            for number, (agent, role) in enumerate(builders.items(), 1)
        ),
    )


def _policy(arn: str, names: WorkflowNames, builders: Mapping[str, str]) -> PolicyDocument:
    everything = (arn, f"{arn}/*")
    return PolicyDocument(
        "evidence bucket",
        (
            Statement(
                "ApprovalEvidenceTls",
                "Deny",
                ("s3:*",),
                resources=everything,
                principals=(("*", "*"),),
                conditions=(("Bool", "aws:SecureTransport", ("false",)),),
                reason="nobody reads or writes without TLS",
            ),
            Statement(
                "ApprovalEvidenceNoAgent",
                "Deny",
                ("s3:*",),
                resources=everything,
                principals=(("*", "*"),),
                conditions=but_for(names, tuple(builders.values())),
                reason="no agent reads plans of others, or writes what it is approved by",
            ),
            *_builds(arn, builders),
            Statement(
                "ApprovalEvidenceKept",
                "Deny",
                ("s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutBucketObjectLockConfiguration"),
                resources=everything,
                principals=(("*", "*"),),
                reason="what was recorded stays; who may change this policy can lift it in GOVERNANCE mode alone",
            ),
        ),
    )
