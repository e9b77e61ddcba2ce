"""The decision in the pump: asked, agreed to, counted once, in both eras of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget
from sudo_mcp_guardrails.gateway.guard import Guard
from sudo_mcp_guardrails.gateway.pump.limits import Limits
from sudo_mcp_guardrails.gateway.pump.link import Link
from sudo_mcp_guardrails.gateway.pump.pending import Shared
from sudo_mcp_guardrails.gateway.pump.sealing import Sealer
from tests.gateway.deciding.making import LIVE, deciding, session
from tests.gateway.deciding.scenario import APPLYING, AS_APPLY, LOOK, PUT
from tests.gateway.pump.making import MODERN, Clock, call, take, told

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.check import DecisionCheck

ELICITS = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {"elicitation": {}}}}
SCRIPT = "aws___run_script"


def link(check: DecisionCheck, **given: Any) -> Link:
    """Return a link with the decision in all its places."""
    guard = Guard([check], [check], observers=[check], policy_digest=check.digest)
    return Link(Shared(guard, "aws", Sealer(300, clock=Clock()), Limits()), session(**given), Clock())


def _asked(id_: int) -> dict[str, Any]:
    return call(id_, SCRIPT, PUT)


def test_agreed_by_elicitation_and_counted_once() -> None:
    """The era of 2025-11-25: the question, the answer, and a budget of one write that is then used up."""
    found = link(deciding(**AS_APPLY, budgets=(Budget(Amount.WRITES, 1, 60),)), **APPLYING)
    take(found, ELICITS)
    refused = told(take(found, _asked(1)).client)
    assert refused["method"] == "elicitation/create"
    assert take(found, {"jsonrpc": "2.0", "id": refused["id"], "result": {"action": "decline"}}).server is None
    asked = told(take(found, _asked(2)).client)
    agreed = {"action": "accept", "content": dict.fromkeys(asked["params"]["requestedSchema"]["properties"], True)}
    step = take(found, {"jsonrpc": "2.0", "id": asked["id"], "result": agreed})
    assert told(step.server)["params"]["arguments"] == PUT
    over = told(take(found, _asked(3)).client)
    assert "writes" in str(over["result"]["content"])


def test_input_required_names_the_reason() -> None:
    """The era of 2026-07-28: the question travels in the answer."""
    found = link(deciding(**AS_APPLY), **APPLYING)
    answer = told(take(found, call(1, SCRIPT, PUT, MODERN)).client)["result"]
    assert "class R1 at tier T1" in str(answer["inputRequests"])
    assert answer["requestState"]


def test_production_goes_to_the_workflow() -> None:
    """No client is asked; the agent learns what to do."""
    found = link(deciding(**AS_APPLY, environment=LIVE), **APPLYING)
    take(found, ELICITS)
    result = told(take(found, _asked(1)).client)["result"]
    assert result["isError"]
    assert "proposal function" in str(result["content"])


def test_meta_reaches_the_decision() -> None:
    """A profile in ``_meta`` is seen, though the server would see it too."""
    found = link(deciding())
    assert take(found, call(1, SCRIPT, LOOK)).server is not None
    step = take(found, call(2, SCRIPT, LOOK, {"AWS_PROFILE": "admin"}))
    assert step.server is None
    assert "credentials" in str(told(step.client)["result"]["content"])
