"""What an agent's own resource must not be a way to."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.iam import Principal, Request, evaluate
from sudo_mcp_guardrails.iam.action_sets import members, named
from sudo_mcp_guardrails.policies.boundary.reach import REACHING
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

ACCOUNT = "111111111111"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}


def policies(*services: str) -> AgentPolicies:
    agent = Agent("ops-bot", owner="o", services=services, environments=[AgentEnvironment.sandbox(ACCOUNT)])
    return AgentPolicies(AgentScope(agent, ACCOUNT))


@pytest.mark.parametrize("pattern", [p for patterns in REACHING.values() for p in patterns])
def test_every_pattern_names_an_action(pattern: str) -> None:
    assert members(named((pattern,)))


@pytest.mark.parametrize(("kind", "sid"), [("apply", "BoundaryReach"), ("execution", "ExecutionReach")])
@pytest.mark.parametrize("action", ["CreateAssociation", "CreateAssociationBatch", "CreateResourceDataSync"])
def test_a_document_of_its_own_does_not_run_everywhere(kind: str, sid: str, action: str) -> None:
    made = policies("ssm")
    arn = f"arn:aws:iam::{ACCOUNT}:role{made.scope.names.role_path('ops-bot')}mcp-guardrails-ops-bot-{kind}"
    request = Request(
        f"ssm:{action}", f"arn:aws:ssm:us-east-1:{ACCOUNT}:document/ops-bot-patch", Principal(arn, session="run")
    )
    decision = evaluate(request, made.layers(kind, VALUES))
    assert decision.explicit
    assert sid in {statement for _, statement in decision.statements}


def test_who_has_no_such_service_pays_no_characters_for_it() -> None:
    assert "BoundaryReach" not in {s.sid for s in policies("s3").boundary.statements}
    assert "BoundaryReach" in {s.sid for s in policies("s3", "ssm").boundary.statements}
