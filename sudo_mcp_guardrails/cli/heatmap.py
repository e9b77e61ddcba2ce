"""What remains of all actions, as an HTML page that one looks at rather than reads.

One file without scripts or outside assets. The shade says what share of a service's actions remains, the hue where: on
the agent's own resources alone, or anywhere, and there whether they read or change something. Every cell says its
numbers when pointed at and to a screen reader.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.remaining import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.cli.remaining import Remaining

_SHORT: Final = {"Permissions management": "Perms", "Tagging": "Tag"}
_STEPS: Final = 5
"""Shades of each hue: few enough to be told apart."""
_READS: Final = frozenset({"List", "Read"})
_CONTEXTS: Final = {
    "aws-mcp": "called through the AWS MCP Server",
    "other-mcp": "called through another managed MCP server",
    "direct": "called directly",
}
_WEIGHTS: Final = {"List": 1, "Read": 2, "Tagging": 20, "Write": 50, "Permissions management": 1000}
"""How much an action counts in the order of the rows: what changes things stands above what reads them."""

_STYLE: Final = """
:root { --ink:#1b1f24; --soft:#57606a; --line:#d8dee4; --page:#fff; --none:#f3f5f7;
  --any1:#fde3cf; --any2:#fbbf8f; --any3:#f28e3c; --any4:#d9601a; --any5:#a63603;
  --see1:#d9f0e8; --see2:#a6dbc9; --see3:#66c2a4; --see4:#2a9d78; --see5:#006d4c;
  --own1:#dbe9f6; --own2:#a9cde6; --own3:#6aaed6; --own4:#3182bd; --own5:#08519c; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6edf3; --soft:#9198a1; --line:#30363d; --page:#0d1117;
  --none:#1a2027; --any1:#4a2a14; --any2:#7d3f12; --any3:#b45a1a; --any4:#e07b2c; --any5:#ffb27a;
  --see1:#123a2e; --see2:#17594a; --see3:#1f8064; --see4:#38a884; --see5:#7fe0c0;
  --own1:#12304a; --own2:#1b4b74; --own3:#2a70a8; --own4:#4c9bd8; --own5:#9fd0f7; } }
* { box-sizing:border-box; }
body { margin:24px 32px; color:var(--ink); background:var(--page); font:14px/1.4 system-ui,sans-serif; }
h1 { font-size:22px; margin:0 0 2px; }
p { margin:2px 0 12px; color:var(--soft); max-width:110ch; }
.cards { display:flex; flex-wrap:wrap; gap:12px; margin:14px 0; }
.card { border:1px solid var(--line); border-radius:6px; padding:8px 14px 10px; }
.card h2 { font-size:13px; margin:0; text-transform:uppercase; letter-spacing:.05em; color:var(--soft); }
.card b { font-size:22px; }
.card ul { display:grid; grid-template-columns:repeat(31,8px); gap:1px; list-style:none; margin:8px 0 6px; padding:0; }
.card li { height:8px; background:var(--none); }
.card li:hover { outline:2px solid var(--ink); }
.card small { color:var(--soft); display:block; }
.legend { display:flex; flex-wrap:wrap; gap:14px; align-items:center; margin:10px 0 14px; color:var(--soft);
  font-size:13px; }
.legend span { display:inline-flex; align-items:center; gap:2px; }
.legend i { display:inline-block; width:22px; height:14px; }
.legend em { font-style:normal; margin-left:6px; }
table { border-collapse:separate; border-spacing:1px; }
thead th { position:sticky; background:var(--page); font-weight:600; z-index:1; }
thead tr:first-child th { top:0; height:24px; text-align:center; border-bottom:2px solid var(--line); }
thead tr:last-child th { top:25px; font-size:11px; color:var(--soft); font-weight:400; padding:0 2px 3px; }
tbody th { text-align:right; font-weight:400; font-size:13px; padding:0 8px 0 0; white-space:nowrap; }
td { width:50px; min-width:50px; height:22px; padding:0; background:var(--none); }
td.void { background:transparent; }
td.gap, th.gap { width:12px; min-width:12px; background:transparent; }
td:hover { outline:2px solid var(--ink); outline-offset:-1px; }
tbody tr:hover th { font-weight:700; }
.said { position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap; }
details { margin-top:18px; color:var(--soft); }
details p { font-size:12px; }
"""


def render(agent: str, counts: Mapping[str, Sequence[Remaining]], *, context: str, catalogue: str) -> str:
    """Return the page.

    Args:
        agent: Name of the agent.
        counts: What remains, by capability, in the order of the columns.
        context: How the calls come, such as ``direct``.
        catalogue: Version of the action data.
    """
    cells = {kind: {(c.service, c.level): c for c in rows} for kind, rows in counts.items()}
    services = list(dict.fromkeys(c.service for rows in counts.values() for c in rows))
    weight = {service: _weight(service, cells) for service in services}
    shown = sorted((s for s in services if weight[s] > 0), key=lambda s: (-weight[s], s))
    closed = sorted(s for s in services if not weight[s])
    body = "\n".join(_row(service, cells) for service in shown)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What remains for {escape(agent)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>What remains for {escape(agent)}</h1>
<p>Of every action that AWS has (catalogue {escape(catalogue)}), those that some request of the role is allowed,
{escape(_CONTEXTS.get(context, context))}. What is not coloured is proved to be impossible, whatever the resource and
the condition keys. Each small square is a service, in the order of the alphabet.</p>
<div class="cards">
{"".join(_card(kind, rows) for kind, rows in counts.items())}</div>
{_legend()}
<table>
<caption class="said">Share of actions that remain, by service, capability and access level</caption>
<thead>
{_head(list(counts))}
</thead>
<tbody>
{body}
</tbody>
</table>
<details><summary>{len(closed)} services of which nothing remains</summary>
<p>{", ".join(map(escape, closed))}</p></details>
</body>
</html>
"""


def _weight(service: str, cells: Mapping[str, Mapping[tuple[str, str], Remaining]]) -> float:
    """Return how far up a service's row belongs."""
    found = [c for by_place in cells.values() for level in LEVELS if (c := by_place.get((service, level)))]
    return sum(_WEIGHTS[c.level] * (c.anywhere * 4 + c.own) for c in found)


def _card(kind: str, rows: Sequence[Remaining]) -> str:
    """Return the totals of one capability, above a field in which each square is a service of AWS."""
    total = sum(c.total for c in rows)
    anywhere, own, unknown = (sum(getattr(c, name) for c in rows) for name in ("anywhere", "own", "unknown"))
    changing = sum(c.remaining for c in rows if c.level not in _READS)
    doubt = f"<small>{unknown:,} could not be told</small>" if unknown else ""
    by_service: dict[str, list[Remaining]] = {}
    for count in rows:
        by_service.setdefault(count.service, []).append(count)
    squares = "".join(_square(service, counts) for service, counts in sorted(by_service.items()))
    return f"""<section class="card"><h2>{escape(kind)}</h2><b>{anywhere + own:,}</b> of {total:,}
<ul aria-hidden="true">{squares}</ul>
<small>{anywhere:,} anywhere, {own:,} on own resources alone</small>
<small>{changing:,} that change something</small>{doubt}</section>
"""


def _square(service: str, counts: Sequence[Remaining]) -> str:
    """Return one service of the field; the gravest hue that it has, since a square is too small for several."""
    remaining, total = sum(c.remaining for c in counts), sum(c.total for c in counts)
    title = f' title="{escape(service)}: {remaining} of {total} actions remain"'
    if not remaining:
        return f"<li{title}></li>"
    changes = any(c.anywhere for c in counts if c.level not in _READS)
    hue = "any" if changes else "own" if any(c.own for c in counts) else "see"
    return f'<li{title} style="background:var(--{hue}{_shade(remaining, total)})"></li>'


def _legend() -> str:
    def scale(hue: str, text: str) -> str:
        shades = "".join(f'<i style="background:var(--{hue}{n})"></i>' for n in range(1, _STEPS + 1))
        return f"<span>{shades}<em>{text}</em></span>"

    return (
        '<div class="legend">'
        + scale("any", "change something anywhere: from few actions to all")
        + scale("see", "read anywhere")
        + scale("own", "on the agent's own resources alone")
        + '<span><i style="background:var(--none)"></i><em>nothing remains</em></span>'
        + "<span><em>blank: no such action</em></span></div>"
    )


def _head(kinds: Sequence[str]) -> str:
    groups = "".join(
        f'<th class="gap"></th><th colspan="{len(LEVELS)}" scope="colgroup">{escape(k)}</th>' for k in kinds
    )
    levels = "".join(
        '<th class="gap"></th>' + "".join(f'<th scope="col" title="{v}">{_SHORT.get(v, v)}</th>' for v in LEVELS)
        for _ in kinds
    )
    return f'<tr><th rowspan="2" scope="col"><span class="said">service</span></th>{groups}</tr>\n<tr>{levels}</tr>'


def _row(service: str, cells: Mapping[str, Mapping[tuple[str, str], Remaining]]) -> str:
    found = "".join(
        '<td class="gap"></td>' + "".join(_cell(kind, by_place.get((service, level))) for level in LEVELS)
        for kind, by_place in cells.items()
    )
    return f'<tr><th scope="row">{escape(service)}</th>{found}</tr>'


def _cell(kind: str, count: Remaining | None) -> str:
    if count is None:
        return '<td class="void"></td>'
    said = (
        f"{kind}, {count.service}, {count.level}: {count.remaining} of {count.total} actions remain"
        + (f", {count.anywhere} anywhere, {count.own} on own resources alone" if count.remaining else "")
        + (f", {count.unknown} could not be told" if count.unknown else "")
    )
    return f'<td title="{escape(said)}"{_colour(count)}><span class="said">{escape(said)}</span></td>'


def _colour(count: Remaining) -> str:
    """Return the style of a cell: the shade for how much remains, the hue for where."""
    if not count.remaining:
        return ""
    shade = _shade(count.remaining, count.total)
    anywhere = "see" if count.level in _READS else "any"
    if not count.own or not count.anywhere:
        return f' style="background:var(--{anywhere if count.anywhere else "own"}{shade})"'
    part = round(100 * count.anywhere / count.remaining)
    return f' style="background:linear-gradient(90deg,var(--{anywhere}{shade}) {part}%,var(--own{shade}) {part}%)"'


def _shade(remaining: int, total: int) -> int:
    """Return one of the shades; rounded up, so that a single action of a hundred is seen."""
    return -(-remaining * _STEPS // total)
