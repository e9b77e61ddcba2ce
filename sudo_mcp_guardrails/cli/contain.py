"""``mcp-guardrails contain``: stop one agent, a class of agents, or all of them, by the deployed kill switch.

The request goes to the kill switch's intake, signed by the caller's own credentials: AWS says who asks, the evidence
has it, and the command itself may do nothing in the agents' accounts. With ``--dry-run`` the plan is printed, and
nothing is changed.

Summary keys: ``target``, ``incident``, ``execution``, ``status``, ``complete``, ``already``, ``steps``, ``failures``,
``digest`` (of the restore record), ``evidence`` (why it is missing; empty where it is not), ``verified`` and
``calls_after``; items: the steps that failed, and calls after the switch. With ``--dry-run``: ``target``, ``level``,
``steps``; items: the steps. The exit code is 0 where all is contained, 1 where a step failed or a call came through,
2 where it could not be asked or verified.
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
from sudo_mcp_guardrails.response.levels import Level


def contain(
    agent: AgentArgument = None,
    *,
    level: Annotated[Level, typer.Option("--level", help="How hard; see docs/containment.md.")],
    reason: ReasonOption,
    all_agents: AllOption = False,
    pattern: ClassOption = None,
    incident: IncidentOption = None,
    grace: Annotated[int, typer.Option("--grace", help="Seconds until it is verified, 0 to 3600.")] = 300,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and change nothing.")] = False,
    prefix: PrefixOption = DEFAULT_PREFIX,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop one agent, a class of agents, or all of them."""
    with answering(as_json=as_json) as answer:
        target = target_of(agent, all_agents=all_agents, pattern=pattern)
        request = {
            "op": "contain",
            "target": target.key,
            "level": level.value,
            "reason": reason,
            "incident": incident_of(incident),
            "graceSeconds": grace,
        }
        asked = intake(prefix, profile, region, endpoint_url)
        if not dry_run:
            followed(answer, asked, request)
            return
        plan = asked.send("POST", "/plan", request)["plan"]
        for step in plan["steps"]:
            answer.text.print(f"{step['stage']} {step['id']}", markup=False, soft_wrap=True)
        answer.finish(
            ok=True,
            summary={"target": target.key, "level": level.value, "steps": len(plan["steps"])},
            items=plan["steps"],
        )
