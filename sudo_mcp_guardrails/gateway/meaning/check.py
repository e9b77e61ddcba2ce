"""The check that a script did what it declared: a difference is an alert, and never changes what the agent sees."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.meaning.compare import compare
from sudo_mcp_guardrails.gateway.meaning.tools import declared_by, warm
from sudo_mcp_guardrails.iam.catalogue import action_formats

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult

_log = logging.getLogger(__name__)
_SHOWN: Final = 10


class DeclaredCheck:
    """Compares the calls that a script made with those that it declared.

    Args:
        servers: AWS's own MCP servers behind the guard; others are not looked at.
    """

    name = "declared"

    def __init__(self, servers: Collection[str]) -> None:
        self._servers = frozenset(servers)
        # Read here, at the start, and not within the first call: the catalogue takes a second.
        action_formats("s3:GetObject")

    def warm(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Read a long script before it is judged; safe in another thread."""
        warm(tool, arguments)

    def before(self, session: Session, call: ToolCall) -> Outcome:  # noqa: ARG002 - a Check
        """Let every call pass: the decision looks at those."""
        return ALLOWED

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:
        """Say aloud what was made and not declared."""
        declared = declared_by(call) if call.server in self._servers else None
        if declared is None or "error" in result.body:
            return ALLOWED
        found = compare(declared, result)
        if not found.is_alert:
            return ALLOWED
        made = ", ".join(f"{service}:{operation}" for service, operation in found.undeclared[:_SHOWN])
        often = ", ".join(f"{each[0]}:{each[1]} {each[2]} times" for each in found.over[:_SHOWN])
        said = "; ".join(part for part in (made, often, found.unreadable) if part)
        _log.error("ALERT: session %s, run %s: a script did what it did not declare: %a", session.id, session.run, said)
        text = "The script made calls that it did not declare; a person is told."
        return Outcome(Verdict.ALLOW, (Reason("declared.difference", text),))
