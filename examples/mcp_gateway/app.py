"""Guards before the AWS MCP Server: one for what an agent reads and one for what it plans, on Fargate.

Context: ``account``, ``region``, ``digest`` of the guard's image in the repository ``mcp-guard``: default
``111111111111``, ``eu-central-1``, 64 zeros.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    Capability,
    GuardLane,
    Guardrails,
    McpGateway,
    McpImage,
    McpTokens,
    Upstream,
)

app = cdk.App()
account = app.node.try_get_context("account") or "111111111111"
region = app.node.try_get_context("region") or "eu-central-1"
digest = app.node.try_get_context("digest") or f"sha256:{'0' * 64}"
stack = cdk.Stack(app, "McpGateway", env=cdk.Environment(account=account, region=region))
bot = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["s3", "lambda"],
    environments=[AgentEnvironment.sandbox(account)],
)
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=[f"{region}a", f"{region}b"],
    private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    private_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
)
certificate = f"arn:{cdk.Aws.PARTITION}:acm:{region}:{account}:certificate/00000000-0000-0000-0000-000000000000"
gateway = McpGateway(
    stack,
    "Gateway",
    vpc=vpc,
    domain="mcp.example.com",
    certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", certificate),
    image=McpImage(ecr.Repository.from_repository_name(stack, "Images", "mcp-guard"), digest),
    lanes=[
        GuardLane("release-bot", Capability.READ, ticket="OPS-1"),
        GuardLane("release-bot", Capability.PLAN, ticket="OPS-1"),
    ],
    upstream=Upstream.aws(region),
    tokens=McpTokens("https://issuer.example.com", "https://issuer.example.com/keys"),
    clients=[ec2.Peer.security_group_id("sg-0123456789abcdef0")],  # of the agents' hosts
    egress=[ec2.Peer.security_group_id("sg-0123456789abcdef1")],  # of a proxy that knows names
)
guardrails = AgentGuardrails(stack, "Agents", agents=[bot], callers=gateway.callers())
gateway.ask(guardrails.broker)
Guardrails.of(app).enforce()
app.synth()
