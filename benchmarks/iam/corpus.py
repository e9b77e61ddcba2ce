"""The project's own requests: what the demo's agents may ask AWS for, allowed or not, each once.

Every action of the agents' services and of the known escalation paths, on resources of the agent, of somebody else
in the account and of another account, in the agent's Region and in another, through the AWS MCP Server, through
another managed MCP server and directly, as each of the agent's four roles.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.catalogue import UnknownActionError, resource_arns, service_actions
from sudo_mcp_guardrails.iam.escalation import escalation_actions
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, REGION
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.iam.evaluate import Layers

VALUES: Final = {"Partition": "aws", "AccountId": ACCOUNT, "Region": REGION}
_OTHER_ACCOUNT: Final = "222222222222"
_OTHER_REGION: Final = "eu-west-3"
_RUN: Final = "run-01JBENCH000000000000000000"
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_FIXED: Final = {"Partition": "aws", "Region": REGION}
_TYPES: Final = 3
"""Resource types of one action that are tried."""
CONTEXTS: Final[tuple[Mapping[str, str], ...]] = (
    {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"},
    {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "eks-mcp.amazonaws.com"},
    {},
)


@dataclass(frozen=True)
class Asker:
    """One role of one agent.

    Args:
        name: ``agent/role``.
        principal: The role's session.
        layers: Its policies, an SCP included.
        requests: What it asks, each different from the others.
    """

    name: str
    principal: Principal
    layers: Layers
    requests: tuple[Request, ...]


@cache
def askers() -> tuple[Asker, ...]:
    """Return all roles of all agents of the demo with their requests, in order."""
    return tuple(_asker(agent, kind) for agent in AGENTS for kind in ROLE_KINDS)


def _asker(agent: Agent, kind: str) -> Asker:
    scope = AgentScope(agent, ACCOUNT)
    role = scope.names.role_arn(agent.name, kind)
    for name, value in VALUES.items():
        role = role.replace(f"${{AWS::{name}}}", value)
    session = _RUN if kind != "execution" else "AWSCloudFormation"
    tags = {"agent": agent.name, "run": _RUN, "capability": kind} if kind != "execution" else {}
    principal = Principal(role, session=session, tags=tags, source_identity=_RUN if tags else None)
    layers = AgentPolicies(scope).layers(kind, VALUES, scps=agent_scps())
    return Asker(f"{agent.name}/{kind}", principal, layers, tuple(_requests(agent, principal)))


def _requests(agent: Agent, principal: Principal) -> Iterator[Request]:
    """Return one role's requests."""
    for action in _actions(agent):
        for resource in _resources(action, f"{agent.name}-"):
            for region, context in itertools.product((REGION, _OTHER_REGION), CONTEXTS):
                yield Request(action, resource, principal, context, region)


def _actions(agent: Agent) -> list[str]:
    """Return all actions of an agent's services and of CloudFormation, and those of the escalation paths."""
    own = {name for service in (*agent.services, "cloudformation") for name in service_actions(service)}
    return sorted(own | set(escalation_actions()))


@cache
def _resources(action: str, prefix: str) -> tuple[str, ...]:
    """Return resources that an action can be called on: the agent's, another's, and another account's."""
    service = action.split(":", maxsplit=1)[0]
    try:
        types = service_actions(service)[action].resources
    except (KeyError, UnknownActionError):
        types = ()  # newer than the action data: decided on "*"
    arns = [resource_arns(service)[name] for name in types if name in resource_arns(service)][:_TYPES]
    owners = ((prefix, ACCOUNT), ("other-", ACCOUNT), (prefix, _OTHER_ACCOUNT))
    made = dict.fromkeys(_filled(arn, name, account) for arn in arns for name, account in owners)
    return tuple(made) or ("*",)


def _filled(arn: str, prefix: str, account: str) -> str:
    """Return an ARN format with its variables filled in."""
    fixed = {**_FIXED, "Account": account}
    return _VARIABLE.sub(lambda match: fixed.get(match[1], f"{prefix}{match[1].lower()}"), arn)
