"""The organization's trail in a landing zone: made in the management account, kept in the log archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.policies.log_archive import trail_arn
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk
    from constructs import Construct

    from sudo_mcp_guardrails.compliance.retention import Retention
    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


@dataclass(frozen=True)
class ZoneTrail:
    """What a landing zone keeps of what happens in it.

    Attributes:
        archive: The bucket, in the log archive account.
        trail: The organization trail, in the management account.
    """

    archive: ImmutableLogBucket
    trail: AgentTrail


def zone_trail(
    archive_stack: cdk.Stack,
    trail_stack: cdk.Stack,
    *,
    retention: Retention,
    settings: OrganizationSettings,
    adopt: AdoptedLandingZone | None,
    pipeline: Callable[[Construct, ImmutableLogBucket], Any] | None,
) -> ZoneTrail:
    """Make the bucket and the trail.

    Args:
        archive_stack: Of the log archive account, in the home Region.
        trail_stack: Of the management account, in the home Region.
        retention: How long it is kept.
        settings: The organization's, with its id.
        adopt: What is there already; a trail of it is a warning, since every event is then paid twice.
        pipeline: Makes what reads the bucket.

    Raises:
        OrganizationError: Without the organization's id.
        LogArchiveError: As :class:`ImmutableLogBucket` and :class:`AgentTrail`.
    """
    if not settings.organization_id:
        raise OrganizationError(
            "retention asks for a trail of the organization, whose id is not known: give settings an organization_id, "
            "such as 'o-a1b2c3d4e5'"
        )
    name = f"{settings.names.prefix}-trail"
    archive = ImmutableLogBucket(
        archive_stack,
        "LogArchive",
        retention=retention,
        trails=[trail_arn(name, account=trail_stack.account)],
        organization_id=settings.organization_id,
        # Bucket names are one space for all of AWS: the account's id makes it ours.
        bucket_name=f"{name}-{archive_stack.account}-{archive_stack.region}",
        names=settings.names,
    )
    trail = AgentTrail(
        trail_stack,
        "Trail",
        bucket=archive,
        organization_id=settings.organization_id,
        adopt=adopt,
        create=True,
        trail_name=name,
        names=settings.names,
    )
    # CloudTrail looks whether it may write when the trail is made.
    trail_stack.add_dependency(archive_stack)
    if pipeline is not None:
        pipeline(archive_stack, archive)
    return ZoneTrail(archive, trail)
