"""A trace as lines of text, for a terminal and for whoever prints one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.trace.nodes import Kind, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.trail.trace.nodes import Node, Trace

_FACTS: Final = frozenset(
    {"agent", "run", "capability", "ticket", "role", "client", "clients", "for", "error", "plan digest", "known by"}
)
"""What the lines show of a node; the HTML timeline shows all."""
_LOUD: Final = frozenset({Mark.DENIED, Mark.FAILED})


class Part(str, Enum):
    """What a piece of a line is, so that it can be coloured."""

    GUIDE = "guide"
    KIND = "kind"
    TITLE = "title"
    TIME = "time"
    ASKED = "asked"
    LOUD = "loud"
    MARK = "mark"
    FACT = "fact"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        parts: text and what it is, from left to right.
        kind: of the node that it is of; None for the first line.
    """

    parts: tuple[tuple[str, Part], ...]
    kind: Kind | None = None

    @property
    def text(self) -> str:
        """The line without colours."""
        return "".join(text for text, _ in self.parts)


def trace_lines(trace: Trace) -> Iterator[Line]:
    """Yield the tree, and what it sums up to as the last line."""
    yield Line(((f"{trace.by.value} ", Part.KIND), (trace.asked, Part.TITLE)))
    yield from _below(trace.people, "")
    yield Line(((_sum(trace), Part.FACT),))


def _below(nodes: Sequence[Node], guide: str) -> Iterator[Line]:
    for number, node in enumerate(nodes):
        last = number == len(nodes) - 1
        yield Line(((guide + ("└── " if last else "├── "), Part.GUIDE), *_head(node)), node.kind)
        under = guide + ("    " if last else "│   ")
        facts = ", ".join(f"{name} {value}" for name, value in node.facts if name in _FACTS)
        rest = ((facts, Part.FACT), (node.reason or "", Part.REASON))
        indent = under + ("│   " if node.children else "    ")
        yield from (Line(((indent, Part.GUIDE), (text, part)), node.kind) for text, part in rest if text)
        yield from _below(node.children, under)


def _head(node: Node) -> Iterator[tuple[str, Part]]:
    yield f"{node.kind.value.replace('-', ' ')} ", Part.KIND
    yield node.title, Part.TITLE
    if node.time:
        yield f" {node.time}", Part.TIME
    facts = dict(node.facts)
    beside = {Mark.OTHER_REGION: "Region", Mark.OTHER_ACCOUNT: "account"}
    for mark in node.marks:
        told = facts.get(beside.get(mark, ""))
        part = Part.ASKED if mark is Mark.ASKED else Part.LOUD if mark in _LOUD else Part.MARK
        yield f" [{mark.value}{f' {told}' if told else ''}]", part


def _sum(trace: Trace) -> str:
    counts = {
        "event": trace.events,
        "session": trace.count(Kind.SESSION),
        "tool call": trace.count(Kind.TOOL_CALL),
        "API call": trace.count(Kind.API_CALL),
    }
    parts = [f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items()]
    unknown = sum(node.reason is not None for _, node in trace.walk())
    parts += [f"{trace.denied} denied", f"{unknown} not known"]
    places = f"Regions {', '.join(trace.regions) or 'none'}; accounts {', '.join(trace.accounts) or 'none'}"
    more = "" if trace.complete else "; not complete: there are more events"
    return f"{', '.join(parts)}; {places}{more}"
