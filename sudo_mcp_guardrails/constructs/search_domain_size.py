"""How large a search domain is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_opensearchservice as opensearch

from sudo_mcp_guardrails.constructs.search_network import ZONES
from sudo_mcp_guardrails.errors import GuardrailsError

_SMALLEST_GIB: Final = 20
_LARGEST_GIB: Final = 24 * 1024


class DomainError(GuardrailsError):
    """A domain of a size or kind that the pipeline does not make."""


@dataclass(frozen=True)
class DomainSize:
    """How large a domain is.

    Multi-AZ with standby needs three zones and a multiple of three data nodes, and keeps serving with one zone gone.
    The default, three ``r7g.large.search`` of 100 GiB and three ``m7g.medium.search`` as dedicated masters, is in the
    order of 600 USD a month by the list prices of us-east-1 (look at the service's prices before you deploy), and
    holds some 150 million events with the two replicas that standby takes: 385 bytes for each event and copy with
    ``best_compression``, as measured on one node.

    Args:
        data_type: Instance type of data nodes. T2 and T3 are refused: they have no standby and no UltraWarm.
        data_nodes: 3, 6, 9, …
        gib: Of each data node's volume, 20 to 24,576.
        master_type: Instance type of the three dedicated masters.
        warm_type: Of UltraWarm nodes, ``ultrawarm1.medium.search`` or ``ultrawarm1.large.search``.
        warm_nodes: 0, or 3 to 150; for the index policy's warm and cold tiers.
        cold: Whether cold storage is on; needs warm nodes.

    Raises:
        DomainError: For another number or kind.
    """

    data_type: str = "r7g.large.search"
    data_nodes: int = ZONES
    gib: int = 100
    master_type: str = "m7g.medium.search"
    warm_type: str = "ultrawarm1.medium.search"
    warm_nodes: int = 0
    cold: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        for name, kind in (("data", self.data_type), ("master", self.master_type), ("warm", self.warm_type)):
            if not kind.endswith(".search") or kind.startswith(("t2.", "t3.")):
                raise DomainError(
                    f"{name} type {kind!r} is not allowed, expected one that ends in .search, not t2 or t3"
                )
        if self.data_nodes < ZONES or self.data_nodes % ZONES:
            raise DomainError(f"data nodes {self.data_nodes} are not allowed, expected a multiple of {ZONES}")
        if not _SMALLEST_GIB <= self.gib <= _LARGEST_GIB:
            raise DomainError(f"volume of {self.gib} GiB is not allowed, expected {_SMALLEST_GIB} to {_LARGEST_GIB}")
        if self.warm_nodes and not ZONES <= self.warm_nodes <= 150:  # noqa: PLR2004 - the service's quota
            raise DomainError(f"warm nodes {self.warm_nodes} are not allowed, expected 0 or 3 to 150")
        if self.cold and not self.warm_nodes:
            raise DomainError("cold storage without warm nodes is not allowed, expected warm_nodes of 3 to 150")


def cluster_config(size: DomainSize) -> opensearch.CfnDomain.ClusterConfigProperty:
    """Return the property of the domain: three dedicated masters, Multi-AZ with standby, and the tiers asked for."""
    warm = {}
    if size.warm_nodes:
        warm = {"warm_enabled": True, "warm_type": size.warm_type, "warm_count": size.warm_nodes}
    if size.cold:
        warm["cold_storage_options"] = opensearch.CfnDomain.ColdStorageOptionsProperty(enabled=True)
    return opensearch.CfnDomain.ClusterConfigProperty(
        instance_type=size.data_type,
        instance_count=size.data_nodes,
        dedicated_master_enabled=True,
        dedicated_master_type=size.master_type,
        dedicated_master_count=3,
        zone_awareness_enabled=True,
        zone_awareness_config=opensearch.CfnDomain.ZoneAwarenessConfigProperty(availability_zone_count=ZONES),
        multi_az_with_standby_enabled=True,
        **warm,  # type: ignore[arg-type] # a mapping of several types
    )
