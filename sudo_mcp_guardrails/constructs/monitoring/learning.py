"""What the monitoring learns of agents: a bucket of baselines, and the one function that writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_function import PipelineFunction
from sudo_mcp_guardrails.constructs.log_pipeline_schedules import every
from sudo_mcp_guardrails.constructs.monitoring.policies import learn_may
from sudo_mcp_guardrails.constructs.private_bucket import private_bucket
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

KEPT_DAYS: Final = 35
"""A run is learned a day after its last call; what is still there after weeks nobody will learn."""
VERSIONS_DAYS: Final = 28
_MINUTES: Final = 15
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class BaselineLearning(Construct):
    """The bucket, and the function that the clock starts every hour.

    Costs by use alone: an agent with 1,000 calls a day in small batches some 0.10 USD a month, most of it for writing
    down what it did (5 USD per million writes, by list prices of us-east-1 and from memory).

    Args:
        scope: The scope.
        id: The construct's id.
        key: Encrypts the bucket.
        monitoring: Value of the metrics' dimension.
        kill_switch: Whose contained agents nothing is learned of.
        names: Names of the guardrails' own resources.
        **shared: Of :class:`~sudo_mcp_guardrails.constructs.log_pipeline_function.PipelineFunction`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        monitoring: str,
        kill_switch: KillSwitch | None,
        names: GuardrailNames,
        **shared: Any,  # noqa: ANN401 - handed on
    ) -> None:
        super().__init__(scope, id)
        self.bucket: s3.CfnBucket = self._bucket(key)
        """Of baselines, of what was noted, and of incidents."""
        self.function: PipelineFunction = PipelineFunction(
            self,
            "Learn",
            handler="detect_learn",
            description="Learns what agents usually do, from runs that ended well",
            statements=[
                *learn_may(key=key.key_arn, bucket=self.bucket.attr_arn),
                *(kill_switch.reading("PipelineLearn") if kill_switch is not None else ()),
            ],
            environment={
                "MONITORING": monitoring,
                "NAMES_PREFIX": names.prefix,
                "BASELINES_BUCKET": self.bucket.ref,
                "KILL_SWITCH_TABLE": kill_switch.table_name if kill_switch is not None else "",
            },
            memory=cdk.Size.gibibytes(1),
            **{**shared, "timeout": cdk.Duration.minutes(_MINUTES)},
        )
        """Writes baselines; nothing else may."""
        every(self, f"/{names.prefix}/", [("Hourly", self.function, "rate(1 hour)", {})])

    def _bucket(self, key: kms.IKey) -> s3.CfnBucket:
        place = Construct(self, "Baselines")
        made = private_bucket(place, key=key)
        rule = s3.CfnBucket.RuleProperty
        old = s3.CfnBucket.NoncurrentVersionExpirationProperty
        made.lifecycle_configuration = s3.CfnBucket.LifecycleConfigurationProperty(
            rules=[
                rule(
                    id="journal",
                    status="Enabled",
                    prefix="journal/",
                    expiration_in_days=KEPT_DAYS,
                    noncurrent_version_expiration=old(noncurrent_days=1),
                ),
                rule(
                    id="incidents",
                    status="Enabled",
                    prefix="incidents/",
                    expiration_in_days=KEPT_DAYS,
                    noncurrent_version_expiration=old(noncurrent_days=KEPT_DAYS),
                ),
                rule(
                    id="documents",
                    status="Enabled",
                    prefix="documents/",
                    noncurrent_version_expiration=old(noncurrent_days=VERSIONS_DAYS),
                ),
            ]
        )
        made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        s3.CfnBucketPolicy(place, "Policy", bucket=made.ref, policy_document=policy_json(_tls_only(made.attr_arn)))
        accept_risk(
            made,
            nag=["AwsSolutions::AwsSolutions-S1", *(f"{pack}::{pack}-S3BucketLoggingEnabled" for pack in _PACKS)],
            checkov=["CKV_AWS_18"],
            reason="CloudTrail's data events say who reads and writes it; it holds counts of what the trail holds",
        )
        accept_risk(
            made,
            nag=[f"{pack}::{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
            reason="what is lost is learned again within two weeks, and the rules need none of it",
        )
        accept_risk(
            made,
            nag=["NIST.800.53.R4::NIST.800.53.R4-S3BucketDefaultLockEnabled"],
            reason="baselines change every hour; earlier versions are kept for four weeks",
        )
        return made


def _tls_only(arn: str) -> PolicyDocument:
    deny = Statement(
        "MonitoringBaselinesTls",
        "Deny",
        ("s3:*",),
        resources=(arn, f"{arn}/*"),
        principals=(("*", "*"),),
        conditions=(("Bool", "aws:SecureTransport", ("false",)),),
        reason="nobody reads or writes without TLS",
    )
    return PolicyDocument("bucket", (deny,))
