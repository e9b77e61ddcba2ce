"""Exemptions from a proof: who answers for what is not proved, why, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

MAX_DAYS: Final = 90
"""The longest that an exemption may last from today."""


class ExemptionError(GuardrailsError):
    """An exemption that nobody answers for, that has no reason or no near end, or that is about nothing."""


@dataclass(frozen=True)
class Exemption:
    """A property that need not hold for an agent for a while.

    Args:
        property: Id of the property, as findings show it after ``proof/``.
        agent: Name of the agent; it holds for all its roles.
        owner: The person or team that answers for it.
        until: The last day on which it counts, at most 90 days ahead.
        reason: Why the risk is worth it until then.

    Raises:
        ExemptionError: For an empty field.
    """

    property: str
    agent: str
    owner: str
    until: date
    reason: str

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("property", "agent", "owner", "reason"):
            if not getattr(self, name).strip():
                raise ExemptionError(f"exemption of {self.agent!r} from {self.property!r} has an empty {name}")

    def check_date(self, today: date) -> None:
        """Check that it does not last too long; raises ExemptionError. An expired one is no error: it is void."""
        latest = today + timedelta(days=MAX_DAYS)
        if self.until > latest:
            raise ExemptionError(
                f"exemption of {self.agent!r} from {self.property!r} is until {self.until.isoformat()}, "
                f"expected {latest.isoformat()} or earlier: {MAX_DAYS} days from today"
            )

    def covers(self, agent: str, property_id: str, today: date) -> bool:
        """Return whether it covers an agent's property today."""
        return (agent, property_id) == (self.agent, self.property) and today <= self.until


def check_known(exemptions: Iterable[Exemption], known: Mapping[str, Collection[str]]) -> None:
    """Check that every exemption is about an agent and a property that there are.

    Args:
        exemptions: The exemptions.
        known: Ids of properties by the agent that they are proved for.

    Raises:
        ExemptionError: With the value and the known ones.
    """
    for exemption in exemptions:
        if exemption.agent not in known:
            agents = ", ".join(sorted(known)) or "none, since the app declares no agent"
            raise ExemptionError(f"agent {exemption.agent!r} of an exemption is not known, allowed are {agents}")
        if exemption.property not in known[exemption.agent]:
            raise ExemptionError(
                f"property {exemption.property!r} of an exemption is not known for agent {exemption.agent!r}, "
                f"allowed are {', '.join(sorted(known[exemption.agent]))}"
            )
