"""``mcp-guardrails restore``: undo a containment from its record, by the deployed kill switch.

Only who was named for it at deployment may; the request is signed by the caller's own credentials. What took many
agents down takes two people, IAM users with a second factor of the last five minutes: one asks (``--ask``), which
prints a digest and starts nothing, another agrees to it (``--agree``). In an emergency one who was named for it
restores alone (``--break-glass``), and people are told before. Summary keys and exit codes are those of ``contain``,
but for what is verified, which is null; of ``--ask``: ``target``, ``incident`` and ``wanted``, the digest.
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
    OptionalReason,
    PrefixOption,
    deciders,
    ended_of,
    followed,
    incident_of,
    intake,
    target_of,
)
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption


def restore(
    agent: AgentArgument = None,
    *,
    reason: OptionalReason = "",
    all_agents: AllOption = False,
    pattern: ClassOption = None,
    incident: IncidentOption = None,
    digest: Annotated[str, typer.Option("--digest", help="Of the restore record, as the containment said it.")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="Ask, so that another person agrees.")] = False,
    agree: Annotated[
        str, typer.Option("--agree", metavar="WANTED", help="Agree to what another person asked, by its digest.")
    ] = "",
    break_glass: Annotated[
        bool, typer.Option("--break-glass", help="Alone, in an emergency; people are told.")
    ] = False,
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
        from sudo_mcp_guardrails.handlers.contain_decide import AGREE, ASK

        target = target_of(agent, all_agents=all_agents, pattern=pattern)
        if sum((ask, bool(agree), break_glass)) > 1:
            raise InputError("--ask, --agree and --break-glass exclude each other, expected one of them at most")
        if not (reason or agree):
            raise InputError("no reason is given, expected --reason, unless with --agree")
        asked = intake(prefix, profile, region, endpoint_url)
        if agree:
            people = deciders(prefix, profile, region, endpoint_url)
            started = people.send("POST", AGREE, {"target": target.key, "wanted": agree})
            said = {"op": "restore", "target": target.key, "incident": str(started["incident"])}
            ended_of(answer, asked, said, str(started["execution"]))
            return
        request = {
            "op": "restore",
            "target": target.key,
            "reason": reason,
            "incident": incident_of(incident),
            "digest": digest,
            "drifted": drifted or [],
        }
        if not (ask or break_glass):
            followed(answer, asked, request)
            return
        stated = {name: value for name, value in request.items() if name != "op"} | {"breakGlass": break_glass}
        found = deciders(prefix, profile, region, endpoint_url).send("POST", ASK, stated)
        if break_glass:
            ended_of(answer, asked, request, str(found["execution"]))
            return
        summary = {"target": target.key, "incident": found["incident"], "wanted": found["wanted"]}
        answer.text.print(f"asked; another person agrees within an hour: --agree {found['wanted']}", soft_wrap=True)
        answer.finish(ok=True, summary=summary, items=[])
