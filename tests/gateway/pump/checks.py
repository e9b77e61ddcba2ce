"""Checks for guards that run as processes: ``--check tests.gateway.pump.checks:asks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.call import ALLOWED
from tests.gateway.pump.making import ASK, DENY, Check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Outcome, Session, ToolCall

nothing = Check()


def asks() -> Check:
    return Check(says={"count": ASK})


def denies() -> Check:
    return Check(says={"count": DENY})


class Listed(Check):
    """Denies what the server was not seen to list."""

    def before(self, _session: Session, call: ToolCall) -> Outcome:
        return ALLOWED if call.definition is not None and call.definition["name"] == call.tool else DENY

    def listed(
        self, _session: Session, _server: str, tools: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        return tools
