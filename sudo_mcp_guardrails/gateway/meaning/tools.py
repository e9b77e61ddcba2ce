"""The tools that are known here, and what a call of each means."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk import assess, worst
from sudo_mcp_guardrails.gateway.meaning.actions import meant, plan_of
from sudo_mcp_guardrails.gateway.meaning.bodies import plans_of
from sudo_mcp_guardrails.gateway.meaning.commands import read_commands
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, DeclaredCall, Undecidable
from sudo_mcp_guardrails.gateway.meaning.meaning import Effect, Meaning
from sudo_mcp_guardrails.gateway.meaning.script import read_script
from sudo_mcp_guardrails.gateway.meaning.vending import Vending, is_vending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.gateway.meaning.meaning import Situation
    from sudo_mcp_guardrails.gateway.meaning.script import Script

_PREFIX: Final = "aws___"
KNOWLEDGE: Final = frozenset(
    {
        *("get_regional_availability", "get_tasks", "list_regions", "read_documentation", "recommend"),
        *("retrieve_agent_sop", "retrieve_skill", "search_documentation", "suggest_aws_commands"),
    }
)
"""Tools that answer from documentation and make no call of the API."""
_ORDER: Final = tuple(RiskClass)
_SCRIPT_ARGUMENTS: Final = frozenset({"code", "aws_profile"})
_COMMAND_ARGUMENTS: Final = frozenset({"cli_command", "max_results", "aws_profile"})


def meaning_of(call: ToolCall, situation: Situation) -> Meaning:
    """Say what a call of a tool means.

    Args:
        call: The call. Its server is not asked whether it is AWS's: who pins the server says which tools these are.
        situation: Where it is made, and what people said of tools that are not known here.

    Returns:
        The meaning. It never raises for what an agent sends: what is not understood is undecidable.
    """
    name = call.tool.removeprefix(_PREFIX)
    if name in KNOWLEDGE:
        return Meaning(call.tool, known=True, effect=Effect.READ, risk=RiskClass.R0)
    if name == "run_script":
        return _script(call, situation)
    if name == "call_aws":
        return _commands(call, situation)
    if name == "get_presigned_url":
        return _presigned(call, situation)
    effect = situation.labels.get((call.server, call.tool), Effect.UNKNOWN)
    risk = RiskClass.R0 if effect is Effect.READ else RiskClass.R3
    return Meaning(call.tool, known=False, effect=effect, risk=risk, identity=_identity(call.arguments))


def warm(tool: str, arguments: Mapping[str, Any]) -> None:
    """Read a call's script now, in whatever thread this is; :func:`meaning_of` then finds it read."""
    code = arguments.get("code")
    if tool.removeprefix(_PREFIX) == "run_script" and isinstance(code, str):
        _cached(code)


def declared_by(call: ToolCall) -> tuple[DeclaredCall, ...] | None:
    """Return the calls that a script declares; None for a call that is no script."""
    code = call.arguments.get("code")
    if call.tool.removeprefix(_PREFIX) != "run_script" or not isinstance(code, str):
        return None
    return tuple(_cached(code).calls)


def _script(call: ToolCall, situation: Situation) -> Meaning:
    code = call.arguments.get("code")
    found = _cached(code) if isinstance(code, str) else read_script(code)
    undecidable = (*found.undecidable, *_more(call.arguments, _SCRIPT_ARGUMENTS))
    return _judged(call, situation, found.calls, undecidable)


def _commands(call: ToolCall, situation: Situation) -> Meaning:
    found = read_commands(call.arguments.get("cli_command"))
    undecidable = (*found.undecidable, *_more(call.arguments, _COMMAND_ARGUMENTS))
    return _judged(call, situation, found.calls, undecidable, found.vending, found.refused)


def _presigned(call: ToolCall, situation: Situation) -> Meaning:
    """Read a presigned URL as what its holder can do with it, as often as he likes; what is not told is a hole."""
    given = call.arguments
    bucket, key = given.get("bucket", HOLE), given.get("key", HOLE)
    method = str(given.get("method", given.get("operation", ""))).lower().replace("_", "")
    operations = {"get": "GetObject", "getobject": "GetObject", "put": "PutObject", "putobject": "PutObject"}
    parameters = {"Bucket": bucket, "Key": key}
    undecidable: tuple[Undecidable, ...] = ()
    if method not in operations or not isinstance(bucket, str) or not isinstance(key, str):
        undecidable = (Undecidable(0, "what the URL is signed for is not understood here"),)
    declared = [DeclaredCall("s3", name, "", parameters, at_most=None) for name in ("GetObject", "PutObject")]
    if method in operations:
        declared = [each for each in declared if each.operation == operations[method]]
    return _judged(call, situation, declared, undecidable, (Vending("s3", "Presign"),))


def _judged(  # noqa: PLR0917 - private
    call: ToolCall,
    situation: Situation,
    calls: Sequence[DeclaredCall],
    undecidable: tuple[Undecidable, ...],
    vending: tuple[Vending, ...] = (),
    refused: tuple[tuple[int, str, str], ...] = (),
) -> Meaning:
    plan = plan_of(calls, situation.known, undecidable)
    takes = meant(calls, plan)
    plans = (plan, *plans_of(calls, situation.known)) if plan.changes or plan.unknown else ()
    judged = [assess(each, situation.risk) for each in plans]
    risk = worst(tuple(each.risk for each in judged))
    reasons = tuple(reason for each in judged for reason in each.reasons)
    hands_out = {
        Vending(each.service, each.operation, each.line) for each in calls if is_vending(each.service, each.operation)
    }
    vends = tuple(sorted({*vending, *hands_out}))
    if (undecidable or vends) and _ORDER.index(risk) < _ORDER.index(RiskClass.R3):
        risk = RiskClass.R3
    if undecidable:
        effect = Effect.UNKNOWN
    elif vends:
        effect = Effect.VENDING
    else:
        effect = Effect.READ if all(each.reads for each in takes) else Effect.WRITE
    return Meaning(
        tool=call.tool,
        known=True,
        effect=effect,
        risk=risk,
        calls=takes,
        undecidable=undecidable,
        vending=vends,
        refused=refused,
        reasons=tuple(sorted(reasons, key=lambda each: -_ORDER.index(each.risk))),
        plans=plans,
        identity=_identity(call.arguments),
    )


def _more(arguments: Mapping[str, Any], allowed: frozenset[str]) -> tuple[Undecidable, ...]:
    """Say that arguments are not understood that the tool did not have when this was written."""
    unknown = sorted(set(arguments) - allowed)
    return tuple(Undecidable(0, f"argument {name[:40]!r} of the tool is not understood here") for name in unknown[:10])


def _identity(arguments: Mapping[str, Any]) -> str:
    """Return the profile that a proxy of several is asked to use, which is the guard's to choose."""
    found = arguments.get("aws_profile")
    return "" if found is None else str(found)[:100]


@lru_cache(maxsize=64)
def _cached(code: str) -> Script:
    """Read a script once: agents send the same one again, and a guard reads it before and after the call."""
    return read_script(code)
