"""``mcp-guardrails restore``: undo a containment from its record, by the deployed kill switch.

Only who was named for it at deployment may; the request is signed by the caller's own credentials. Summary keys and
exit codes are those of ``contain``, but for what is verified, which is null.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.containing import (
    DEFAULT_PREFIX,
    AgentArgument,
    AllOption,
    ClassOption,
    IncidentOption,
    PrefixOption,
    ReasonOption,
    followed,
    incident_of,
    intake,
    target_of,
)
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption


def restore(
    agent: AgentArgument = None,
    *,
    reason: ReasonOption,
    all_agents: AllOption = False,
    pattern: ClassOption = None,
    incident: IncidentOption = None,
    digest: Annotated[str, typer.Option("--digest", help="Of the restore record, as the containment said it.")] = "",
    drifted: Annotated[
        list[str] | None,
        typer.Option("--drifted", metavar="STEP", help="Restore this step though it was changed; repeatable."),
    ] = None,
    prefix: PrefixOption = DEFAULT_PREFIX,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo a containment."""
    with answering(as_json=as_json) as answer:
        target = target_of(agent, all_agents=all_agents, pattern=pattern)
        request = {
            "op": "restore",
            "target": target.key,
            "reason": reason,
            "incident": incident_of(incident),
            "digest": digest,
            "drifted": drifted or [],
        }
        followed(answer, intake(prefix, profile, region, endpoint_url), request)
