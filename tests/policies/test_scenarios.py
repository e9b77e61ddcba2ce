"""Every scenario decides as stated, by the statement that it names."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails import policies as room
from sudo_mcp_guardrails.iam import evaluate
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.registry import SCENARIOS
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import Decision
    from sudo_mcp_guardrails.policies.scenario import Scenario

_GOVERNED = {"account", "cloudformation", "cloudtrail", "iam", "logs", "organizations", "signin", "sts"}
"""Services that every agent's policies speak of."""
_APP_SCOPES = {agent.name: AgentScope(agent, ACCOUNT, proposes=True) for agent in AGENTS}


def _decide(scenario: Scenario, policies: AgentPolicies, values: dict[str, str]) -> Decision:
    scope = policies.scope
    request = scenario.request(
        agent=scope.agent.name,
        prefix=scope.agent.prefixes(scope.environments[0])[0],
        names=scope.names,
        values=values,
    )
    return evaluate(request, policies.layers(scenario.capability, values, scps=agent_scps()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_reference_agent(scenario: Scenario, policies: AgentPolicies, values: dict[str, str]) -> None:
    decision = _decide(scenario, policies, values)
    assert decision.allowed == scenario.allowed, str(decision)
    if scenario.sid:
        assert (scenario.layer, scenario.sid) in decision.statements, str(decision)


@pytest.mark.parametrize("agent", sorted(_APP_SCOPES))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.id)
def test_agents_of_the_app(scenario: Scenario, agent: str, values: dict[str, str]) -> None:
    policies = AgentPolicies(_APP_SCOPES[agent])
    decision = _decide(scenario, policies, values)
    if not scenario.allowed:
        # Whatever an agent was given, an attack stays an attack.
        assert not decision.allowed, str(decision)
        return
    services = {scenario.action.split(":")[0], *(v.split(".")[0] for v in scenario.context.values() if "amazon" in v)}
    if scenario.action == "iam:CreateRole" or scenario.id == "execution-delete-role":
        services.add("lambda")  # roles of workloads are for agents whose resources carry roles
    if scenario.id.startswith("plan-propose"):
        services.discard("lambda")  # every agent proposes
    if scenario.id == "apply-build":
        services.discard("codebuild")  # what every agent has applied
    expected = services <= {*policies.scope.services, *_GOVERNED}
    assert decision.allowed == expected, str(decision)


def test_app_agents_get_allowed_work(values: dict[str, str]) -> None:
    """What keeps the test above from passing on denials alone."""
    allowed = {
        agent: sum(_decide(s, AgentPolicies(scope), values).allowed for s in SCENARIOS)
        for agent, scope in _APP_SCOPES.items()
    }
    assert allowed == {"data-bot": 9, "release-bot": 19}


def test_ids_are_unique() -> None:
    assert [id_ for id_, count in Counter(s.id for s in SCENARIOS).items() if count > 1] == []


def test_the_registry_has_every_file() -> None:
    """A guardrail's file that the registry forgets would be a guardrail without a test."""
    files = [import_module(m.name) for m in walk_packages(room.__path__, f"{room.__name__}.")]
    found = {
        s.id for file in files if file.__name__ != f"{room.__name__}.registry" for s in vars(file).get("SCENARIOS", ())
    }
    assert found == {s.id for s in SCENARIOS}


def test_sids_are_unique_and_every_statement_has_one_and_a_reason(policies: AgentPolicies) -> None:
    documents = (
        policies.read,
        policies.plan,
        policies.apply,
        policies.execution,
        policies.boundary,
        *policies.sensitive,
        execution_boundary((policies.scope,)),
        *agent_scps(),
    )
    statements = [s for d in documents for s in d.statements]
    assert len({s.sid for s in statements}) == len(statements)
    assert all(s.sid.isalnum() and s.reason for s in statements)


def test_every_statement_is_named_by_a_scenario(policies: AgentPolicies) -> None:
    named = {(s.layer, s.sid) for s in SCENARIOS if s.sid}
    documents = {
        "identity": (policies.read, policies.plan, policies.apply, policies.execution, *policies.sensitive),
        "boundary": (policies.boundary, execution_boundary((policies.scope,))),
        "scp": agent_scps(),
    }
    # The Allow of a boundary or SCP never appears in a decision: it caps.
    wanted = {
        (layer, s.sid)
        for layer, group in documents.items()
        for document in group
        for s in document.statements
        if layer == "identity" or s.effect == "Deny"
    }
    assert wanted - named == set()
