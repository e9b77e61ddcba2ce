"""What is known of the agent behind an event, under the names that rules use, such as ``agent.name``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.first_seen import FirstSeen
from sudo_mcp_guardrails.detection.times import seconds_of
from sudo_mcp_guardrails.regions import GLOBAL_REGIONS
from sudo_mcp_guardrails.trail.attributing.mcp import MCP_EVENT_TYPE, OAUTH_EVENTS, is_mcp_service
from sudo_mcp_guardrails.trail.attribution import By

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.detection.profile import AgentProfile
    from sudo_mcp_guardrails.detection.watchlists import Watchlists
    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.event import Event

FIELDS: Final = {
    "agent.name": "the agent's name; absent where only the session tells of an agent",
    "agent.run": "its run",
    "agent.capability": "read, plan, apply, execution or workload",
    "agent.ticket": "the ticket of the run",
    "agent.approval": "the approval behind an apply session",
    "agent.plan_digest": "the plan that was approved",
    "agent.person": "who stands behind the session",
    "agent.tool": "the MCP tool",
    "agent.by": "what the attribution rests on, such as session-tags",
    "agent.via": "mcp where an MCP server of AWS made the call, direct otherwise",
    "agent.registered": "true where a profile of the agent is there",
    "agent.tier": "its trust tier",
    "agent.mcp_only": "true where it is meant to work through an MCP server of AWS alone",
    "agent.contained": "the level at which it is contained at the time of the event, such as K2",
    "agent.outside": "what of its profile the event lies outside of: account, region, service, hours, task",
    "agent.watch": "names of the watchlists that the event touches, such as honeytoken; of anybody's event",
    "agent.first": "oauth-client where the event grants a session to a client for the first time; of anybody's event",
}
"""The fields, and what each is. But for the last two, nobody's events have none."""

_GLOBAL: Final = frozenset(GLOBAL_REGIONS.values())
_OWN: Final = frozenset({"sts", "signin", "aws-mcp"})
"""Services that every session uses, whatever its task."""
_PREFIXES: Final = {
    "cloudcontrolapi": "cloudformation",
    "email": "ses",
    "monitoring": "cloudwatch",
    "tagging": "tag",
}
"""IAM's prefix of a service, where CloudTrail's source has another name."""


class Facts:
    """Tells what is known of the agent behind an event.

    Args:
        profiles: what each agent is meant to do. Default: none is known.
        contained: tells at which level an agent is contained at a time, or None. Default: nobody is.
        watch: the user's own lists. Default: none.
        first: remembers what was seen before. Default: a memory of this process, which knows nothing yet.
    """

    def __init__(
        self,
        profiles: Mapping[str, AgentProfile] | None = None,
        contained: Callable[[str, int], str | None] | None = None,
        *,
        watch: Watchlists | None = None,
        first: FirstSeen | None = None,
    ) -> None:
        self._profiles = dict(profiles or {})
        self._contained = contained
        self._watch = watch or None
        self._first = first or FirstSeen()

    def of(self, event: Event, attribution: Attribution) -> dict[str, Any] | None:
        """Return the facts of an event; None for one that is no agent's, and touches no list.

        Those of an agent's event have ``by``; nobody's have ``watch`` or ``first`` alone.
        """
        facts = None if attribution.by is By.NOBODY else self._of_agent(event, attribution)
        if self._watch is not None and (touched := self._watch.marks(event)):
            facts = {**(facts or {}), "watch": touched}
        if event.name in OAUTH_EVENTS and (new := self._first.marks(event)):
            facts = {**(facts or {}), "first": new}
        return facts

    def _of_agent(self, event: Event, attribution: Attribution) -> dict[str, Any]:
        name = attribution.agent
        facts: dict[str, Any] = {"by": attribution.by.value, "via": _via(event, attribution)}
        for field in ("agent", "run", "capability", "ticket", "approval", "plan_digest", "person", "tool"):
            value = getattr(attribution, field)
            if value is not None:
                facts["name" if field == "agent" else field] = value
        profile = self._profiles.get(name) if name is not None else None
        facts["registered"] = "true" if profile is not None else "false"
        time = seconds_of(event.event_time)
        if name is not None and time is not None and self._contained is not None:
            level = self._contained(name, time)
            if level is not None:
                facts["contained"] = level
        if profile is not None:
            facts["tier"] = profile.tier or None
            facts["mcp_only"] = "true" if profile.mcp else "false"
            outside = _outside(event, profile, time)
            if outside:
                facts["outside"] = outside
        return facts


def iam_prefix(service: str) -> str:
    """Return IAM's prefix of a service, as declared tasks have it, by the name that CloudTrail has for it."""
    return _PREFIXES.get(service, service)


def _via(event: Event, attribution: Attribution) -> str:
    by_server = event.invoked_by is not None and is_mcp_service(event.invoked_by)
    return "mcp" if by_server or event.type == MCP_EVENT_TYPE or attribution.tool_call is not None else "direct"


def _outside(event: Event, profile: AgentProfile, time: int | None) -> list[str]:
    """Return what of its profile an event lies outside of."""
    service = (event.source or "").partition(".")[0]
    service = iam_prefix(service)
    found: list[str] = []
    if profile.accounts and event.account is not None and event.account not in profile.accounts:
        found.append("account")
    if profile.regions and event.region is not None and event.region not in profile.regions | _GLOBAL:
        found.append("region")
    if service not in _OWN:
        if profile.services and service not in profile.services:
            found.append("service")
        if not profile.declares(service, event.name or ""):
            found.append("task")
    if profile.hours is not None and time is not None and not profile.hours.hold(time):
        found.append("hours")
    return found
