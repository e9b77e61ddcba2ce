"""The observer that records each decision and each result; what it cannot record does not happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.provenance.records import Digests, call_body, result_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.call import Outcome, Session, ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.provenance.log import RecordLog
    from sudo_mcp_guardrails.gateway.taint.facts import Facts

_OPEN: Final = 10_000
"""Most calls whose time of beginning is kept."""


class ProvenanceObserver:
    """Writes to a log what was decided and what came back.

    Args:
        log: Where to.
        key: 32 bytes for digests of content, kept apart from the log.
        facts: What the taint check knows of a call, :meth:`~sudo_mcp_guardrails.gateway.taint.check.TaintCheck.facts`;
            None where none is asked, and then a log cannot be decided again.
        clock: Seconds, for durations.
    """

    name = "provenance"

    def __init__(
        self,
        log: RecordLog,
        key: bytes,
        facts: Callable[[Session, ToolCall], Facts] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._digests = Digests(key)
        self._facts = facts
        self._clock = clock
        self._begun: dict[tuple[str, int], float] = {}
        self._definitions: dict[int, tuple[object, str]] = {}

    def decided(self, session: Session, call: ToolCall, outcome: Outcome) -> None:
        """Record a call before it is made, or instead."""
        facts = self._facts(session, call) if self._facts else None
        self._log.add(call_body(session, call, outcome, facts, self._definition(call), self._digests))
        if len(self._begun) >= _OPEN:
            self._begun.pop(next(iter(self._begun)))
        self._begun[session.id, call.number] = self._clock()

    def answered(self, session: Session, call: ToolCall, result: ToolResult, outcome: Outcome) -> None:
        """Record a result, also one that never came."""
        now = self._clock()
        took = (now - self._begun.pop((session.id, call.number), now)) * 1000
        self._log.add(result_body(session, call, result, outcome, took, self._digests))

    def _definition(self, call: ToolCall) -> str:
        if call.definition is None:
            return ""
        known = self._definitions.get(id(call.definition))
        if known is None or known[0] is not call.definition:
            if len(self._definitions) >= _OPEN:
                self._definitions.clear()
            known = self._definitions[id(call.definition)] = (call.definition, digest(call.definition))
        return known[1]
