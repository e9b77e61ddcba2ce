"""Stacks with gateways and servers, and their templates' parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    Capability,
    GuardLane,
    IsolatedMcpServer,
    McpGateway,
    McpImage,
    McpTokens,
    Upstream,
)

ACCOUNT = "111111111111"
ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "ab" * 32
TOKENS = McpTokens("https://issuer.example.com", "https://issuer.example.com/keys")
LANES = [GuardLane("release-bot", Capability.READ, "OPS-1"), GuardLane("release-bot", Capability.PLAN, "OPS-1")]
CHECKS = ["team.checks:decide", "team.checks:results"]


def new_stack(region: str = "eu-central-1", **options: Any) -> cdk.Stack:
    return cdk.Stack(cdk.App(**options), "Stack", env=cdk.Environment(account=ACCOUNT, region=region))


def network(stack: cdk.Stack) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["a", "b"],
        private_subnet_ids=["subnet-00000000000000001", "subnet-00000000000000002"],
        private_subnet_route_table_ids=["rtb-00000000000000001", "rtb-00000000000000002"],
    )


def image(stack: cdk.Stack) -> McpImage:
    return McpImage(ecr.Repository.from_repository_name(stack, "Images", "mcp"), DIGEST)


def gateway(stack: cdk.Stack, **options: Any) -> McpGateway:
    given = {"upstream": Upstream.aws("eu-central-1"), **options}
    given = {**given, "vpc": given.get("vpc") or network(stack), "image": given.get("image") or image(stack)}
    certificate = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/0"
    return McpGateway(
        stack,
        "Gateway",
        **{
            "domain": "mcp.example.com",
            "certificate": acm.Certificate.from_certificate_arn(stack, "Certificate", certificate),
            "lanes": LANES,
            "tokens": TOKENS,
            "clients": [ec2.Peer.security_group_id("sg-00000000000000001")],
            "checks": CHECKS,
            "egress": [ec2.Peer.prefix_list("pl-00000001")],
            **given,
        },
    )


def whole(stack: cdk.Stack) -> tuple[McpGateway, IsolatedMcpServer]:
    server = IsolatedMcpServer(stack, "Server", name="billing", vpc=network(stack), image=image(stack))
    made = gateway(
        stack,
        vpc=server.endpoints.vpc,
        image=McpImage(ecr.Repository.from_repository_name(stack, "Guards", "guard"), DIGEST),
        upstream=Upstream.isolated(server),
        endpoints=server.endpoints,
    )
    agents = [
        Agent(
            "release-bot",
            owner="platform@example.com",
            services=["s3"],
            environments=[AgentEnvironment.sandbox(ACCOUNT)],
        )
    ]
    made.ask(AgentGuardrails(stack, "Agents", agents=agents, callers=made.callers()).broker)
    return made, server


def resources(stack: cdk.Stack, kind: str) -> dict[str, dict[str, Any]]:
    found = assertions.Template.from_stack(stack).find_resources(kind)
    return {id_: dict(each.get("Properties", {})) for id_, each in found.items()}


def tasks(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    found = resources(stack, "AWS::ECS::TaskDefinition").values()
    return {each["ContainerDefinitions"][0]["Name"]: each for each in found}


def documents(stack: cdk.Stack) -> dict[str, list[dict[str, Any]]]:
    """The statements of each managed policy, by its logical id."""
    found = resources(stack, "AWS::IAM::ManagedPolicy")
    return {id_: each["PolicyDocument"]["Statement"] for id_, each in found.items()}


def of_role(stack: cdk.Stack, arn: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of the role that a task definition names."""
    role = resources(stack, "AWS::IAM::Role")[arn["Fn::GetAtt"][0]]
    policies = documents(stack)
    return [statement for policy in role.get("ManagedPolicyArns", ()) for statement in policies[policy["Ref"]]]


def rules(stack: cdk.Stack, kind: str) -> list[tuple[str, str, int]]:
    """Whom a security group's rules lead to or let in, by logical ids: (own, other, port)."""
    other = "DestinationSecurityGroupId" if kind.endswith("Egress") else "SourceSecurityGroupId"
    found = []
    for each in resources(stack, kind).values():
        peer = each.get(other) or each.get("DestinationPrefixListId")
        name = peer["Fn::GetAtt"][0] if isinstance(peer, dict) else str(peer)
        found.append((each["GroupId"]["Fn::GetAtt"][0], name, each["FromPort"]))
    return sorted(found)
