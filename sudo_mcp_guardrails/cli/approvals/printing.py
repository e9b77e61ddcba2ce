"""One approval, printed: what `plan show` prints, the risk and why, and what happened. Its author moves no cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from sudo_mcp_guardrails.trail.trace.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.cli.output import Answer

_LONGEST: Final = 10_000
_ROWS: Final = 40
"""Properties of one change that are printed; --json has all that the API gives."""


def table(answer: Answer, heads: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    """Print a table of texts, whatever is in them."""
    made = Table(*heads, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        made.add_row(*(Text(shown(str(cell), _LONGEST), overflow="fold") for cell in row))
    answer.text.print(made)


def line(answer: Answer, text: str) -> None:
    """Print one line of text, whatever is in it."""
    answer.text.print(Text(shown(text, _LONGEST)), soft_wrap=True)


def approval(answer: Answer, seen: dict[str, Any], changes: list[dict[str, Any]], total: int) -> None:
    """Print an approval.

    Args:
        answer: to print with.
        seen: what the API shows.
        changes: of its plan.
        total: how many there are.
    """
    request, status, plan = seen["request"], seen["status"], seen["plan"]
    requester = request["requester"]
    line(answer, f"{seen['approval']}: {status['state']} {status['because']}".rstrip())
    line(answer, f"{request['risk']} in {request['environment']} ({request['account']} {request['region']})")
    line(answer, f"asked by {requester['agent']}, run {requester['run']}, for {requester['person']}")
    line(answer, f"owner {requester['owner']}, ticket {request['ticket']}, ends {request['expires']}")
    for each in status["missing"]:
        line(answer, f"missing: {each}")
    table(answer, ("why it has this risk",), [(each,) for each in request["reasons"]])
    rows = [
        (each["operation"], each["type"], each["id"], _place(each), ", ".join(each["changed"]) or _actions(each))
        for each in changes
    ]
    table(answer, ("operation", "type", "id", "account and Region", "changed"), rows)
    _values(answer, changes)
    if total > len(changes):
        line(answer, f"… and {total - len(changes)} more changes; --all shows them")
    if plan["pins"]:
        table(answer, ("pinned", "name", "version"), plan["pins"])
    if plan["unknown"]:
        unknown = [(where or "the plan", why) for where, why in plan["unknown"]]
        table(answer, ("not known of", "why"), unknown)
    if plan["moreUnknown"]:
        line(answer, f"… and {plan['moreUnknown']} more that is not known")
    if seen["limits"]:
        table(answer, ("what no policy can bind",), [(each,) for each in seen["limits"]])
    rows = [(each["number"], each["when"], each["who"], each["kind"], each["what"]) for each in seen["history"]]
    table(answer, ("record", "when", "who", "kind", "what"), rows)
    line(answer, f"plan digest {seen['planDigest']}")
    line(answer, f"approval digest {seen['approvalDigest']}")


def items_of(seen: dict[str, Any], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what ``--json`` lists of an approval."""
    return [
        *({"kind": "reason", "text": each} for each in seen["request"]["reasons"]),
        *({"kind": "change", **each} for each in changes),
        *({"kind": "pin", "pin": pin, "name": name, "version": version} for pin, name, version in seen["plan"]["pins"]),
        *({"kind": "unknown", "where": where, "reason": why} for where, why in seen["plan"]["unknown"]),
        *({"kind": "limit", "text": each} for each in seen["limits"]),
        *({"kind": "record", "record": each} for each in seen["history"]),
    ]


def _values(answer: Answer, changes: list[dict[str, Any]]) -> None:
    rows: list[tuple[str, ...]] = []
    for each in changes:
        found = each["rows"][:_ROWS]
        rows += [(each["id"], _path(row), _value(row, "before"), _value(row, "after")) for row in found]
        left = len(each["rows"]) - len(found) + each["more"]
        if left:
            rows.append((each["id"], f"… {left} more", "", ""))
    if rows:
        table(answer, ("id", "property", "before", "after"), rows)


def _path(row: dict[str, Any]) -> str:
    return ".".join(map(str, row["path"]))


def _value(row: dict[str, str | None], side: str) -> str:
    return row[side] or ""


def _place(change: dict[str, Any]) -> str:
    return f"{change['account'] or '?'} {change['region'] or '?'}"


def _actions(change: dict[str, Any]) -> str:
    return ", ".join(change["actions"])
