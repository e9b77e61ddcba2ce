"""What ``mcp-guardrails prove`` says about its results: items, text and SARIF."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from sudo_mcp_guardrails.cli.requests import request_item, request_line
from sudo_mcp_guardrails.cli.sarif import SarifResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.iam.properties import Result
    from sudo_mcp_guardrails.policies.subjects import Undecided

PROVED: Final = "PROVED"
WITNESS: Final = "WITNESS"
NOT_PROVED: Final = "NOT PROVED"

_LEVELS: Final = {WITNESS: "error", NOT_PROVED: "warning"}
_STYLES: Final = {WITNESS: "bold red", NOT_PROVED: "yellow", PROVED: "green"}

Item = dict[str, Any]


def result_item(result: Result, file: str) -> Item:
    """Return a result for machines.

    Args:
        result: What came of one property in one context.
        file: Where the role was read from.
    """
    proof = result.proof
    return {
        "agent": result.subject.agent,
        "capability": result.subject.capability,
        "context": result.context,
        "property": result.property.id,
        "verdict": proof.verdict.value,
        "request": [request_item(request) for request in proof.requests] or None,
        "sids": [sid for _, sid in proof.statements],
        "statements": [f"{layer}:{sid}" for layer, sid in proof.statements],
        "reason": proof.reason,
        "title": result.property.title,
        "rule": f"proof/{result.property.id}",
        "source": result.subject.source,
        "file": file,
    }


def undecided_item(undecided: Undecided, file: str) -> Item:
    """Return a role about which nothing can be proved, for machines; it counts as one property not proved."""
    return {
        "agent": undecided.agent,
        "capability": "",
        "context": "",
        "property": "",
        "verdict": NOT_PROVED,
        "request": None,
        "sids": [],
        "statements": [],
        "reason": undecided.reason,
        "title": undecided.title,
        "rule": undecided.rule,
        "source": undecided.role.construct_path or undecided.role.name,
        "file": file,
    }


def result_table(items: Iterable[Item]) -> Table:
    """Return how many properties came out how, for each role and context."""
    table = Table(box=None, pad_edge=False)
    for column in ("agent", "capability", "context"):
        table.add_column(column)
    for verdict in _STYLES:
        table.add_column(verdict.lower(), justify="right")
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for item in items:
        counts.setdefault((item["agent"], item["capability"], item["context"]), Counter())[item["verdict"]] += 1
    for row, count in counts.items():
        cells = [Text(str(count[v]), _STYLES[v] if count[v] else "dim") for v in _STYLES]
        table.add_row(*map(Text, row), *cells)
    return table


def result_details(items: Iterable[Item]) -> Iterator[Text]:
    """Yield every witness and everything that is not proved, once for all contexts in which it is the same."""
    told: dict[str, list[Item]] = {}
    for item in items:
        if item["verdict"] != PROVED:
            told.setdefault(_gist(item), []).append(item)
    for gist, same in told.items():
        first = same[0]
        contexts = ", ".join(filter(None, (item["context"] for item in same)))
        head = " ".join(filter(None, (first["agent"], first["capability"], f"({contexts})" if contexts else "")))
        yield Text.assemble((first["verdict"], _STYLES[first["verdict"]]), f" {head}: {gist}")


def _gist(item: Item) -> str:
    """Return a witness, or why something is not proved, in lines that are the same for all contexts it holds in."""
    lines = [": ".join(filter(None, (item["property"], item["title"])))]
    lines += [f"  {request_line(request)}" for request in item["request"] or ()]
    if item["statements"]:
        lines.append(f"  let through by {', '.join(item['statements'])}")
    if item["verdict"] == NOT_PROVED:
        lines.append(f"  {item['reason']}")
    lines.append(f"  {item['source']}")
    return "\n".join(lines)


def sarif_results(items: Iterable[Item]) -> Sequence[SarifResult]:
    """Return every witness and everything that is not proved as SARIF's results."""
    return [
        SarifResult(
            item["rule"],
            _LEVELS[item["verdict"]],
            f"{item['agent']} {item['capability']} {item['context']}: {_gist(item)}",
            item["file"],
            names=(item["source"],) if item["source"] else (),
        )
        for item in items
        if item["verdict"] in _LEVELS
    ]
