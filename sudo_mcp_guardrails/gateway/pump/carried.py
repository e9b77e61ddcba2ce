"""What a client of 2026-07-28 carries back to the guard with a call: the answer to a question, and sealed state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.pump import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.pump.sealing import State


def response(params: Mapping[str, Any]) -> object:
    """Return the answer to the guard's own question, as a request carries it."""
    responses = params.get("inputResponses")
    return responses.get(answers.QUESTION) if isinstance(responses, dict) else None


def unwrapped(params: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Return the parameters as the server is to see them: without what was between the guard and the client."""
    own = {"requestState"} if state.kind == "go-on" else {"requestState", "inputResponses"}
    kept = {key: value for key, value in params.items() if key not in own}
    if state.inner is not None:
        kept["requestState"] = state.inner
    if state.responses is not None:
        kept["inputResponses"] = state.responses
    return kept
