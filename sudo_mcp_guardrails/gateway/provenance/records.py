"""What the records of a call say: names of OpenTelemetry, digests in place of content, and a label for each argument.

A value of an argument or a result stands there as an HMAC under a key of the log, which the guard does not write down:
equal values can be told equal within a log, and a short one cannot be guessed from it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.canonical import canonical

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.call import Outcome, Session, ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.taint.facts import Facts

VERSION: Final = 1
_TRACED: Final = ("traceparent", "tracestate")
_LONGEST: Final = 512


class Digests:
    """Digests of values under a key."""

    def __init__(self, key: bytes) -> None:
        """Take the key, of 32 bytes."""
        self._key = key

    def of(self, value: object) -> str:
        """Return ``hmac-sha256:`` and the digest of a JSON value."""
        return "hmac-sha256:" + hmac.new(self._key, canonical(value), hashlib.sha256).hexdigest()


def call_body(  # noqa: PLR0917 - each is needed once
    session: Session, call: ToolCall, outcome: Outcome, facts: Facts | None, definition: str, digests: Digests
) -> dict[str, Any]:
    """Return what a record says of a call that was decided.

    Args:
        session: Of the client.
        call: As it goes on, or as it was refused.
        outcome: What was decided.
        facts: Where its arguments come from; None where nobody looked.
        definition: Digest of the tool's definition; empty where it was never listed.
        digests: Of the log.
    """
    return {
        "v": VERSION,
        "kind": "call",
        "attributes": _attributes(session, call),
        "trace": {name: str(call.trace[name])[:_LONGEST] for name in _TRACED if name in call.trace},
        "run": session.run,
        "principal": session.principal,
        "capability": session.capability,
        "sop": session.sop,
        "intent": digests.of(session.intent) if session.intent is not None else None,
        "call": call.number,
        "definition": definition,
        "arguments": digests.of(dict(call.arguments)),
        "facts": None if facts is None else facts_document(facts, digests),
        "decision": decision_document(outcome),
    }


def result_body(  # noqa: PLR0917 - each is needed once
    session: Session, call: ToolCall, result: ToolResult, outcome: Outcome, milliseconds: float, digests: Digests
) -> dict[str, Any]:
    """Return what a record says of a result, also of one that never came."""
    failed = "error" in result.body or bool(result.body.get("isError"))
    return {
        "v": VERSION,
        "kind": "result",
        "attributes": _attributes(session, call) | ({"error.type": "tool_error"} if failed else {}),
        "run": session.run,
        "call": call.number,
        "result": digests.of(dict(result.body)),
        "size": result.size,
        "answered": result.size > 0,
        "milliseconds": round(milliseconds, 3),
        "decision": decision_document(outcome),
    }


def decision_document(outcome: Outcome) -> dict[str, Any]:
    """Return a decision as records have it."""
    return {
        "verdict": outcome.verdict.value,
        "reasons": [{"id": each.id, "rule": each.rule, "person": each.person} for each in outcome.reasons],
        "changed": outcome.value is not None,
    }


def facts_document(facts: Facts, digests: Digests) -> dict[str, Any]:
    """Return what is known of a call, with digests in place of values."""
    return {
        "writes": facts.writes,
        "guarded": facts.guarded,
        "intent": facts.intent,
        "tainted": facts.tainted,
        "inScope": facts.in_scope,
        "delegated": facts.delegated,
        "follows": facts.follows,
        "tied": facts.tied,
        "arguments": [
            {
                "path": each.path,
                "value": digests.of(each.value),
                "origin": each.origin.name.lower(),
                "authority": each.authority,
                "strange": each.strange,
            }
            for each in facts.arguments
        ],
    }


def _attributes(session: Session, call: ToolCall) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.agent.name": session.agent,
        "gen_ai.tool.name": call.tool,
        "mcp.method.name": "tools/call",
        "mcp.session.id": session.id,
        "mcp.server.name": call.server,
    }
