"""What an agent is meant to do, as detections look at it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.agents import Agent

_HOURS = 24
_DAYS = 7


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When an agent is meant to work, in UTC.

    Attributes:
        begin: first hour, 0 to 23.
        end: the hour before which it ends, 1 to 24; before ``begin``, it works through the night.
        days: days of the week, Monday is 0. Default: all.

    Raises:
        DetectionError: for an hour or a day that there is none of.
    """

    begin: int
    end: int
    days: frozenset[int] = frozenset(range(_DAYS))

    def __post_init__(self) -> None:
        """Check the hours and the days."""
        if not (0 <= self.begin < _HOURS and 1 <= self.end <= _HOURS and self.begin != self.end):
            raise DetectionError(f"hours {self.begin} to {self.end} are not allowed, allowed: 0 to 23, and 1 to 24")
        if not self.days or not self.days <= set(range(_DAYS)):
            raise DetectionError(f"days {sorted(self.days)} are not allowed, allowed: 0 (Monday) to 6")

    def hold(self, seconds: int) -> bool:
        """Tell whether a time, in seconds since 1970, is inside."""
        hour = seconds // 3600 % _HOURS
        day = (seconds // 86400 + 3) % _DAYS  # 1970 began on a Thursday
        if self.begin < self.end:
            return self.begin <= hour < self.end and day in self.days
        return (hour >= self.begin and day in self.days) or (hour < self.end and (day - 1) % _DAYS in self.days)


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What one agent is meant to do.

    Attributes:
        name: the agent's name.
        accounts: accounts that it works in; empty where that is not known.
        regions: Regions that it works in; empty where that is not known, and none is outside.
        services: IAM prefixes of the services that it works with, such as ``s3``; empty where that is not known.
        hours: when it works. Default: always.
        declared: the actions of its declared task, as ``service:Operation`` with ``*``. Default: none are declared, and
            nothing is outside of them.
        tier: its trust tier, as text. Default: not known.
        mcp: whether it works through an MCP server of AWS alone. Default: it may work directly too.
    """

    name: str
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    hours: WorkingHours | None = None
    declared: tuple[str, ...] = ()
    tier: str = ""
    mcp: bool = False

    @classmethod
    def of(
        cls,
        agent: Agent,
        *,
        hours: WorkingHours | None = None,
        declared: Iterable[str] = (),
        tier: str = "",
        mcp: bool = False,
    ) -> AgentProfile:
        """Return the profile of an agent as the guardrails know it."""
        return cls(
            agent.name,
            accounts=frozenset(account for one in agent.environments for account in one.accounts),
            regions=frozenset(region for one in agent.environments for region in agent.regions_in(one)),
            services=frozenset(agent.services),
            hours=hours,
            declared=tuple(declared),
            tier=tier,
            mcp=mcp,
        )

    def declares(self, service: str, operation: str) -> bool:
        """Tell whether a call belongs to the declared task; without one, every call does."""
        return not self.declared or any(fnmatchcase(f"{service}:{operation}", one) for one in self.declared)

    def to_data(self) -> dict[str, Any]:
        """Return the profile as JSON's own types, sorted, for a function's environment."""
        hours = self.hours
        return {
            "name": self.name,
            "accounts": sorted(self.accounts),
            "regions": sorted(self.regions),
            "services": sorted(self.services),
            "hours": [hours.begin, hours.end, sorted(hours.days)] if hours else None,
            "declared": list(self.declared),
            "tier": self.tier,
            "mcp": self.mcp,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> AgentProfile:
        """Return the profile that :meth:`to_data` wrote.

        Raises:
            DetectionError: for anything else.
        """
        try:
            hours = data["hours"]
            return cls(
                str(data["name"]),
                frozenset(map(str, data["accounts"])),
                frozenset(map(str, data["regions"])),
                frozenset(map(str, data["services"])),
                WorkingHours(int(hours[0]), int(hours[1]), frozenset(map(int, hours[2]))) if hours else None,
                tuple(map(str, data["declared"])),
                str(data["tier"]),
                data["mcp"] is True,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DetectionError(f"profile {str(data)[:120]!r} does not parse: {error!r}") from None
