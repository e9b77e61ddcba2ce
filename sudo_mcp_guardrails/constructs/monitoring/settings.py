"""What the function that looks at events is told at synthesis: the user's rules, profiles and watchlists, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.constructs.monitoring.targets import MonitoringError
from sudo_mcp_guardrails.detection import compiled
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.ruleset import Ruleset
from sudo_mcp_guardrails.detection.watchlists import Watchlists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.detection.profile import WorkingHours


def settings_text(
    agents: Sequence[Agent],
    *,
    hours: Mapping[str, WorkingHours],
    declared: Mapping[str, Sequence[str]],
    tiers: Mapping[str, TrustTier | str],
    rules: str | None,
    watch: Mapping[str, Sequence[str]],
) -> str:
    """Return the settings as the asset has them; the same props give the same text.

    Raises:
        MonitoringError: For hours, tasks or tiers of somebody who is no agent here.
        RuleError: For rules that do not parse, or that go by the name or id of another.
        DetectionError: For a watchlist of another form.
    """
    known = {agent.name for agent in agents}
    for what, named in (("hours", hours), ("declared", declared), ("tiers", tiers)):
        strange = sorted(named.keys() - known)
        if strange:
            raise MonitoringError(f"{what} of {strange[0]!r} are not allowed, expected names of the given agents")
    profiles = [
        AgentProfile.of(
            agent,
            hours=hours.get(agent.name),
            declared=declared.get(agent.name, ()),
            tier=_tier(tiers.get(agent.name, "")),
        )
        for agent in agents
    ]
    Watchlists(watch)
    data: dict[str, Any] = {
        "profiles": [one.to_data() for one in profiles],
        "watch": {name: list(entries) for name, entries in sorted(watch.items())},
    }
    if rules is not None:
        # pySigma is an extra, and only for who has rules.
        from sudo_mcp_guardrails.detection.sigma.read import read_directory  # noqa: PLC0415

        own = read_directory(Path(rules))
        Ruleset((compiled.shipped() + own).rules)
        data["rules"] = compiled.dumps(own)
    return json.dumps(data, sort_keys=True)


def _tier(tier: TrustTier | str) -> str:
    return str(tier.value) if isinstance(tier, TrustTier) else tier
