"""Measures what all rules say of work in which nothing is wrong, and writes it as Markdown."""

from __future__ import annotations

import json
import os
import platform
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.detection.benign import samples
from benchmarks.detection.benign.actors import ACTORS, WORKFLOW
from benchmarks.detection.benign.approved import flown
from benchmarks.detection.benign.caller import Caller
from benchmarks.detection.benign.furnishing import furnish
from benchmarks.detection.benign.looking import look
from benchmarks.detection.benign.playing import Played, play
from benchmarks.detection.benign.rewriting import DAYS, spread
from benchmarks.detection.benign.trail import record_all
from benchmarks.detection.benign.world import deploy
from sudo_mcp_guardrails.detection.compiled import shipped
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

if TYPE_CHECKING:
    from benchmarks.detection.benign.looking import Looked

CALLS: Final = 20_000
"""How many calls are really made."""
COPIES: Final = 6
EVENTS: Final = 100_000
"""How many events are asked for at least."""
LIMIT: Final = 1.0
"""Findings of a thousand events, of all rules together."""
APPROVALS: Final = 24
"""How many approvals are really proposed, decided and carried out."""
_AT_ONCE: Final = 500
"""Of the approvals' events, those that belong to one hour."""
_WAIT_SCALE: Final = 0.1


def played(seed: int) -> tuple[list[Played], int]:
    """Play the work on an embedded AWS of its own; return the sessions, and how many calls were made."""
    with (
        tempfile.TemporaryDirectory(prefix="mcp-guardrails-benign-") as folder,
        EmbeddedAws(report=_say, wait_scale=_WAIT_SCALE) as aws,
    ):
        url = deploy(aws, Path(folder), _say)
        furnish(aws)
        record_all(aws)
        caller = Caller(aws, url)
        sessions = play(caller, seed, CALLS, _say)
    place = next(place for place, actor in enumerate(ACTORS) if actor.name == WORKFLOW)
    events = flown(APPROVALS, _say)
    for begin in range(0, len(events), _AT_ONCE):
        sessions.append(Played(len(sessions), place, "session", events[begin : begin + _AT_ONCE]))
    return sessions, caller.calls + len(events)


@dataclass(frozen=True)
class Measured:
    """What a run came to.

    Attributes:
        seed: that decided it.
        sessions: that were played.
        calls: that were made.
        found: what all rules said of what they became.
        published: how many events of the published trails were looked at.
        said: findings of these, by rule.
        seconds: of all of it.
    """

    seed: int
    sessions: list[Played]
    calls: int
    found: Looked
    published: int
    said: Counter[str]
    seconds: float

    @property
    def rate(self) -> float:
        """Findings of a thousand benign events, of all rules together."""
        return per_thousand(sum(self.found.findings.values()), self.found.events)


def run(seed: int | None = None) -> tuple[str, list[str]]:
    """Measure; return the report as Markdown, and what was missed.

    Args:
        seed: decides who does what, and when. Default: a new one, which the report names.
    """
    measured = measure(secrets.randbelow(10**9) if seed is None else seed)
    missed = []
    if measured.found.events < EVENTS:
        missed.append(f"{measured.found.events} benign events were looked at, the limit is {EVENTS}")
    if measured.rate > LIMIT:
        missed.append(f"findings are {measured.rate:.2f} of a thousand benign events, the limit is {LIMIT:g}")
    return _report(measured), missed


def measure(seed: int) -> Measured:
    """Play, lay out and look."""
    started = time.perf_counter()
    sessions, calls = played(seed)
    found = look(spread(sessions, seed, COPIES))
    said = Counter[str]()
    count = 0
    # Each by itself: what one tool does for one attack says nothing of the next.
    for events in samples.benign().values():
        one = look(map(json.dumps, events))
        said += one.findings
        count += one.events
    return Measured(seed, sessions, calls, found, count, said, time.perf_counter() - started)


def per_thousand(findings: int, events: int) -> float:
    """Return how many findings a thousand events make; none of no events."""
    return 1000 * findings / events if events else 0.0


def _report(measured: Measured) -> str:
    book, found = shipped(), measured.found
    names = sorted({*(one.name for one in book.rules), *(one.name for one in book.correlations)})
    kinds = Counter(ACTORS[session.actor].kind for session in measured.sessions)
    rows = "\n".join(
        f"| `{name}` | {found.levels[name]} | {findings:,} | {found.alerts[name]:,} | "
        f"{per_thousand(findings, found.events):.3f} |"
        for name, findings in found.findings.most_common()
    )
    total, alerts = sum(found.findings.values()), sum(found.alerts.values())
    made = sum(len(session.events) for session in measured.sessions)
    silent = [f"`{name}`" for name in names if not found.findings[name]]
    shown = ", ".join(f"`{name}` {number}" for name, number in measured.said.most_common()) or "none"
    return f"""\
Seed {measured.seed}: {measured.calls:,} calls of {len(measured.sessions):,} sessions, {made:,} events of the embedded \
AWS's trail; laid out {COPIES} times over {DAYS} days, with what no call makes, {found.events:,} events, \
{found.agents:,} of them of agents. Of the sessions \
{", ".join(f"{number:,} of {kind}" for kind, number in sorted(kinds.items()))}.

| rule | level | findings | alerts | findings of a thousand events |
|---|---|---:|---:|---:|
{rows}
| all {len(names)} together | | {total:,} | {alerts:,} | {measured.rate:.3f} |

The limit of {LIMIT:g} of a thousand is {"kept" if measured.rate <= LIMIT else "missed"}. A finding puts the alerts of \
one rule about one run, session or role on one day together. The other {len(silent)} rules made no finding: \
{", ".join(silent)}.

The layers that learn, which learned {found.learned:,} runs on the way, beside the rules; plans are not compared, \
since nothing of what agents apply here was approved by them:

| layer | findings | alerts | findings of a thousand events | of a thousand events of agents |
|---|---:|---:|---:|---:|
{_layers(found)}

On the {measured.published} events of the published trails that show no attack: findings: {shown}.

Measured with Python {platform.python_version()} on {platform.system()} {platform.machine()} with {os.cpu_count()} \
cores, in {measured.seconds:.0f} s."""


def _layers(found: Looked) -> str:
    """Return a row for each layer that learns, also for one that said nothing."""
    rows = []
    for name in ("new-term", "surprise", "rate"):
        counts = found.layers.get(name, Counter())
        findings, alerts = counts["findings"], counts["alerts"]
        rows.append(
            f"| {name} | {findings:,} | {alerts:,} | {per_thousand(findings, found.events):.3f} | "
            f"{per_thousand(findings, found.agents):.3f} |"
        )
    return "\n".join(rows)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
