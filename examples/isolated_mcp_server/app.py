"""A third party's MCP server without a way out, in a network of its own, and the guard that alone reaches it."""

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
    IsolatedMcpServer,
    McpGateway,
    McpImage,
    McpTokens,
    Upstream,
)

ACCOUNT, REGION = "111111111111", "eu-central-1"

app = cdk.App()
stack = cdk.Stack(app, "IsolatedMcpServer", env=cdk.Environment(account=ACCOUNT, region=REGION))
vpc = ec2.Vpc.from_vpc_attributes(
    stack,
    "Vpc",
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=[f"{REGION}a", f"{REGION}b"],
    isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    private_subnet_ids=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
    private_subnet_route_table_ids=["rtb-0123456789abcdef2", "rtb-0123456789abcdef3"],
)


def image(name: str, digest: str) -> McpImage:
    """Return an image of a repository by its digest."""
    return McpImage(ecr.Repository.from_repository_name(stack, name, name), f"sha256:{digest * 64}")


server = IsolatedMcpServer(stack, "Server", name="billing", vpc=vpc, image=image("mcp-billing", "0"))
certificate = f"arn:{cdk.Aws.PARTITION}:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
gateway = McpGateway(
    stack,
    "Gateway",
    vpc=vpc,
    domain="mcp.example.com",
    certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", certificate),
    image=image("mcp-guard", "1"),
    lanes=[GuardLane("release-bot", Capability.READ, ticket="OPS-1")],
    upstream=Upstream.isolated(server),
    endpoints=server.endpoints,
    tokens=McpTokens("https://issuer.example.com", "https://issuer.example.com/keys"),
    clients=[ec2.Peer.security_group_id("sg-0123456789abcdef0")],
    egress=[ec2.Peer.security_group_id("sg-0123456789abcdef1")],
)
bot = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["s3"],
    environments=[AgentEnvironment.sandbox(ACCOUNT)],
)
gateway.ask(AgentGuardrails(stack, "Agents", agents=[bot], callers=gateway.callers()).broker)
Guardrails.of(app).enforce()
app.synth()
