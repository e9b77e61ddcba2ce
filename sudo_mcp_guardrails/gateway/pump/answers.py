"""What the guard itself says to a client: that a call is denied, or that a person is asked first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump.refusals import json_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Reason, ToolCall

QUESTION: Final = "sudo-mcp-guardrails.approval"
"""The key of the guard's question among those of an answer that asks for input."""

SHOWN: Final = 8_000
"""Characters of arguments that a person is shown: of a call with more, he cannot tell what he approves."""

_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "approve": {
            "type": "boolean",
            "title": "Approve this one call",
            "description": "Yes lets exactly this call through, once.",
            "default": False,
        }
    },
    "required": ["approve"],
}


def denial(id: str | int, reasons: Sequence[Reason], *, modern: bool, more: str = "") -> bytes:
    """Return the answer to a call that is not made, or whose result is not shown.

    A result with ``isError`` and no JSON-RPC error: agents read it, and can act on it.

    Args:
        id: Of the request.
        reasons: Why; their texts are meant for agents.
        modern: Whether the client speaks 2026-07-28 or later.
        more: What to do about it, a sentence.
    """
    said = " ".join(dict.fromkeys(f"{each.text} [{each.id}]" for each in reasons))
    text = " ".join(part for part in ("Denied by the guard.", said, more) if part)
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}], "isError": True}
    if modern:
        result["resultType"] = "complete"
    return json_bytes({"jsonrpc": "2.0", "id": id, "result": result})


def shown(call: ToolCall) -> str | None:
    """Return a call's arguments as a person is shown them, all of them; None where they are too long for that.

    Only ASCII, so that no invisible or turned character hides anything.
    """
    text = json.dumps(call.arguments, indent=1, ensure_ascii=True, default=dict)
    return text if len(text) <= SHOWN else None


def form(call: ToolCall, arguments: str, reasons: Sequence[Reason]) -> dict[str, Any]:
    """Return the parameters of the elicitation that asks about ``call``."""
    why = "\n".join(dict.fromkeys(f"- {each.text} [{each.id}]" for each in reasons))
    message = (
        f"The guard stopped a call and asks you. Approving lets exactly this call through, once.\n"
        f"Tool {call.tool!a} of server {call.server!a}, with arguments\n{arguments}\nWhy you are asked:\n{why}"
    )
    return {"mode": "form", "message": message, "requestedSchema": _SCHEMA}


def input_required(id: str | int, parameters: Mapping[str, Any], state: str) -> bytes:
    """Return the answer of 2026-07-28 that asks: the client comes back with the same call and the answer."""
    question = {"method": "elicitation/create", "params": dict(parameters)}
    result = {"resultType": "input_required", "inputRequests": {QUESTION: question}, "requestState": state}
    return json_bytes({"jsonrpc": "2.0", "id": id, "result": result})


def elicitation(id: str, parameters: Mapping[str, Any]) -> bytes:
    """Return the request to a client of an earlier era that asks; forms had no ``mode`` in the first of them."""
    return json_bytes({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": dict(parameters)})


def approves(answer: object) -> bool:
    """Return whether an elicitation's result says yes: accepted, with ``approve`` true and nothing else for it."""
    if not isinstance(answer, dict) or answer.get("action") != "accept":
        return False
    content = answer.get("content")
    return isinstance(content, dict) and content.get("approve") is True
