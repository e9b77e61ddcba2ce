"""``mcp-guardrails trail``: the audit pipeline by hand, with no AWS account where the files are at hand."""

from __future__ import annotations

from sudo_mcp_guardrails.cli.commands import Command

COMMANDS = (
    Command(
        "ingest",
        "sudo_mcp_guardrails.cli.trail.ingest:ingest",
        "Take trail files in: read, attribute and keep every event, each once.",
    ),
    Command(
        "trace",
        "sudo_mcp_guardrails.cli.trail.trace:trace",
        "Show person, grant, session, tool calls, API calls and approval behind a run, event, request or session.",
    ),
    Command(
        "query",
        "sudo_mcp_guardrails.cli.trail.query:query",
        "Ask a store in SQL, read-only.",
    ),
    Command(
        "reconcile",
        "sudo_mcp_guardrails.cli.trail.reconcile:reconcile",
        "Compare trail files, digests, ledger and events, and take in what is missing.",
    ),
    Command(
        "backfill",
        "sudo_mcp_guardrails.cli.trail.backfill:backfill",
        "Take in what a range of days holds and the sink has not.",
    ),
    Command(
        "verify",
        "sudo_mcp_guardrails.cli.trail.verify:verify",
        "Recompute the hash chain of a store, and check CloudTrail's digests and the files that they name.",
    ),
    Command(
        "publish",
        "sudo_mcp_guardrails.cli.trail.publish:publish",
        "Publish the daily head of a store, so that a tail that is cut off shows.",
    ),
)
