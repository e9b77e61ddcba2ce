"""An agent with its real policies, servers, rules, and the decision over them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, Capability, RiskClass, TrustTier
from sudo_mcp_guardrails.gateway.call import Session, ToolCall
from sudo_mcp_guardrails.gateway.deciding.check import DecisionCheck
from sudo_mcp_guardrails.gateway.deciding.containment import Containment, never
from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
from sudo_mcp_guardrails.gateway.deciding.rules.schema import tool_schema
from sudo_mcp_guardrails.gateway.deciding.settings import Settings
from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, Effect, Labels
from sudo_mcp_guardrails.gateway.pins.lock import Lock, Pin, ServerPin
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.budgets import BudgetStore

ACCOUNT = "111111111111"
REGION = "eu-west-1"
BOX = AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])
LIVE = AgentEnvironment.production(ACCOUNT, regions=[REGION])
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/bot-t"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": REGION}
READER = Labels(Effect.READ, (), ("*",), "ada")
WRITER = Labels(Effect.WRITE, ("to",), ("*",), "ada")
LABELS = {("mail", "read"): READER, ("mail", "send"): WRITER, ("mail", "purge"): WRITER}

_CODE = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
_PROFILES = {"type": "object", "properties": {"code": {"type": "string"}, "aws_profile": {"type": "string"}}}
_COMMAND = {"type": "object", "properties": {"cli_command": {"type": "string"}}, "required": ["cli_command"]}
_SEND = {
    "type": "object",
    "properties": {
        "to": {"type": "string"},
        "body": {"type": "string"},
        "copies": {"type": "integer"},
        "urgency": {"enum": ["low", "high"]},
        "weight": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "options": {"type": "object", "properties": {"draft": {"type": "boolean"}}, "required": ["draft"]},
    },
    "required": ["to", "size"],
}
TOOLS: dict[str, dict[str, dict[str, Any]]] = {
    "aws": {"aws___run_script": _CODE, "aws___search_documentation": {"type": "object"}},
    "cli": {"call_aws": _COMMAND},
    "mail": {"read": {"type": "object", "properties": {"id": {"type": "string"}}}, "send": _SEND, "purge": _SEND},
}
PROFILED = {"name": "aws___run_script", "inputSchema": _PROFILES}


@cache
def role(capability: Capability, environment: AgentEnvironment = BOX) -> Subject:
    """Return the agent's role with the policies that are deployed for it."""
    agent = Agent("bot", owner="me@example.com", services=["s3", "dynamodb", "lambda"], environments=[environment])
    policies = AgentPolicies(AgentScope(agent, ACCOUNT))
    return Subject(
        agent="bot",
        capability=capability.value,
        layers=policies.layers(capability.value, VALUES),
        facts=Facts(
            Principal(
                f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-{capability.value}", "run-1"
            )
        ),
        regions=(REGION,),
        accounts=(ACCOUNT,),
    )


def lock() -> Lock:
    """Return a lock file of all servers."""
    servers = {}
    for server, tools in TOOLS.items():
        pins = {}
        for name, schema in tools.items():
            definition = {"name": name, "inputSchema": schema}
            pins[name] = Pin({digest(definition): definition}, LABELS.get((server, name), UNREVIEWED))
        servers[server] = ServerPin({}, {ERAS[0]: {}}, {"tools": pins})
    return Lock(servers)


def settings(**given: Any) -> Settings:
    """Return settings of a read agent at T1 in a sandbox, but for what is given."""
    capability = given.setdefault("capability", Capability.READ)
    environment = given.setdefault("environment", BOX)
    defaults: dict[str, Any] = {
        "agent": "bot",
        "tier": TrustTier.T1,
        "role": role(capability, environment),
        "aws": {"aws": "aws-mcp", "cli": "aws-mcp"},
        "labels": lambda server, tool: LABELS.get((server, tool), UNREVIEWED),
        "risks": {("mail", "send"): RiskClass.R1},
        "manifests": {"tidy": Manifest(("dynamodb:DescribeTab*", "dynamodb:PutItem"), (TABLE,), ("mail/read",))},
        "region": REGION,
    }
    return Settings(**(defaults | given))


def contained(read: Any = never) -> Containment:
    """Return a kill switch that was just read."""
    found = Containment(read)
    found.refresh()
    return found


def deciding(
    rules: str = "", containment: Containment | None = None, store: BudgetStore | None = None, **given: Any
) -> DecisionCheck:
    """Return the decision under some settings."""
    ruleset = Ruleset(rules, tool_schema(lock())) if rules else None
    now = given.pop("now", lambda: 0.0)
    return DecisionCheck(settings(**given), containment or contained(), ruleset, store, now)


def session(**given: Any) -> Session:
    """Return a session of the read agent, but for what is given."""
    found = {"id": "1", "agent": "bot", "capability": "read"} | given
    return Session(**(found | {"state": dict(found.get("state", {}))}))


def script(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Return the arguments of a script that makes one call."""
    return {
        "code": f"r = await call_boto3(service_name={service!r}, operation_name={operation!r}, "
        f"region_name={REGION!r}, params={parameters!r})\n"
    }


def call(arguments: dict[str, Any], tool: str = "aws___run_script", server: str = "aws", **given: Any) -> ToolCall:
    """Return a call."""
    return ToolCall(server, tool, arguments, **given)


LOOKS = script("dynamodb", "DescribeTable", TableName="bot-t")
"""Arguments of a script that the read role may run."""
