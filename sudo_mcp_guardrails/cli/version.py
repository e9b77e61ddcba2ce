"""``mcp-guardrails --version``."""

from __future__ import annotations

import typer

import sudo_mcp_guardrails


def show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    """Print the version and end, where ``--version`` was given."""
    if wanted:
        typer.echo(f"mcp-guardrails {sudo_mcp_guardrails.__version__}")
        raise typer.Exit
