"""``mcp-guardrails trail``: the audit pipeline by hand, with no AWS account where the files are at hand."""

from __future__ import annotations

import typer

from sudo_mcp_guardrails.cli.trail.backfill import backfill
from sudo_mcp_guardrails.cli.trail.ingest import ingest
from sudo_mcp_guardrails.cli.trail.publish import publish
from sudo_mcp_guardrails.cli.trail.query import query
from sudo_mcp_guardrails.cli.trail.reconcile import reconcile
from sudo_mcp_guardrails.cli.trail.trace import trace
from sudo_mcp_guardrails.cli.trail.verify import verify

app = typer.Typer(no_args_is_help=True)
for command in (ingest, trace, query, reconcile, backfill, verify, publish):
    app.command(command.__name__)(command)
