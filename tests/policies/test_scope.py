"""What an agent's props change: environments, Regions, explicit resources, opt-ins, declared actions, transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, DeclaredAction, SensitiveRead
from sudo_mcp_guardrails.iam import PolicySizeError, Principal, Request, evaluate
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import Decision

SANDBOX, PRODUCTION = "111111111111", "222222222222"
BOTH = (
    AgentEnvironment.sandbox(SANDBOX, regions=["us-east-1"]),
    AgentEnvironment.production(PRODUCTION, regions=["eu-west-1"], prefixes=["live-"]),
)


def policies(account: str | None = SANDBOX, **more: Any) -> AgentPolicies:
    given: dict[str, Any] = {
        "services": ["dynamodb", "s3", "secretsmanager", "lambda"],
        "environments": [AgentEnvironment.sandbox(SANDBOX)],
        **more,
    }
    return AgentPolicies(AgentScope(Agent("bot", owner="me", **given), account))


def decide(
    found: AgentPolicies,
    kind: str,
    action: str,
    resource: str,
    *,
    account: str = SANDBOX,
    region: str = "us-east-1",
    **context: str,
) -> Decision:
    role = f"arn:aws:iam::{account}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-{kind}"
    layers = found.layers(kind, {"Partition": "aws", "AccountId": account, "Region": region})
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    return evaluate(Request(action, resource, Principal(role, session="run-1"), keys, region=region), layers)


def table(name: str, account: str = SANDBOX, region: str = "us-east-1") -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


@pytest.mark.parametrize(
    ("account", "region", "name", "expected"),
    [
        (SANDBOX, "us-east-1", "bot-orders", True),
        (SANDBOX, "eu-west-1", "bot-orders", False),
        (SANDBOX, "us-east-1", "live-orders", False),
        (PRODUCTION, "eu-west-1", "live-orders", True),
        (PRODUCTION, "us-east-1", "live-orders", False),
        (PRODUCTION, "eu-west-1", "bot-orders", False),
    ],
)
@pytest.mark.parametrize("kind", ["apply", "execution"])
def test_each_environment_keeps_to_itself(kind: str, account: str, region: str, name: str, *, expected: bool) -> None:
    """Also in a stack that does not know its account, where all environments are in scope."""
    resource = table(name, account, region)
    for known in (None, account):
        found = policies(known, environments=BOTH)
        decision = decide(found, kind, "dynamodb:UpdateTable", resource, account=account, region=region)
        assert decision.allowed == expected, f"{known}: {decision}"


def test_an_account_that_no_environment_covers() -> None:
    with pytest.raises(InvalidAgentError, match=f"for agent 'bot' '333333333333' .* one of {SANDBOX}, {PRODUCTION}"):
        policies("333333333333", environments=BOTH)
    nowhere = decide(policies(None), "apply", "dynamodb:PutItem", table("bot-x", PRODUCTION), account=PRODUCTION)
    assert ("boundary", "BoundaryEnvironments") in nowhere.statements


def test_explicit_resources() -> None:
    found = policies(services=[], resources=[table("shared")])
    assert decide(found, "apply", "dynamodb:PutItem", table("shared")).allowed
    assert decide(found, "read", "dynamodb:DescribeTable", table("other")).allowed is False
    assert decide(found, "apply", "dynamodb:PutItem", table("shared-2")).explicit


@pytest.mark.parametrize("resource", ["arn:aws:s3:::cdk-hnb659fds-assets-1/*", "arn:aws:s3:::mcp-guardrails-log"])
def test_explicit_resources_of_the_guardrails_or_the_cdk(resource: str) -> None:
    with pytest.raises(InvalidAgentError, match="not of the guardrails or the CDK"):
        policies(resources=[resource])


def test_opting_in_opens_one_class_in_every_layer() -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{SANDBOX}:secret:bot-db-AbCdEf"
    opted = policies(sensitive_reads=[SensitiveRead.SECRET])
    assert not decide(policies(), "read", "secretsmanager:GetSecretValue", secret).allowed
    assert decide(opted, "read", "secretsmanager:GetSecretValue", secret).allowed
    foreign = secret.replace("bot-db", "payroll")
    assert not decide(opted, "read", "secretsmanager:GetSecretValue", foreign).allowed
    assert decide(opted, "read", "dynamodb:Scan", table("bot-x")).explicit


def test_declared_actions() -> None:
    found = policies(
        actions=[
            DeclaredAction("dynamodb:RewindTable", "Write"),
            DeclaredAction("dynamodb:PeekTable", "Read"),
            DeclaredAction("dynamodb:ListPeeks", "List", resource_level=False),
        ]
    )
    assert decide(found, "apply", "dynamodb:RewindTable", table("bot-x")).allowed
    assert not decide(found, "apply", "dynamodb:RewindTable", table("payroll")).allowed
    assert not decide(found, "plan", "dynamodb:RewindTable", table("bot-x")).allowed
    assert decide(found, "read", "dynamodb:PeekTable", table("bot-x")).allowed
    assert not decide(found, "read", "dynamodb:PeekTable", table("payroll")).allowed
    assert decide(found, "read", "dynamodb:ListPeeks", "*").allowed
    assert not decide(policies(), "apply", "dynamodb:RewindTable", table("bot-x")).allowed


def test_transforms() -> None:
    role = {
        "cloudformation__RoleArn": f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-execution"
    }
    found = policies(transforms=["AWS::LanguageExtensions", "Mine"])
    prefix = "arn:aws:cloudformation:us-east-1"
    for transform, expected in {
        f"{prefix}:aws:transform/LanguageExtensions": True,
        f"{prefix}:{SANDBOX}:transform/Mine": True,
        f"{prefix}:{SANDBOX}:transform/Theirs": False,
        f"{prefix}:aws:transform/Serverless-2016-10-31": False,
    }.items():
        decision = decide(found, "plan", "cloudformation:CreateChangeSet", transform, **role)
        assert decision.allowed == expected, f"{transform}: {decision}"


def test_the_reference_policies_fit_and_too_many_prefixes_do_not() -> None:
    policies().check_sizes()
    crowded = AgentEnvironment.sandbox(SANDBOX, prefixes=[f"team{n}-" for n in range(60)])
    with pytest.raises(PolicySizeError, match=r"over the limit of 6144; its largest statements are \w+ \d+"):
        policies(environments=[crowded]).check_sizes()
