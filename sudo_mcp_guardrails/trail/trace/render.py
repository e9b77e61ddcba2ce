"""The HTML timeline of a trace: one file that refers to nothing outside, runs no script, and can be printed.

Every value is escaped, and was made visible before (:mod:`~sudo_mcp_guardrails.trail.trace.text`); the page's own
Content-Security-Policy forbids all but its style sheet, so that nothing would run if something were missed.
"""

from __future__ import annotations

import base64
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.trace.nodes import Kind, Mark
from sudo_mcp_guardrails.trail.trace.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.trace.nodes import Node, Trace

_KINDS: Final = {
    Kind.PERSON: "person",
    Kind.GRANT: "grant",
    Kind.STEP: "grant event",
    Kind.SESSION: "session",
    Kind.TOOL_CALL: "tool call",
    Kind.API_CALL: "API call",
    Kind.SESSION_END: "session end",
    Kind.APPROVAL: "approval",
}
_BAD: Final = frozenset({Mark.DENIED, Mark.FAILED})
_LEGEND: Final = (
    "denied: refused for want of a permission. failed: another error. writes: CloudTrail says that the call is not "
    "read-only. other Region, other account: not where the tool call was made, or most of the session. unknown: a "
    "link that the events do not show, with the reason. not listed: made by an MCP server, and listed by no tool call."
)


def html_page(trace: Trace) -> str:
    """Return the timeline as an HTML document. The same trace gives the same text."""
    digest = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    name = escape(trace.asked)
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>Trace of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            f"<header>\n<h1>Trace of <code>{name}</code></h1>\n",
            f"<p>Found as: {trace.by.value}. Made of CloudTrail events; times are UTC.</p>\n",
            *_summary(trace),
            "</header>\n<main>\n",
            '<section aria-labelledby="chain">\n<h2 id="chain">From the person to the calls</h2>\n',
            *_tree(trace),
            "</section>\n",
            '<section aria-labelledby="order">\n<h2 id="order">In the order of time</h2>\n',
            *_table(trace),
            "</section>\n</main>\n",
            f'<footer class="legend"><p>{escape(_LEGEND)}</p></footer>\n</body>\n</html>\n',
        ]
    )


def _summary(trace: Trace) -> Iterator[str]:
    if not trace.complete:
        yield (
            f'<p class="bad" role="note"><strong>Not complete:</strong> there are more events than the {trace.events} '
            "that a trace takes.</p>\n"
        )
    numbers = trace.summary()
    values = {
        "first event": trace.first_time or "none has a time",
        "last event": trace.last_time or "none has a time",
        "events": numbers["events"],
        "sessions": numbers["sessions"],
        "tool calls": numbers["tool_calls"],
        "API calls": numbers["api_calls"],
        "denied": numbers["denied"],
        "links not known": numbers["unknown"],
        "Regions": ", ".join(trace.regions),
        "accounts": ", ".join(trace.accounts),
    }
    yield '<dl class="summary">\n'
    for label, value in values.items():
        yield f"<div><dt>{label}</dt><dd>{escape(str(value))}</dd></div>\n"
    yield "</dl>\n"


def _tree(trace: Trace) -> Iterator[str]:
    """Yield the tree as nested lists; the ids count the nodes from the top down, as in the table."""
    yield '<ol class="tree">\n'
    above = -1
    for number, (depth, node) in enumerate(trace.walk()):
        if depth > above:
            yield "" if above < 0 else "<ol>\n"
        else:
            yield "</li>\n" + "</ol>\n</li>\n" * (above - depth)
        above = depth
        yield f'<li id="n{number}">\n{_head(node)}{_facts(node)}'
    yield "</li>\n" + "</ol>\n</li>\n" * above if above >= 0 else ""
    yield "</ol>\n"


def _head(node: Node) -> str:
    time = f'<time datetime="{escape(node.time)}">{escape(node.time)}</time>' if node.time else ""
    reason = f'<p class="reason">{escape(node.reason)}</p>\n' if node.reason else ""
    return (
        f'<div class="head"><span class="kind">{_KINDS[node.kind]}</span> '
        f'<span class="title">{escape(node.title)}</span> {_marks(node)} {time}</div>\n{reason}'
    )


def _marks(node: Node) -> str:
    def sort(mark: Mark) -> str:
        return "asked" if mark is Mark.ASKED else "bad" if mark in _BAD else "warn"

    return " ".join(f'<span class="mark {sort(mark)}">{mark.value}</span>' for mark in node.marks)


def _facts(node: Node) -> str:
    facts = [*node.facts, *([("event", node.event_id)] if node.event_id else [])]
    if not facts:
        return ""
    shown = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts)
    return f'<dl class="facts">{shown}</dl>\n'


def _table(trace: Trace) -> Iterator[str]:
    """Yield all events in the order of time, each linked to its place in the tree."""
    rows = [(node, number) for number, (_, node) in enumerate(trace.walk()) if node.event_id]
    rows.sort(key=lambda row: (row[0].time or "~", row[1]))
    yield '<div class="scroll"><table>\n<caption>Each event once, with the time since the one before.</caption>\n'
    heads = ("time", "since", "what", "event", "notice", "Region", "account")
    yield "<thead><tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead>\n<tbody>\n"
    before: str | None = None
    for node, number in rows:
        facts = dict(node.facts)
        time = f'<time datetime="{escape(node.time)}">{escape(node.time)}</time>' if node.time else "not known"
        yield (
            f'<tr><td>{time}</td><td class="since">{_since(before, node.time)}</td><td>{_KINDS[node.kind]}</td>'
            f'<td><a href="#n{number}">{escape(node.title)}</a></td><td>{_marks(node)}</td>'
            f"<td>{escape(facts.get('Region', ''))}</td><td>{escape(facts.get('account', ''))}</td></tr>\n"
        )
        before = node.time or before
    yield "</tbody>\n</table></div>\n"


def _since(before: str | None, time: str | None) -> str:
    """Return how long after another time a time is."""
    if before is None or time is None:
        return ""
    # To the second: CloudTrail's times seldom have more, and those of one second are not ordered anyway.
    begin, end = (datetime.fromisoformat(each[:19]) for each in (before, time))
    seconds = int((end - begin).total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return "+" + (" ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s")
