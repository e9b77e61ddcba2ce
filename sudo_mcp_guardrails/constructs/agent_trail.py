"""The organization's trail, or the one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from constructs import Construct

from sudo_mcp_guardrails.constructs.data_events import selectors
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.statements import placed
from sudo_mcp_guardrails.constructs.trail_checks import (
    WARNING,
    adopt_trail,
    check_writable,
    claim_trail,
    key_of,
)
from sudo_mcp_guardrails.constructs.trail_delivery import delivery_role
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError, trail_account, trail_arn
from sudo_mcp_guardrails.policies.naming import ACCOUNT, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_s3 as s3

    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.constructs.data_events import DataEvents

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


class AgentTrail(Construct):
    """A trail of all Regions, with digest files, all management events, and the data events that are asked for.

    With ``organization_id`` it is the organization's: deploy it to the management account, or to the account that
    CloudTrail is delegated to. The organization must trust CloudTrail, for which CloudFormation has no resource.

    Where there is a trail already, none is made: ``adopt`` a landing zone that has one (Control Tower has), or say
    which it is by :meth:`from_existing`. A warning then says at every synthesis what is adopted
    (``sudo-mcp-guardrails:agentTrail.adopted``), since nothing here can check what it records. A second trail beside
    one that is there records every event again, which the ingestion takes for duplicates and AWS for events to pay.

    Its bucket is left out of its data events. Deploy the bucket first: CloudTrail looks whether it may write. Where it
    is of another account's stack, give it a ``bucket_name``: its key then has an alias that this trail can name before
    the key is made. The trail stays when its stack goes.

    Creates a trail and, with a log group, a role and a policy. The first copy of management events in a Region is
    free, each further one 2 USD for 100,000 events; data events are 0.10 USD, Insights 0.35 USD for 100,000 that are
    looked at, and CloudWatch Logs takes 0.50 USD per GB, of some 800 events to the MB (us-east-1).

    Args:
        scope: The scope.
        id: The construct's id.
        bucket: Where it is kept, best an :class:`ImmutableLogBucket`, which must name this trail's ARN. Required where
            a trail is made.
        encryption_key: Key that it is encrypted with. Default: the bucket's.
        organization_id: Such as ``"o-a1b2c3d4e5"``. Default: a trail of this account alone.
        management_account: The organization's, where a delegated administrator deploys this. Default: this account.
        data_events: What to record besides management events. Default: nothing.
        exclude_buckets: Further buckets whose objects are never recorded, such as those of access logs and of the
            pipeline. Default: the trail's bucket alone.
        insights: Whether to record unusual rates of calls and errors. Default: False.
        log_group: A log group of this account and Region that every event goes to as well, such as that of a
            ``CentralLogGroup``. Events over 256 KB never do. Default: none.
        trail_name: Default: the prefix and ``-trail``, so that the policies of other accounts can name it.
        adopt: The landing zone that is there. Default: nothing.
        create: Whether to make a trail. Default: unless one is adopted; True beside an adopted one is a warning
            (``sudo-mcp-guardrails:agentTrail.second``).
        existing_trail_arn: A trail that is there; see :meth:`from_existing`.
        names: Names of the guardrails' own resources.

    Raises:
        LogArchiveError: For no bucket or key, a key of another account's stack, a bucket that does not let this trail
            write, an organization, account, trail or data events of another form, a bucket of the trail's own logs
            among them, data events or Insights for a trail that is not made here, and a second trail of one
            organization or account in an app.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: ImmutableLogBucket | s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        organization_id: str = "",
        management_account: str | None = None,
        data_events: Sequence[DataEvents] = (),
        exclude_buckets: Sequence[s3.IBucket] = (),
        insights: bool = False,
        log_group: logs.ILogGroup | None = None,
        trail_name: str | None = None,
        adopt: AdoptedLandingZone | None = None,
        create: bool | None = None,
        existing_trail_arn: str | None = None,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        adopted = adopt.trail if adopt is not None else ""
        owner = management_account or ACCOUNT
        archive = bucket if isinstance(bucket, ImmutableLogBucket) else None
        self._key_arn = key_of(self, archive) if archive is not None and encryption_key is None else None
        self.bucket: s3.IBucket | None = archive.bucket if archive is not None else bucket  # type: ignore[assignment]
        """Where the trail is kept; None where an adopted trail's is not known."""
        self.encryption_key: kms.IKey | None = encryption_key or (
            self.bucket.encryption_key if self.bucket is not None else None
        )
        """What it is encrypted with; None where an adopted trail's is not known."""
        self.log_group: logs.ILogGroup | None = log_group
        """Where the events go besides."""
        self.trail: cloudtrail.CfnTrail | None = None
        """The trail; None where one is adopted."""
        self.role: iam.CfnRole | None = None
        """Writes to the log group; None without one."""
        makes = create if create is not None else not (adopted or existing_trail_arn)
        if not makes:
            name = adopted or trail_name
            arn = existing_trail_arn or (name and trail_arn(name, account=owner))
            if not arn:
                raise LogArchiveError(f"trail {self.node.path!r} is not made and none is adopted, expected one of both")
            trail_account(arn)
            self.trail_arn: str = placed(self, arn)
            """ARN of the trail."""
            parts = {"bucket": self.bucket, "key": self.encryption_key, "log group": log_group}
            known = [part for part, value in parts.items() if value is not None]
            adopt_trail(self, arn, known, data_events=bool(data_events), insights=insights)
            return
        if existing_trail_arn is not None:
            raise LogArchiveError(f"trail {existing_trail_arn!r} is there, and create asks for another: expected one")
        name = trail_name or f"{names.prefix}-trail"
        arn = trail_arn(name, account=owner)
        trail_account(arn)
        if archive is not None:
            check_writable(self, arn, archive.trails)
        claim_trail(self, organization_id)
        self.trail_arn = placed(self, arn)
        if adopted:
            cdk.Annotations.of(self).add_warning_v2(
                f"{WARNING}second",
                f"trail {adopted!r} is there and {name!r} is made besides: every event is recorded and paid twice",
            )
        self._make(
            name=name,
            arn=arn,
            organization_id=organization_id,
            data_events=data_events,
            exclude_buckets=exclude_buckets,
            names=names,
            insights=insights,
        )
        if archive is not None and cdk.Stack.of(archive).node.path == cdk.Stack.of(self).node.path:
            self.node.add_dependency(archive)

    @classmethod
    def from_existing(
        cls,
        scope: Construct,
        id: str,
        *,
        trail_arn: str,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        log_group: logs.ILogGroup | None = None,
    ) -> AgentTrail:
        """Return a trail that is there, with what is known of it, for the constructs that read it.

        Makes nothing and changes nothing.

        Args:
            scope: The scope.
            id: The construct's id.
            trail_arn: ARN of the trail.
            bucket: Where it is kept.
            encryption_key: What it is encrypted with. Default: the bucket's key.
            log_group: Where its events go besides.

        Raises:
            LogArchiveError: For an ARN of another form.
        """
        return cls(
            scope,
            id,
            bucket=bucket,
            encryption_key=encryption_key,
            log_group=log_group,
            existing_trail_arn=trail_arn,
        )

    def _make(
        self,
        *,
        name: str,
        arn: str,
        organization_id: str,
        data_events: Sequence[DataEvents],
        exclude_buckets: Sequence[s3.IBucket],
        names: GuardrailNames,
        insights: bool,
    ) -> None:
        if self.bucket is None:
            raise LogArchiveError(f"trail {name!r} has no bucket, expected an ImmutableLogBucket or one that is there")
        if self.encryption_key is None:
            raise LogArchiveError(f"trail {name!r} has no key, expected encryption_key or a bucket that has one")
        never = [bucket.bucket_arn for bucket in (self.bucket, *exclude_buckets)]
        chosen = selectors(data_events, never=never)
        if self.log_group is not None:
            self.role = delivery_role(
                self, arn=arn, log_group=self.log_group, organization_id=organization_id, prefix=names.prefix
            )
        self.trail = cloudtrail.CfnTrail(
            self,
            "Resource",
            trail_name=name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            is_organization_trail=bool(organization_id),
            enable_log_file_validation=True,
            s3_bucket_name=self.bucket.bucket_name,
            kms_key_id=self._key_arn or self.encryption_key.key_arn,
            advanced_event_selectors=[
                cloudtrail.CfnTrail.AdvancedEventSelectorProperty(
                    name=selector["name"],
                    field_selectors=selector["fieldSelectors"],
                )
                for selector in chosen
            ],
            insight_selectors=[
                cloudtrail.CfnTrail.InsightSelectorProperty(insight_type=kind)
                for kind in ("ApiCallRateInsight", "ApiErrorRateInsight")
            ]
            if insights
            else None,
            cloud_watch_logs_log_group_arn=self.log_group.log_group_arn if self.log_group else None,
            cloud_watch_logs_role_arn=self.role.attr_arn if self.role else None,
        )
        # A trail that went with its stack would leave the organization unwatched.
        self.trail.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        accept_risk(
            self.trail,
            checkov=["CKV_AWS_252"],
            reason="the bucket's own notifications tell of each file; a topic would be one more that nobody reads",
        )
        if self.log_group is None:
            accept_risk(
                self.trail,
                nag=[f"{pack}::{pack}-CloudTrailCloudWatchLogsEnabled" for pack in _PACKS],
                checkov=["CKV2_AWS_10"],
                reason="the pipeline takes the files from the bucket, where they are whole: CloudWatch Logs never gets "
                "events over 256 KB",
            )
