"""What led to findings, out of the store that they were found in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.tracing import whole_trace

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.detection.finding import Finding

MAX_TRACES: Final = 200
"""Runs whose trace is looked up; a finding of another one says how to see its own."""
_MAX_EVENTS: Final = 2_000


def with_traces(findings: dict[str, Finding], store: Path) -> None:
    """Give findings the traces of their runs, the worst findings first.

    Args:
        findings: By id; those that get a trace are replaced.
        store: That ``trail ingest`` made.
    """
    from sudo_mcp_guardrails.detection.watch import LEVELS
    from sudo_mcp_guardrails.trail.trace.gather import NotInTrailError, gather
    from sudo_mcp_guardrails.trail.trace.store import store_rows
    from sudo_mcp_guardrails.trail.trace.tree import trace

    rows, known = store_rows(store), dict[str, Any]()
    for finding in sorted(findings.values(), key=lambda one: (-LEVELS.index(one.alert.level), one.id)):
        subject = finding.alert.subject
        asked = subject.attribution.run or subject.attribution.session
        if not asked or (asked not in known and len(known) >= MAX_TRACES):
            continue
        if asked not in known:
            try:
                known[asked] = trace(gather(asked, rows, limit=_MAX_EVENTS))
            except NotInTrailError:  # the store keeps what it knows, and a session may have no event of its own
                known[asked] = None
        if known[asked] is not None:
            findings[finding.id] = replace(finding, trace=whole_trace(subject, known[asked]))
