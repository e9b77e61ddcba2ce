"""What rules are told of a call: its arguments, and what the guard knows of it. Only what they mention is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.gateway.deciding.rules.types import UnfitError, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Slice
    from sudo_mcp_guardrails.gateway.meaning import Meaning

_LEVELS = {risk: number for number, risk in enumerate(RiskClass)}


@dataclass(frozen=True)
class Known:
    """What is known of a call beside its arguments.

    Attributes:
        meaning: What it means.
        session: ``agent``, ``capability``, ``environment``, ``production``, ``sop`` and ``tier``.
        tool: ``effect``, ``reviewed`` and ``server``, of the pinned labels.
        approved: Whether an approval stands for it.
        labels: Of what the session has seen.
        untrusted: Paths of arguments whose values came from where anybody may write.
        unknown: Paths of arguments of which nobody knows where they came from; all of them where nobody looked.
    """

    meaning: Meaning
    session: Mapping[str, Any]
    tool: Mapping[str, Any]
    approved: bool = False
    labels: frozenset[str] = frozenset()
    untrusted: frozenset[str] = frozenset()
    unknown: frozenset[str] = field(default_factory=frozenset)


def context_of(call: ToolCall, part: Slice, known: Known) -> dict[str, Any]:
    """Return the context of Cedar's request.

    Args:
        call: The call.
        part: The rules of its tool.
        known: What else is known.

    Raises:
        UnfitError: An argument that a rule looks at is not of the type that the tool declares.
    """
    found: dict[str, Any] = {"input": _input(call, part)}
    # Cedar takes longer to read a context than to decide by it, so nothing is in it that no rule looks at.
    for name, wanted in part.records.items():
        whole = _RECORDS[name](known)
        found[name] = {each: whole[each] for each in wanted}
    if "labels" in part.values:
        found["labels"] = sorted(known.labels)
    if "approved" in part.values:
        found["approved"] = known.approved
    return found


def _input(call: ToolCall, part: Slice) -> dict[str, Any]:
    given = {}
    for name, kind, required in part.inputs:
        value = call.arguments.get(name)
        if value is not None:
            given[name] = value_of(value, kind)
        elif required:
            raise UnfitError(f"argument {name[:80]!r} is missing")
    return given


def _meaning(meaning: Meaning) -> dict[str, Any]:
    needs = [need for meant in meaning.calls for need in meant.needs]
    return {
        "actions": sorted({need.action for need in needs}),
        "decidable": meaning.decidable,
        "effect": meaning.effect.value,
        "level": _LEVELS[meaning.risk],
        "regions": sorted({meant.region for meant in meaning.calls if meant.region}),
        "resources": sorted({arn for need in needs for arn in need.resources}),
        "risk": meaning.risk.value,
        "services": sorted({meant.call.service for meant in meaning.calls}),
    }


_RECORDS: dict[str, Callable[[Known], Mapping[str, Any]]] = {
    "meaning": lambda known: _meaning(known.meaning),
    "provenance": lambda known: {"unknown": sorted(known.unknown), "untrusted": sorted(known.untrusted)},
    "session": lambda known: known.session,
    "tool": lambda known: known.tool,
}
