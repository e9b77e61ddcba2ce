"""The demo's result as one HTML file that refers to nothing outside itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.demo.play import Outcome
    from sudo_mcp_guardrails.local.demo.run import DemoResult

_STYLE: Final = """
:root { color-scheme: light dark; --ok: #17692f; --bad: #b3261e; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: .2rem; } .lead { margin-top: 0; opacity: .8; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.2rem 0; }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .6rem 1rem; min-width: 7rem; }
.card b { display: block; font-size: 1.7rem; line-height: 1.2; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .8rem 0 .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); } td.what { overflow-wrap: anywhere; }
code, pre { font-size: .87em; } pre { overflow-x: auto; padding: .6rem; background: var(--soft); }
small { opacity: .75; overflow-wrap: anywhere; }
.ok { color: var(--ok); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
@media (prefers-color-scheme: dark) { :root { --ok: #6fcf97; --bad: #ff8a80; } }
@media print { body { max-width: none; } tr { break-inside: avoid; } }
"""


def render(result: DemoResult) -> str:
    """Return the report as HTML."""
    surprises = len(result.surprises)
    denied = sum(1 for outcome in result.outcomes if not outcome.play.allowed)
    both = sum(1 for outcome in result.outcomes if outcome.shown_by == "both")
    cards = (
        ("scenarios", len(result.outcomes)),
        ("attacks refused", denied),
        ("shown by both", both),
        ("surprises", surprises),
        ("accepted findings", result.packs.accepted if result.packs else 0),
        ("seconds", round(result.seconds)),
    )
    shown = "".join(f'<div class="card"><b>{n}</b>{escape(name)}</div>' for name, n in cards)
    verdict = "Every decision was the expected one."
    if surprises:
        verdict = f"{surprises} decisions were not as expected."
    steps = "".join(f"<tr><td>{escape(name)}</td><td>{seconds:.1f}</td></tr>" for name, seconds in result.steps)
    rows = "".join(_row(outcome) for outcome in result.outcomes)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Agents against their guardrails</title><style>{_STYLE}</style></head><body><main>
<h1>Agents against their guardrails</h1>
<p class="lead">{escape(verdict)} Each request was made for real on the embedded AWS, and decided by the evaluator
on the policies as data; the two know nothing of each other.</p>
<div class="cards">{shown}</div>
<table><caption>Scenarios</caption><thead><tr><th scope="col">Agent</th><th scope="col">Session</th>
<th scope="col">Request</th><th scope="col">Expected</th><th scope="col">Embedded AWS</th><th scope="col">Evaluator</th>
</tr></thead><tbody>{rows}</tbody></table>
{_approvals(result)}
{_trail(result)}
{_watched(result)}
<table><caption>Steps</caption><thead><tr><th scope="col">Step</th><th scope="col">Seconds</th></tr></thead>
<tbody>{steps}</tbody></table>
<h2>Argued, not shown</h2>
<p>What neither witness can show: the real service that sets the MCP context keys (a marker stands in for it), a
second factor at an identity provider (the approvers and their codes are made up), what Terraform would do, live
eventual consistency, service quotas, IAM Access Analyzer, that a function is kept inside its VPC, that what is at
rest is encrypted, and how fast AWS's own CloudTrail, queues and functions are.</p>
</main></body></html>
"""


def _approvals(result: DemoResult) -> str:
    """Return what the evidence of the approvals is worth, where there are any."""
    if result.approvals is None:
        return ""
    lines = "\n".join(result.approvals.lines())
    return f'<h2>Approvals</h2><pre tabindex="0">{escape(lines)}</pre>'


def _trail(result: DemoResult) -> str:
    """Return what the audit trail has, where there is one."""
    if result.trail is None:
        return ""
    lines = "\n".join(result.trail.lines())
    return f'<h2>The audit trail</h2><pre tabindex="0">{escape(lines)}</pre>'


def _watched(result: DemoResult) -> str:
    """Return what the detections found, and what the kill switch did."""
    parts = [part for part in (result.watching, result.gateway, result.containment) if part is not None]
    lines = "\n".join(line for part in parts for line in part.lines())
    return f'<h2>Watching and stopping</h2><pre tabindex="0">{escape(lines)}</pre>' if parts else ""


def _row(outcome: Outcome) -> str:
    play = outcome.play
    action = escape(play.action or f"{play.service}.{play.method}")
    return (
        f"<tr><td>{escape(play.agent)}</td><td>{escape(play.capability)}</td>"
        f'<td class="what">{escape(play.title)}<br><code>{action}</code> <small>{escape(play.resource)}</small></td>'
        f"<td>{outcome.expected}</td>{_said(outcome.embedded, outcome, _noted(outcome))}"
        f"{_said(outcome.evaluator, outcome, outcome.why)}</tr>"
    )


def _noted(outcome: Outcome) -> str:
    """Return what was answered, and what was recorded of it."""
    return f"{outcome.detail}; recorded: {outcome.recorded}" if outcome.recorded else outcome.detail


def _said(said: str | None, outcome: Outcome, note: str) -> str:
    if said is None and outcome.agreed:
        return '<td class="what">not asked</td>'
    style = "ok" if said == outcome.expected else "bad"
    shown = f'<span class="{style}">{said or "could not tell"}</span>'
    return f'<td class="what">{shown}<br><small>{escape(note)}</small></td>'
