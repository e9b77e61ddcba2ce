"""The life of an index: hot, warm, cold, gone, as a policy of Index State Management.

OpenSearch is where trails are searched, not where they are kept for the law: that is the bucket under Object Lock.
So the defaults keep what PCI DSS 10.5.1 wants at once (three months) hot, and delete after a year.

Sources: OpenSearch documentation, "Policies" and "Transitions"; Amazon OpenSearch Service, "Index State Management"
(operations ``warm_migration``, ``cold_migration`` and ``cold_delete``; a policy is attached by ``ism_template``, no
more by an index template), "UltraWarm storage" (read-only, needs dedicated masters) and "Cold storage".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import PREFIX, check_prefix, event_patterns

DELIVERY_DAYS: Final = 31
"""Days that an index must take events: CloudTrail tries to deliver for 30, and a warm index is read-only."""

_MOST_DAYS: Final = 36_500
# As AWS's own samples: a migration may wait for room, and is no reason to stop the policy.
_RETRY: Final[dict[str, Any]] = {"timeout": "24h", "retry": {"count": 5, "backoff": "exponential", "delay": "1h"}}


@dataclass(frozen=True)
class Tiers:
    """Days since an index was made, at which it moves on.

    ISM counts from when the index was made, not from the day in its name: what a backfill brings in stays as long as
    what is new.

    Attributes:
        hot: days on data nodes, where events can still be written.
        warm: days in UltraWarm after that; 0 for none. A domain needs UltraWarm enabled for more.
        cold: days in cold storage after that, where an index must be attached again to be searched; 0 for none.
    """

    hot: int = 90
    warm: int = 0
    cold: int = 0

    def __post_init__(self) -> None:
        """Refuse days that would lose events, or tiers that AWS does not have.

        Raises:
            TrailError: a tier is out of its range, or cold comes without warm.
        """
        if not DELIVERY_DAYS <= self.hot <= _MOST_DAYS:
            raise TrailError(
                f"{self.hot} hot days are not allowed, allowed are {DELIVERY_DAYS} to {_MOST_DAYS}: CloudTrail "
                "delivers for 30 days, and what is not hot takes no events"
            )
        for name in ("warm", "cold"):
            if not 0 <= getattr(self, name) <= _MOST_DAYS:
                raise TrailError(f"{getattr(self, name)} {name} days are not allowed, allowed are 0 to {_MOST_DAYS}")
        if self.cold and not self.warm:
            raise TrailError(
                f"{self.cold} cold days need warm days: an index gets into cold storage from UltraWarm alone"
            )

    @property
    def days(self) -> int:
        """Days from an index's making to its deletion."""
        return self.hot + self.warm + self.cold


def lifecycle_policy(tiers: Tiers | None = None, *, prefix: str = PREFIX) -> dict[str, Any]:
    """Return the body of ``PUT _plugins/_ism/policies/NAME``.

    It names the events' indexes alone, so that the ledger is never deleted.

    Args:
        tiers: how long an index stays where. Default: 90 days, then it is deleted.
        prefix: of the indexes.
    """
    chosen = tiers or Tiers()
    check_prefix(prefix)
    steps: list[tuple[str, list[dict[str, Any]], int]] = [("hot", [], chosen.hot)]
    if chosen.warm:
        steps.append(("warm", [{**_RETRY, "warm_migration": {}}], chosen.hot + chosen.warm))
    if chosen.cold:
        steps.append(("cold", [{**_RETRY, "cold_migration": {"timestamp_field": "event_time"}}], chosen.days))
    # In cold storage an index has no shards, and so its own operation to go.
    steps.append(("delete", [{**_RETRY, ("cold_delete" if chosen.cold else "delete"): {}}], 0))
    states = []
    for number, (name, actions, until) in enumerate(steps):
        later = steps[number + 1][0] if until else None
        moves = [{"state_name": later, "conditions": {"min_index_age": f"{until}d"}}] if later else []
        states.append({"name": name, "actions": actions, "transitions": moves})
    return {
        "policy": {
            "description": f"Agent trail: hot {chosen.hot}, warm {chosen.warm}, cold {chosen.cold} days, then deleted",
            "default_state": "hot",
            "states": states,
            "ism_template": [{"index_patterns": list(event_patterns(prefix)), "priority": 500}],
        }
    }
