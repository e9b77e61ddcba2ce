"""The agents at work: five, with different tasks, and what each declares."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.detection.profile import AgentProfile

ACCOUNT: Final = "111111111111"
"""Where all calls are really made; what is looked at names other accounts."""
ACCOUNTS: Final = tuple(f"{number:012}" for number in (111122223333, 444455556666, 123456789012, 210987654321))
"""The accounts that the calls are spread over."""
REGION: Final = "us-east-1"
REGIONS: Final = ("us-east-1", "eu-central-1", "eu-west-1", "us-east-1")
"""The Region that each account works in."""
HOST_ROLE: Final = "agent-host"
APPROVAL_ROLE: Final = "mcp-guardrails-approval-broker"
"""Has the name of the approval workflow's broker, and takes its place: it alone may mint apply sessions."""


def _agent(name: str, *services: str) -> Agent:
    return Agent(
        name,
        owner="platform@example.com",
        services=list(services),
        environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
    )


AGENTS: Final = (
    _agent("inventory-bot", "s3", "dynamodb", "lambda"),
    _agent("log-reader", "logs", "cloudwatch", "lambda"),
    _agent("cost-bot", "ecs", "ecr", "sqs"),
    _agent("release-bot", "dynamodb", "s3", "sqs"),
    _agent("queue-bot", "sns", "sqs", "ssm"),
)
MCP: Final = frozenset({"inventory-bot", "log-reader"})
"""Those that work through the AWS MCP Server alone."""
_TASKS: Final = {
    "log-reader": ("logs:*", "cloudwatch:*", "lambda:*", "cloudformation:*"),
}


def profiles() -> dict[str, AgentProfile]:
    """Return the profile of each agent, as a team writes it: services by their event sources, both kinds of work."""
    found: dict[str, AgentProfile] = {}
    for agent in AGENTS:
        services = {*agent.services, "cloudformation"}
        if "cloudwatch" in services:
            services.add("monitoring")
        found[agent.name] = AgentProfile(
            agent.name,
            accounts=frozenset(ACCOUNTS),
            regions=frozenset(REGIONS),
            services=frozenset(services),
            declared=_TASKS.get(agent.name, ()),
            tier="T1",
            mcp=agent.name in MCP,
        )
    return found
