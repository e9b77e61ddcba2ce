"""``mcp-guardrails approvals``: decide in a terminal, and check and export the evidence of what was decided."""

from __future__ import annotations

import typer

from sudo_mcp_guardrails.cli.approvals.deciding import approve, refuse
from sudo_mcp_guardrails.cli.approvals.export import export
from sudo_mcp_guardrails.cli.approvals.reading import list_approvals, show
from sudo_mcp_guardrails.cli.approvals.serve import serve
from sudo_mcp_guardrails.cli.approvals.trust import trust
from sudo_mcp_guardrails.cli.approvals.verify import verify

app = typer.Typer(no_args_is_help=True)
app.command("list")(list_approvals)
for command in (show, approve, refuse, trust, verify, export, serve):
    app.command(command.__name__)(command)
