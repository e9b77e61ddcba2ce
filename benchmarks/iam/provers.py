"""How fast the prover is, each part in a process of its own so that nothing is known beforehand.

``python -m benchmarks.iam.provers PART`` measures one part and prints it as JSON: ``managed``, ``actions`` or
``landing-zone``.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.iam.managed_policies import managed_policies
from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.iam.catalogue import all_actions
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, resolve
from sudo_mcp_guardrails.iam.escalation import escalation_actions
from sudo_mcp_guardrails.iam.evaluate import Layers
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import Subject, prove_subjects
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS, REGION
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.declaration import declaration
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.properties import agent_properties
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMITS: Final = {"managed": 10.0, "actions": 0.5, "landing-zone": 5.0}
"""Seconds."""
_AGENTS: Final = 100
_ACCOUNTS: Final = 20
_SERVICES: Final = (
    ("dynamodb", "lambda", "s3"),
    ("secretsmanager", "sns", "sqs", "ssm"),
    ("events", "lambda", "states"),
    ("glue", "s3"),
    ("ecr", "ecs", "logs"),
)
_REGIONS: Final = (("us-east-1",), ("eu-central-1", "eu-west-1"), ("ap-southeast-2",))


def managed() -> dict[str, Any]:
    """Prove every action of the escalation catalogue on every AWS managed policy, each taken alone."""
    documents = managed_policies()
    names = escalation_actions()
    facts = Facts(Principal(f"arn:aws:iam::{ACCOUNT}:role/agent", session="run"), resource_policies="none")
    verdicts: Counter[str] = Counter()
    all_actions()  # the catalogue is read once, and is no part of a proof
    started = time.perf_counter()
    for document in documents:
        proofs = Prover(Layers(identity=(document,)), facts).actions(names)
        verdicts.update(proof.verdict.value for proof in proofs.values())
    return _found(started, verdicts, policies=len(documents), actions=len(names))


def actions() -> dict[str, Any]:
    """Prove every action of the catalogue through identity, boundary, session and SCP of a role."""
    scope = AgentScope(AGENTS[1], ACCOUNT)
    layers = AgentPolicies(scope).layers("apply", _values(ACCOUNT, REGION), scps=agent_scps())
    session = Statement("Plan", "Allow", actions=("s3:*", "lambda:*"), resources=scope.all_own)
    layers = replace(layers, session=(PolicyDocument("session", (session,)).resolve(_values(ACCOUNT, REGION)),))
    facts = Facts(_principal(scope, "apply", ACCOUNT, REGION))
    names = [action.name for action in all_actions()]
    started = time.perf_counter()
    proofs = Prover(layers, facts).actions(names)
    return _found(started, Counter(proof.verdict.value for proof in proofs.values()), actions=len(names))


def landing_zone() -> dict[str, Any]:
    """Prove every property of every role of 100 agents in all contexts."""
    subjects = list(_subjects())
    asked = [(subject, agent_properties(subject)) for subject in subjects]
    all_actions()
    started = time.perf_counter()
    results = prove_subjects(asked)
    seconds = time.perf_counter() - started
    verdicts = Counter(result.proof.verdict.value for result in results)
    return _found(time.perf_counter() - seconds, verdicts, agents=_AGENTS, roles=len(subjects), accounts=_ACCOUNTS)


PARTS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "managed": managed,
    "actions": actions,
    "landing-zone": landing_zone,
}


def _found(started: float, verdicts: Counter[str], **more: int) -> dict[str, Any]:
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "questions": verdicts.total(), "verdicts": dict(sorted(verdicts.items())), **more}


def _values(account: str, region: str) -> dict[str, str]:
    return {"Partition": "aws", "AccountId": account, "Region": region}


def _principal(scope: AgentScope, kind: str, account: str, region: str) -> Principal:
    """Return a session of one of an agent's roles."""
    arn = resolve(scope.names.role_arn(scope.agent.name, kind), _values(account, region))
    return Principal(str(arn), session="run-01JBENCH000000000000000000")


def _subjects() -> Iterator[Subject]:
    """Yield the roles of a landing zone of agents that differ in account, services and Regions."""
    for number in range(_AGENTS):
        account = f"{100_000_000_000 + number % _ACCOUNTS}"
        regions = _REGIONS[number % len(_REGIONS)]
        agent = Agent(
            f"agent{number:03}",
            owner="platform@example.com",
            services=_SERVICES[number % len(_SERVICES)],
            environments=[AgentEnvironment.sandbox(account, regions=regions)],
        )
        scope = AgentScope(agent, account)
        declared, policies, values = declaration(scope), AgentPolicies(scope), _values(account, regions[0])
        own = (*declared.own, scope.names.workload_roles(agent.name))
        for kind in ROLE_KINDS:
            subject = Subject(
                agent=agent.name,
                capability=kind,
                layers=policies.layers(kind, values),
                facts=Facts(_principal(scope, kind, account, regions[0])),
                own=tuple(str(resolve(pattern, values)) for pattern in own),
                passable=(str(resolve(scope.names.role_arn(agent.name, "execution"), values)),),
                services=declared.services,
                regions=regions,
                accounts=declared.accounts,
            )
            yield subject
            if kind == "read":
                yield workload(subject)


def report(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what was measured, by part, as Markdown."""
    found, everything, zone = (parts[name] for name in ("managed", "actions", "landing-zone"))
    rows = (
        (f"{found['policies']:,} AWS managed policies, {found['actions']} escalation actions each", "managed"),
        (f"{everything['actions']:,} actions through identity, boundary, session and SCP", "actions"),
        (f"{zone['agents']} agents, {zone['roles']} roles, three contexts, all properties", "landing-zone"),
    )
    lines = "\n".join(
        f"| {what} | {parts[name]['questions']:,} | {_verdicts(parts[name])} | {parts[name]['seconds']:.2f} "
        f"| {LIMITS[name]:.1f} |"
        for what, name in rows
    )
    return f"""\
| | questions | verdicts | seconds | limit |
|---|---:|---|---:|---:|
{lines}

Each row is a fresh process on one core. Reading the action catalogue and the policies' JSON is not in it; \
compiling the policies is. A witness is not a failure in the first two rows: it says that an action is allowed, and \
how."""


def _verdicts(part: Mapping[str, Any]) -> str:
    return ", ".join(f"{count:,} {verdict}" for verdict, count in part["verdicts"].items())


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
