"""The vocabulary refuses what it does not allow, and says what it does."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.agent_checks import FORBIDDEN_SERVICES, InvalidAgentError
from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, DeclaredAction, SensitiveRead, check_agents
from sudo_mcp_guardrails.regions import DeclaredRegion

ACCOUNT = "111111111111"
SANDBOX = AgentEnvironment.sandbox(ACCOUNT)


def agent(name: str = "release-bot", **more: Any) -> Agent:
    return Agent(**{"name": name, "owner": "me@example.com", "services": ["s3"], "environments": [SANDBOX], **more})


def refused(message: str, **more: Any) -> None:
    with pytest.raises(InvalidAgentError) as error:
        agent(**more)
    text = str(error.value)
    assert message in text
    assert " is not allowed: expected " in text
    assert text[0].islower()
    assert not text.endswith(".")


@pytest.mark.parametrize("name", ["", "a", "A-bot", "1bot", "bot-", "-bot", "b--t", "bot_x", "bot/x", "bot*", "b" * 33])
def test_names(name: str) -> None:
    refused(f"agent name {name!r}", name=name)


@pytest.mark.parametrize("name", ["ab", "release-bot", "b2", "b" * 31])
def test_good_names(name: str) -> None:
    assert agent(name).name == name


@pytest.mark.parametrize("owner", ["", "a\nb", "x" * 129, "a<b>"])
def test_owners(owner: str) -> None:
    refused("agent owner", owner=owner)


@pytest.mark.parametrize("service", ["s4", "S3", "s3:*", "*", "s3:GetObject", ""])
def test_unknown_services(service: str) -> None:
    refused(f"service {service!r}", services=[service])


def test_unknown_service_names_the_nearest() -> None:
    refused("such as lambda", services=["lamda"])


@pytest.mark.parametrize("service", sorted(FORBIDDEN_SERVICES))
def test_forbidden_services_say_why(service: str) -> None:
    refused(FORBIDDEN_SERVICES[service], services=[service])


def test_a_bare_string_is_no_sequence() -> None:
    refused("agent services 's3' is not allowed: expected a sequence of strings", services="s3")
    refused("agent services 3 is not allowed: expected strings", services=["s3", 3])


def test_scope_and_environments() -> None:
    refused("agent scope ()", services=[])
    refused("agent environments ()", environments=[])
    refused("names that differ", environments=[SANDBOX, AgentEnvironment.sandbox("222222222222")])


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "arn:aws:dynamodb:us-east-1:*:table/x",
        "arn:aws:dynamodb:us-east-1::table/x",
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:*",
        f"arn:aws:*:us-east-1:{ACCOUNT}:table/x",
        f"arn:aws:iam::{ACCOUNT}:role/admin",
        "arn:aws:s3:::*",
        "arn:aws:s3:::?",
        f"arn:other:dynamodb:us-east-1:{ACCOUNT}:table/x",
        "my-table",
    ],
)
def test_resources(resource: str) -> None:
    refused(f"resource {resource!r}", resources=[resource])


def test_good_resources() -> None:
    resources = ("arn:aws:s3:::shared-bucket/*", f"arn:*:dynamodb:us-east-1:{ACCOUNT}:table/x")
    assert agent(services=[], resources=resources).resources == resources


@pytest.mark.parametrize("account", ["1", "11111111111", "1111111111111", "11111111111a", "*", ""])
def test_accounts(account: str) -> None:
    with pytest.raises(InvalidAgentError, match="expected 12 digits"):
        AgentEnvironment.sandbox(account)


def test_environments() -> None:
    with pytest.raises(InvalidAgentError, match="at least one account id"):
        AgentEnvironment.sandbox()
    with pytest.raises(InvalidAgentError, match="environment name 'Prod'"):
        AgentEnvironment("Prod", (ACCOUNT,))
    for prefix in ("*", "A", "a*", "-a", "a b", "", "x" * 43):
        with pytest.raises(InvalidAgentError, match="no wildcard"):
            AgentEnvironment.sandbox(ACCOUNT, prefixes=[prefix])
    assert AgentEnvironment.production(ACCOUNT).is_production
    assert not SANDBOX.is_production


def test_regions() -> None:
    with pytest.raises(InvalidAgentError, match="Region 'us-east-9' is not allowed: expected one of af-south-1"):
        AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-9"])
    with pytest.raises(InvalidAgentError, match="Regions of one partition"):
        AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-1", "cn-north-1"])
    newer = DeclaredRegion("us-east-9")
    assert AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-1", newer]).regions == ("us-east-1", "us-east-9")


def test_an_agent_narrows_the_regions_of_its_environment() -> None:
    wide = AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-1", "eu-west-1"])
    assert agent(environments=[wide]).regions_in(wide) == ("us-east-1", "eu-west-1")
    assert agent(environments=[wide], regions=["eu-west-1"]).regions_in(wide) == ("eu-west-1",)
    assert agent(regions=["eu-west-1"]).regions_in(SANDBOX) == ("eu-west-1",)
    with pytest.raises(InvalidAgentError, match="some of us-east-1, eu-west-1"):
        agent(environments=[wide], regions=["ap-south-1"]).regions_in(wide)


@pytest.mark.parametrize(
    ("name", "level", "more"),
    [
        ("s3:*", "Read", {}),
        ("s3", "Read", {}),
        ("s3:New", "Permissions management", {}),
        ("s3:New", "Write", {"resource_level": False}),
    ],
)
def test_declared_actions(name: str, level: str, more: dict[str, bool]) -> None:
    with pytest.raises(InvalidAgentError):
        DeclaredAction(name, level, **more)


def test_sensitive_reads_are_the_known_classes() -> None:
    assert agent(sensitive_reads=["log"]).sensitive_reads == (SensitiveRead.LOG,)
    refused(
        "class of sensitive reads 'everything' is not allowed: expected one of secret", sensitive_reads=["everything"]
    )


class TestTogether:
    def test_in_order_of_name(self) -> None:
        assert [a.name for a in check_agents([agent("zed"), agent("abe")])] == ["abe", "zed"]

    def test_none(self) -> None:
        with pytest.raises(InvalidAgentError, match="at least one Agent"):
            check_agents([])

    def test_doubles(self) -> None:
        with pytest.raises(InvalidAgentError, match="a name that no other agent has"):
            check_agents([agent(), agent()])

    def test_overlapping_default_prefixes(self) -> None:
        with pytest.raises(InvalidAgentError, match="'release-bot-two' is not allowed: expected a name that does not"):
            check_agents([agent(), agent("release-bot-two")])
        elsewhere = agent("release-bot-two", environments=[AgentEnvironment.sandbox("222222222222")])
        named = agent("release-bot-two", environments=[AgentEnvironment.sandbox(ACCOUNT, prefixes=["two-"])])
        for other in (elsewhere, named):
            assert len(check_agents([agent(), other])) == 2


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:lambda:eu-central-1:111111111111:function:*",
        "arn:aws:dynamodb:eu-central-1:111111111111:table/*",
        "arn:aws:sqs:eu-central-1:111111111111:*",
        "arn:aws:s3:::*",
    ],
)
def test_a_resource_of_a_kind_and_no_name_is_refused(resource: str) -> None:
    with pytest.raises(InvalidAgentError, match="beginning of a name"):
        Agent("bot", owner="o", resources=[resource], environments=[AgentEnvironment.sandbox("111111111111")])


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:lambda:eu-central-1:111111111111:function:orders-*",
        "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/*",
        "arn:aws:sqs:eu-central-1:111111111111:jobs*",
        "arn:aws:s3:::reports/*",
    ],
)
def test_a_resource_with_the_beginning_of_a_name_is_taken(resource: str) -> None:
    agent = Agent("bot", owner="o", resources=[resource], environments=[AgentEnvironment.sandbox("111111111111")])
    assert agent.resources == (resource,)
