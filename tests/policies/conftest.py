from __future__ import annotations

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

ACCOUNT = "111111111111"


@pytest.fixture(scope="session")
def values() -> dict[str, str]:
    return {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}


@pytest.fixture(scope="session")
def policies() -> AgentPolicies:
    """The policies of the agent that the scenarios are written for."""
    agent = Agent(
        "release-bot",
        owner="platform@example.com",
        services=["s3", "lambda", "dynamodb", "secretsmanager"],
        environments=[AgentEnvironment.sandbox(ACCOUNT)],
    )
    return AgentPolicies(AgentScope(agent, ACCOUNT, proposes=True))
