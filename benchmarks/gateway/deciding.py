"""Whole decisions a second on one core, for 200 rules: ``python -m benchmarks.gateway.deciding [COUNT]``.

Each decision is that of :class:`~sudo_mcp_guardrails.gateway.deciding.check.DecisionCheck`, all of it: session, kill
switch, identity, meaning, the agent's real policies, the table, an SOP's manifest, budgets of calls and writes, and the
team's rules; and then what the guard tells it of the call that was made. No call is like another one, but in the rows
that say so. The number printed is the best of several rounds: the machine has other work.

The 200 rules are 120 that permit under conditions on arguments, 60 that forbid, and 20 on labels, over 9 tools.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, Capability, RiskClass, TrustTier
from sudo_mcp_guardrails.gateway.call import ALLOWED, Session, ToolCall, Verdict
from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget, Per
from sudo_mcp_guardrails.gateway.deciding.check import DecisionCheck
from sudo_mcp_guardrails.gateway.deciding.containment import Containment, never
from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
from sudo_mcp_guardrails.gateway.deciding.rules.schema import tool_schema
from sudo_mcp_guardrails.gateway.deciding.settings import Settings
from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.check import PinCheck
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, Effect, Labels
from sudo_mcp_guardrails.gateway.pins.lock import Lock, Pin, ServerPin
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST: Final = 5_000
"""Decisions a second that must be reached for tools outside AWS, and for scripts that come again."""
ROUNDS: Final = 7
ACCOUNT: Final = "111111111111"
REGION: Final = "eu-west-1"
TOOLS: Final = 8
PERMITS, FORBIDS, LABELS = 120, 60, 20
_INPUT: Final = {
    "type": "object",
    "properties": {
        "region": {"type": "string"},
        "count": {"type": "integer"},
        "owner": {"type": "string"},
        "names": {"type": "array", "items": {"type": "string"}},
        "options": {"type": "object", "properties": {"dry": {"type": "boolean"}}, "required": ["dry"]},
    },
    "required": ["region", "count"],
}
_CODE: Final = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}


def rules() -> str:
    """Return the 200 rules."""
    found = []
    for number in range(PERMITS + FORBIDS + LABELS):
        tool = number % (TOOLS + 1)
        name = f"ops___tool{tool}" if tool < TOOLS else "aws___aws___run_script"
        scope = f'principal, action == AgentCore::Action::"{name}", resource'
        kind = "permit" if number < PERMITS else "forbid"
        given = f'context.input.region == "eu-west-{number % 3}" && context.input.count < {number}'
        if number <= TOOLS:
            body = 'context.meaning.effect == "read"'  # what the rows call is permitted by this one alone
        elif tool == TOOLS:
            body = f'context.input.code like "*never-{number}*" && context.meaning.decidable'
        elif number < PERMITS:
            body = f'{given} && context.input has owner && context.input.owner == "team-{number}"'
        elif number < PERMITS + FORBIDS:
            body = f"context.input.count > {10**7 + number} || context.input has options && context.input.options.dry"
        else:
            body = f'context.labels.contains("web-{number}") && context.input.count > 0'
        found.append(f"{kind}({scope}) when {{ {body} }};")
    return "\n".join(found)


def check(text: str, capability: Capability = Capability.READ) -> DecisionCheck:
    """Return the decision, under rules."""
    environment = AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])
    agent = Agent("bot", owner="me", services=["s3", "dynamodb", "lambda"], environments=[environment])
    values = {"Partition": "aws", "AccountId": ACCOUNT, "Region": REGION}
    arn = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-{capability.value}"
    role = Subject(
        agent="bot",
        capability=capability.value,
        layers=AgentPolicies(AgentScope(agent, ACCOUNT)).layers(capability.value, values),
        facts=Facts(Principal(arn, "run-1")),
    )
    reader = Labels(Effect.READ, (), ("*",), "ada")
    servers = {}
    for server, tools in {"ops": [f"tool{n}" for n in range(TOOLS)], "aws": ["aws___run_script"]}.items():
        pins = {}
        for name in tools:
            definition = {"name": name, "inputSchema": _CODE if server == "aws" else _INPUT}
            pins[name] = Pin({digest(definition): definition}, reader if server == "ops" else UNREVIEWED)
        servers[server] = ServerPin({}, {}, {"tools": pins})
    lock = Lock(servers)
    settings = Settings(
        agent="bot",
        capability=capability,
        tier=TrustTier.T2,
        environment=environment,
        role=role,
        aws={"aws": "aws-mcp"},
        labels=PinCheck(lock).labels,
        risks={("ops", "tool0"): RiskClass.R1},
        manifests={"sop": Manifest(("dynamodb:*",), ("*",), tuple(f"ops/tool{n}" for n in range(TOOLS)))},
        budgets=(Budget(Amount.CALLS, 10**9, 60), Budget(Amount.WRITES, 10**6, 60, Per.SESSION)),
        region=REGION,
    )
    containment = Containment(never, oldest=10**9)
    containment.refresh()
    return DecisionCheck(settings, containment, Ruleset(text, tool_schema(lock)) if text else None)


def tool(number: int) -> ToolCall:
    """Return a call of a tool outside AWS."""
    given = {"region": "eu-west-1", "count": number, "owner": f"o{number}", "names": ["a"], "options": {"dry": False}}
    return ToolCall("ops", f"tool{number % TOOLS}", given, number=number)


def script(number: int) -> ToolCall:
    """Return a script with one call, unlike any other."""
    call = f"call_boto3(service_name='dynamodb', operation_name='DescribeTable', region_name='{REGION}', "
    code = f"r = await {call}params={{'TableName': 'bot-{number}'}})\nprint(r['Table'])\n"
    return ToolCall("aws", "aws___run_script", {"code": code}, number=number)


def again(number: int) -> ToolCall:
    """Return one of 100 scripts."""
    return ToolCall("aws", "aws___run_script", script(number % 100).arguments, number=number)


def rate(decision: DecisionCheck, make: Callable[[int], ToolCall], count: int) -> tuple[float, float, float]:
    """Return decisions a second of the core's time, in the best of several rounds, and its median and p99.

    Those are in microseconds by the clock on the wall, and so have in them what else the machine does.
    """
    best: tuple[float, list[float]] = (float("inf"), [])
    number = 0
    for _ in range(ROUNDS):
        session = Session("1", "bot", decision.settings.capability.value, sop="sop")
        calls = [make(number + each) for each in range(count)]
        number += count
        times = []
        started = time.thread_time()
        for call in calls:
            began = time.perf_counter()
            outcome = decision.before(session, call)
            decision.decided(session, call, outcome)
            times.append(time.perf_counter() - began)
            if outcome.verdict is not Verdict.ALLOW:
                raise AssertionError(f"{call} is not allowed: {outcome}")
        best = min(best, (time.thread_time() - started, times))
    ordered = sorted(best[1])
    return count / best[0], ordered[count // 2] * 1e6, ordered[count * 99 // 100] * 1e6


def cedar(ruleset: Ruleset, count: int) -> float:
    """Return decisions a second of Cedar alone, sliced, with the context that the rules mention."""
    part = ruleset.slice("ops", "tool3")
    if part is None:
        raise AssertionError("the tool has no rules")
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for number in range(count):
            context = {
                "input": {"region": "eu-west-1", "count": number, "owner": "o", "options": {"dry": False}},
                "labels": [],
                "meaning": {"effect": "read"},
            }
            if ruleset.decide(part, "r", context).verdict is not Verdict.ALLOW:
                raise AssertionError("it is not allowed")
        best = min(best, time.thread_time() - began)
    return count / best


def run(count: int = 2_000) -> dict[str, Any]:
    """Return all figures: decisions a second, median and p99 in microseconds."""
    text = rules()
    with_rules, without = check(text), check("")
    if with_rules.before(Session("1", "bot"), tool(1)) is not ALLOWED:
        raise AssertionError("a call that rules permit is not allowed")
    rows = {
        "tools outside AWS, 200 rules": rate(with_rules, tool, count),
        "scripts that come again, 200 rules": rate(with_rules, again, count),
        "scripts, each a new one, 200 rules": rate(with_rules, script, count // 4),
        "scripts, each a new one, no rules": rate(without, script, count // 4),
        "tools outside AWS, no rules": rate(without, tool, count),
    }
    return {
        "rules": text.count(";"),
        "cedar alone, sliced": round(cedar(Ruleset(text, with_rules._ruler._rules.schema), count)),  # type: ignore[union-attr]  # noqa: SLF001 - a benchmark
        **{name: {"per second": round(a), "p50 us": round(b), "p99 us": round(c)} for name, (a, b, c) in rows.items()},
    }


def main() -> int:
    """Print the figures as JSON; exit 1 where a limit is missed."""
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
    print(json.dumps(found, indent=2))
    kept = [found[name]["per second"] for name in found if "200 rules" in name and "new one" not in name]
    return 0 if min(kept) >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
