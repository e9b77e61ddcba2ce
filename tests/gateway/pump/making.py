"""What the tests of the pump are made of: checks that say what they are told, and links to nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Session, Verdict
from sudo_mcp_guardrails.gateway.guard import Guard
from sudo_mcp_guardrails.gateway.pump.envelope import CAPABILITIES_KEY, VERSION_KEY
from sudo_mcp_guardrails.gateway.pump.limits import Limits
from sudo_mcp_guardrails.gateway.pump.link import Link
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.pending import Shared
from sudo_mcp_guardrails.gateway.pump.sealing import Sealer

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.call import ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.pump.pending import Step

MODERN = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {"elicitation": {"form": {}}}}


@dataclass
class Check:
    """Says what it is told, by the name of the tool, and remembers what it was asked."""

    name: str = "told"
    says: dict[str, Outcome] = field(default_factory=dict)
    of_results: dict[str, Outcome] = field(default_factory=dict)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)

    def before(self, _session: Session, call: ToolCall) -> Outcome:
        self.calls.append(call)
        return self.says.get(call.tool, ALLOWED)

    def after(self, _session: Session, call: ToolCall, result: ToolResult) -> Outcome:
        self.results.append(result)
        return self.of_results.get(call.tool, ALLOWED)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def said(verdict: Verdict, value: dict[str, Any] | None = None) -> Outcome:
    return Outcome(verdict, (Reason("test.told", "The test says so."),), value)


ASK, DENY = said(Verdict.ASK), said(Verdict.DENY)


def link_of(*checks: Any, clock: Clock | None = None, limits: Limits | None = None, **more: Any) -> Link:
    shared = Shared(
        Guard(checks=checks, policy_digest="p", approval_place="the desk", **more),
        "server",
        Sealer(300, clock=clock or Clock()),
        limits or Limits(),
    )
    return Link(shared, Session("s1", "agent"), clock or Clock())


def take(link: Link, body: dict[str, Any]) -> Step:
    return link.take(read(json.dumps(body).encode(), link.limits.depth))


def release(link: Link, body: dict[str, Any]) -> Step:
    return link.release(json.dumps(body).encode())


def call(
    id: Any = 1, tool: str = "t", arguments: dict[str, Any] | None = None, meta: Any = None, **params: Any
) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments or {}, **params}
    if meta is not None:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def answer(id: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": result}


def told(message: bytes | None) -> Any:
    assert message is not None
    return json.loads(message)


def text_of(message: bytes | None) -> str:
    result = told(message)["result"]
    assert result["isError"] is True
    return str(result["content"][0]["text"])
