"""What ``contain`` and ``restore`` share: options, and how the deployed kill switch is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.local.response.asking import Intake

AgentArgument = Annotated[str | None, typer.Argument(metavar="AGENT", help="One agent, by its name.")]
AllOption = Annotated[bool, typer.Option("--all", help="All agents.")]
ClassOption = Annotated[
    str | None, typer.Option("--class", metavar="PATTERN", help="A class of agents, such as 'release-*'.")
]
PrefixOption = Annotated[str, typer.Option("--prefix", help="Name prefix of the guardrails' own resources.")]
IncidentOption = Annotated[
    str | None, typer.Option("--incident", help="Id of the incident; one by the time where it is left out.")
]
OptionalReason = Annotated[str, typer.Option("--reason", help="Why, for people; up to 900 characters.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for people; up to 900 characters.")]
DEFAULT_PREFIX = "mcp-guardrails"


def target_of(agent: str | None, *, all_agents: bool, pattern: str | None) -> Target:
    """Return the one target that was named.

    Raises:
        InputError: None was, or several.
        TargetError: It is none.
    """
    given = [agent is not None, all_agents, pattern is not None]
    if sum(given) != 1:
        raise InputError(f"{sum(given)} targets are named, expected exactly one of AGENT, --class PATTERN and --all")
    if all_agents:
        return Target.everyone()
    return Target.of_class(pattern) if pattern is not None else Target.agent(agent or "")


def incident_of(given: str | None) -> str:
    """Return the id of the incident."""
    return given or time.strftime("incident-%Y%m%dT%H%M%SZ", time.gmtime())


def intake(prefix: str, profile: str | None, region: str | None, endpoint_url: str | None) -> Intake:
    """Find the deployed kill switch; raises InvalidAgentError for a prefix that is none, and AskingError."""
    from sudo_mcp_guardrails.local.response.asking import found_intake

    return found_intake(GuardrailNames(prefix).prefix, profile, region, endpoint_url)


def deciders(prefix: str, profile: str | None, region: str | None, endpoint_url: str | None) -> Intake:
    """Find the function that two people ask; raises InvalidAgentError for a prefix that is none, and AskingError."""
    from sudo_mcp_guardrails.local.response.asking import found_intake

    function = "containment-decisions"
    return found_intake(GuardrailNames(prefix).prefix, profile, region, endpoint_url, function=function)


def followed(answer: Answer, asked: Intake, request: Mapping[str, Any]) -> None:
    """Ask, wait for the end, and state the result.

    Args:
        answer: Of the command.
        asked: The kill switch.
        request: What is asked for.
    """
    ended_of(answer, asked, request, asked.ask(request))


def ended_of(answer: Answer, asked: Intake, request: Mapping[str, Any], execution: str) -> None:
    """Wait for the end of an execution, and state the result.

    Args:
        answer: Of the command.
        asked: The kill switch.
        request: What was asked for.
        execution: Its name.
    """
    answer.report(f"execution {execution} of incident {request['incident']}")
    ended = asked.ended(execution)
    output = ended["output"] if isinstance(ended["output"], dict) else {}
    report, verified = output.get("report", {}), output.get("verified", {})
    is_done = ended["status"] == "SUCCEEDED"
    calls = verified.get("calls", [])
    if not is_done:
        answer.report(f"not complete: {ended['error']} {ended['cause']}"[:2_000])
    for problem in (*verified.get("problems", ()), *verified.get("open", ())):
        answer.report(f"verification: {problem}")
    summary = {
        "target": request["target"],
        "incident": request["incident"],
        "execution": execution,
        "status": ended["status"],
        "complete": bool(report.get("complete")),
        "already": bool(report.get("already")),
        "steps": report.get("steps", 0),
        "failures": report.get("failures", 0),
        "digest": report.get("digest", ""),
        "evidence": report.get("evidence", ""),
        "verified": verified.get("contained"),
        "calls_after": len(calls),
    }
    words = "complete" if summary["complete"] else "NOT COMPLETE"
    answer.text.print(f"{request['op']} {request['target']}: {words}, {summary['steps']} steps", markup=False)
    if summary["digest"]:
        answer.text.print(f"restore record: {summary['digest']} (write it into the incident's ticket)", soft_wrap=True)
    for call in calls:
        line = f"a call after: {call['time']} {call['action']} by {call['principal']}"
        answer.text.print(line, markup=False, soft_wrap=True)
    unproved = summary["verified"] is False
    answer.finish(
        ok=is_done and summary["complete"] and not calls,
        summary=summary,
        items=[*report.get("failed", ()), *calls],
        unknown="whether all are contained could not be verified" if unproved and not calls else "",
    )
