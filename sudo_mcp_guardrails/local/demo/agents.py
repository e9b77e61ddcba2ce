"""The demo's two agents, and where they live."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.policies.naming import GuardrailNames

ACCOUNT: Final = "111111111111"
REGION: Final = "us-east-1"

AGENTS: Final = (
    Agent(
        "data-bot",
        owner="data@example.com",
        services=["secretsmanager", "sns", "sqs", "ssm"],
        environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
    ),
    Agent(
        "release-bot",
        owner="platform@example.com",
        services=["dynamodb", "lambda", "s3"],
        environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
    ),
)
"""Enforced by account, Region and the prefixes ``data-bot-`` and ``release-bot-``."""

HOST_ROLE: Final = "agent-host"
"""The role of the machine that the agents run on; it may ask the broker for sessions."""
APPROVAL_ROLE: Final = "approval-stand-in"
"""Stands in for the approval workflow: it alone may mint apply sessions."""

CHANGE_BOT: Final = Agent(
    "change-bot",
    owner="platform@example.com",
    services=["dynamodb", "s3", "sqs"],
    environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
)
"""Proposes its plans to the approval workflow."""
CHANGE_NAMES: Final = GuardrailNames("mcp-approvals")
"""Of the guardrails around it: a second copy in one account, so that the workflow and not the stand-in applies."""
