"""After the call: what was made and not declared.

The AWS MCP Server answers with the calls that a script made (``api_calls`` of its structured content). A script that
did what was not declared has found a way around its analysis, and a person must know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import ToolResult
    from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall

MAX_MADE: Final = 10_000
_SERVICE: Final = ("service", "service_name", "serviceName")
_OPERATION: Final = ("operation", "operation_name", "operationName")
_LONGEST: Final = 130


@dataclass(frozen=True)
class Difference:
    """How a result differs from what was declared.

    Attributes:
        undeclared: (service, operation) of calls that were made and not declared, in order, each once.
        over: Calls that were made more often than declared, as (service, operation, times, declared).
        unreadable: Why the result does not say what was made; empty where it does.
    """

    undeclared: tuple[tuple[str, str], ...] = ()
    over: tuple[tuple[str, str, int, int], ...] = ()
    unreadable: str = ""

    @property
    def is_alert(self) -> bool:
        """Whether somebody must know. A result that does not say what was made is one: unknown means no."""
        return bool(self.undeclared or self.over or self.unreadable)


def compare(declared: Sequence[DeclaredCall], result: ToolResult) -> Difference:
    """Compare a script's result with what the script declared.

    Args:
        declared: All calls that it may make.
        result: The answer of ``aws___run_script``.
    """
    if "error" in result.body:
        # A JSON-RPC error says that the tool never ran, or that nobody knows what it did before it broke.
        return Difference(unreadable="the answer is an error, which does not say what was done")
    content = result.body.get("structuredContent")
    made = content.get("api_calls") if isinstance(content, dict) else None
    if not isinstance(made, list):
        return Difference(unreadable="the answer has no list of calls")
    if len(made) > MAX_MADE:
        return Difference(unreadable=f"the answer lists {len(made)} calls, looked at are up to {MAX_MADE}")
    counts: dict[tuple[str, str], int] = {}
    for entry in made:
        named = (_text(entry, _SERVICE), _text(entry, _OPERATION)) if isinstance(entry, dict) else ("", "")
        if not all(named):
            return Difference(unreadable="a call of the answer names no service or operation")
        counts[named] = counts.get(named, 0) + 1
    bounds = _bounds(declared)
    undeclared = tuple(named for named in counts if _key(named) not in bounds)
    over = tuple(
        (*named, count, bound)
        for named, count in counts.items()
        if (bound := bounds.get(_key(named))) is not None and count > bound
    )
    return Difference(undeclared, over)


def _bounds(declared: Sequence[DeclaredCall]) -> dict[tuple[str, str], int | None]:
    """Return how often each call may be made; None for any number of times."""
    found: dict[tuple[str, str], int | None] = {}
    for call in declared:
        key = _key((call.service, call.operation))
        before = found.get(key, 0)
        found[key] = None if before is None or call.at_most is None else before + call.at_most
    return found


def _key(named: tuple[str, str]) -> tuple[str, str]:
    """Return a call's name however it is spelled: ``list_buckets`` is ``ListBuckets``."""
    return named[0].lower(), named[1].replace("_", "").replace("-", "").lower()


def _text(entry: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = next((entry[name] for name in names if name in entry), "")
    return found[:_LONGEST] if isinstance(found, str) else ""
