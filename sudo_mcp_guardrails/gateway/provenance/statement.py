"""What was executed, as in-toto statements, for who verifies such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "urn:sudo-mcp-guardrails:tool-call:v1"


def statements(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield an in-toto statement (v1) for each call that was made and answered.

    Args:
        records: Bodies, as :func:`~sudo_mcp_guardrails.gateway.provenance.reading.read_log` returns them. The subject
            is the answer; the predicate holds the call, its decision, its trace and its run. Statements carry no
            signature of their own: the log that they come from is signed.
    """
    calls: dict[tuple[str, int], dict[str, Any]] = {}
    for body in records:
        kind = body.get("kind")
        if kind not in {"call", "result"}:
            continue
        key = (body["attributes"]["mcp.session.id"], body["call"])
        if kind == "call":
            calls[key] = body
        elif body["answered"] and key in calls:
            yield _statement(calls.pop(key), body)


def _statement(call: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    name = f"{call['attributes']['mcp.server.name']}/{call['attributes']['gen_ai.tool.name']}"
    algorithm, _, value = result["result"].partition(":")
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: value}}],
        "predicateType": PREDICATE,
        "predicate": {
            **{each: call[each] for each in ("attributes", "trace", "run", "principal", "capability", "sop", "intent")},
            "definition": call["definition"],
            "arguments": call["arguments"],
            "decision": call["decision"],
            "outcome": {each: result[each] for each in ("size", "milliseconds", "decision")},
        },
    }
