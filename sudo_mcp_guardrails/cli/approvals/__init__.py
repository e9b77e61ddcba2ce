"""``mcp-guardrails approvals``: decide in a terminal, and check and export the evidence of what was decided."""

from __future__ import annotations

from sudo_mcp_guardrails.cli.commands import Command

COMMANDS = (
    Command(
        "list",
        "sudo_mcp_guardrails.cli.approvals.reading:list_approvals",
        "List what is to be decided.",
    ),
    Command(
        "show",
        "sudo_mcp_guardrails.cli.approvals.reading:show",
        "Show what an approval is about, its risk and why, and what happened; it is recorded that you saw it.",
    ),
    Command(
        "approve",
        "sudo_mcp_guardrails.cli.approvals.deciding:approve",
        "Approve what is shown, and nothing else, by a fresh sign-in.",
    ),
    Command(
        "refuse",
        "sudo_mcp_guardrails.cli.approvals.deciding:refuse",
        "Refuse what is shown, by a fresh sign-in.",
    ),
    Command(
        "trust",
        "sudo_mcp_guardrails.cli.approvals.trust:trust",
        "Show what an agent has earned and why, or promote, demote or introduce it by a fresh sign-in.",
    ),
    Command(
        "delegate",
        "sudo_mcp_guardrails.cli.approvals.delegating:delegate",
        "Let somebody decide in your place for a while, list what was lent to you, or end it.",
    ),
    Command(
        "delegations",
        "sudo_mcp_guardrails.cli.approvals.delegations:delegations",
        "List what you lent and what was lent to you: to or from whom, for what, from when and until when.",
    ),
    Command(
        "enrol-code",
        "sudo_mcp_guardrails.cli.approvals.enrolling:enrol_code",
        "Offer somebody a code of one use, by which he enrols a passkey on the page; shown once.",
    ),
    Command(
        "verify",
        "sudo_mcp_guardrails.cli.approvals.verify:verify",
        "Check every chain: digests, order, signatures, whose key signed what, published heads, and what was allowed.",
    ),
    Command(
        "export",
        "sudo_mcp_guardrails.cli.approvals.export:export",
        "Write the evidence as an auditor reads it; with the keys, each row says whether its chain and proof hold.",
    ),
    Command(
        "serve",
        "sudo_mcp_guardrails.cli.approvals.serve:serve",
        "Run the approval page on this machine, to try it out, until Ctrl-C.",
    ),
)
