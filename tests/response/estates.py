"""The agents that the tests contain."""

from __future__ import annotations

from dataclasses import replace

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.policies import trust as trusts
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.response.estate import Estate
from sudo_mcp_guardrails.response.plan import Cause

NAMES = GuardrailNames()
FIRST, SECOND, MANAGEMENT = "111111111111", "222222222222", "333333333333"
ANN = "arn:aws:sts::333333333333:assumed-role/AWSReservedSSO_SecurityAdmin_0123456789abcdef/ann@example.com"
CAUSE = Cause(ANN, "it reads every secret there is", "INC-42", 1_790_000_000)
SCPS = {"release-*": "p-release00", "*": "p-allagents"}

RELEASE = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["s3", "lambda", "dynamodb"],
    environments=[
        AgentEnvironment.sandbox(FIRST, regions=["eu-central-1"]),
        AgentEnvironment.production(SECOND, regions=["eu-central-1"]),
    ],
)
OTHER = Agent(
    "cost-bot", owner="finops@example.com", services=["s3", "dynamodb"], environments=[AgentEnvironment.sandbox(FIRST)]
)
ESTATE = Estate(
    agents=(RELEASE, OTHER),
    account=MANAGEMENT,
    region="eu-central-1",
    has_approvals=True,
    terraform_agents=("release-bot", "cost-bot"),
)
"""One where SCPs are not used."""
ORGANIZATION = replace(ESTATE, scps=SCPS, scp_targets=("r-abcd",), organization_account=MANAGEMENT)


def build_of(agent: str, number: int) -> str:
    """The id of a build of the project that applies an agent's plans."""
    return f"mcp-guardrails-approval-terraform-{agent}:b-{number}"


def trust(account: str, agent: str, kind: str) -> str:
    """The trust policy of an agent's role."""
    broker = f"arn:aws:iam::{account}:role/mcp-guardrails/mcp-guardrails-session-broker"
    statements = (trusts.cloudformation(),) if kind == "execution" else trusts.minted(agent, kind, broker)
    values = {"Partition": "aws", "AccountId": account, "Region": "eu-central-1"}
    return trusts.trust_policy(*statements).resolve(values).to_json()
