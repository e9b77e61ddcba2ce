"""``mcp-guardrails gateway``: the guard in the path of every MCP tool call, and what it thinks of one."""

from __future__ import annotations

from sudo_mcp_guardrails.cli.commands import Command

COMMANDS = (
    Command(
        "run",
        "sudo_mcp_guardrails.cli.gateway.run:run",
        "Stand between an MCP client and a server: gateway -- COMMAND…, or gateway --url URL.",
    ),
    Command(
        "check",
        "sudo_mcp_guardrails.cli.gateway.check:check",
        "Say what a script for the AWS MCP Server would do, how dangerous that is, and what an agent's role allows.",
    ),
    Command(
        "pin",
        "sudo_mcp_guardrails.cli.gateway.pin:pin",
        "Show what a server is, and let through nothing but that from then on.",
    ),
    Command(
        "pins",
        "sudo_mcp_guardrails.cli.gateway.pins:app",
        "Compare servers with the lock file, or look at the lock file itself.",
    ),
    Command(
        "verify",
        "sudo_mcp_guardrails.cli.gateway.records:verify",
        "Check that the guard's log is whole and signed.",
    ),
    Command(
        "replay",
        "sudo_mcp_guardrails.cli.gateway.records:replay",
        "Decide a recorded session again under other rules of taint.",
    ),
    Command(
        "eval",
        "sudo_mcp_guardrails.cli.gateway.eval:evaluate",
        "Count which published attacks are executed, and which honest tasks are left alone.",
    ),
)
