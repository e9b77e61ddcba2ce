"""The organization's trail in a landing zone: made in the management account, kept in the log archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.agent_event_forwarding import NOT_TOLD, AgentEventForwarding
from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.constructs.log_pipeline_calls import EventMembers
from sudo_mcp_guardrails.policies.log_archive import trail_arn
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError
from sudo_mcp_guardrails.regions import GLOBAL_REGIONS, partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.compliance.retention import Retention
    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

NO_GLOBAL_SERVICES: Final = "sudo-mcp-guardrails:agentLandingZone.noGlobalServices"
"""Id of the warning that calls of global services come with the files alone."""


@dataclass(frozen=True)
class ZoneTrail:
    """What a landing zone keeps of what happens in it.

    Attributes:
        archive: The bucket, in the log archive account.
        trail: The organization trail, in the management account.
        bus_arn: ARN of the bus that accounts send agents' calls to, within seconds; None where nothing takes them.
    """

    archive: ImmutableLogBucket
    trail: AgentTrail
    bus_arn: str | None = None


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
        pipeline: Makes what reads the bucket. A :class:`LogPipeline` with a fast path takes the calls of the
            organization's accounts too.

    Raises:
        OrganizationError: Without the organization's id, and for a pipeline that knows agents by other names.
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
    made = None if pipeline is None else pipeline(archive_stack, archive)
    return ZoneTrail(archive, trail, _bus_of(made, settings))


def _bus_of(made: object, settings: OrganizationSettings) -> str | None:
    """Return the bus of a pipeline for the organization's accounts, which is made unless it is there."""
    if made is None:
        return None
    from sudo_mcp_guardrails.constructs.log_pipeline import LogPipeline  # noqa: PLC0415 - half a second, else for nothing

    if not isinstance(made, LogPipeline) or made.fast_queue is None:
        return None
    if made.names != settings.names:
        raise OrganizationError(f"log_pipeline has names {made.names}, expected those of settings, {settings.names}")
    return made.member_bus_arn or made.accept_members(EventMembers(settings.organization_id))


def forward_events(
    trail: ZoneTrail,
    regions: Mapping[str, Sequence[str]],
    make: Callable[[str, str, str], cdk.Stack],
    settings: OrganizationSettings,
) -> None:
    """Have each account send agents' calls to the log archive within seconds, where something takes them.

    Also the management account, in the trail's stack: who stops the trail does it there.

    Args:
        trail: The zone's.
        regions: Regions of each account, the home Region first.
        make: Makes a stack of an id, an account and a Region.
        settings: The organization's; in Regions that they leave out nothing can be made.
    """
    if trail.bus_arn is None:
        return
    archive = cdk.Stack.of(trail.archive)
    world = GLOBAL_REGIONS[partition_of(archive.region) or "aws"]
    heard = not settings.regions or world in settings.regions
    if not heard:
        cdk.Annotations.of(trail.archive).add_warning_v2(
            NO_GLOBAL_SERVICES,
            "agents' calls of global services, such as IAM, come with the trail's files alone: settings.regions leave "
            f"out Region {world!r}, which hears of them",
        )
    places = {(account, region) for account, found in regions.items() for region in found}
    places |= {(account, world) for account in regions if heard}
    stacks = [cdk.Stack.of(trail.trail)]
    # The pipeline's own rules see what happens beside it.
    for account, region in sorted(places - {(archive.account, archive.region)}):
        stacks.append(make(f"Events-{account}-{region}", account, region))
    for stack in stacks:
        forwarding = AgentEventForwarding(stack, "AgentEvents", bus_arn=trail.bus_arn, names=settings.names)
        cdk.Annotations.of(forwarding).acknowledge_warning(
            NOT_TOLD, "the zone knows no topic of each account; the trail's files have what could not be sent"
        )
        # The bus and its policy first, so that nothing that is sent is refused.
        stack.add_dependency(archive)
