"""A third party's MCP server where it can do no harm: no way out, no credentials, reached by guards alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.container import McpTask
from sudo_mcp_guardrails.constructs.gateway.endpoints import McpEndpoints, connect, subnets_of
from sudo_mcp_guardrails.constructs.gateway.ground import cluster_of, log_group_of
from sudo_mcp_guardrails.constructs.gateway.props import McpGatewayError
from sudo_mcp_guardrails.constructs.gateway.service import McpService
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecs as ecs

    from sudo_mcp_guardrails.constructs.gateway.props import McpImage
    from sudo_mcp_guardrails.iam.documents import Statement

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_PORTS: Final = range(1024, 65_536)
_WARNING: Final = "sudo-mcp-guardrails:isolatedMcpServer."


class IsolatedMcpServer(Construct):
    """An MCP server that nobody trusts, on Fargate: in a micro virtual machine of its own, without a way out.

    It speaks streamable HTTP on one port. Its security group lets in guards alone, and out to the VPC endpoints alone,
    whose policies let images in and logs out. The root file system is read-only, its user is not root, it has no
    capabilities of the kernel, and its role may do nothing unless it is given statements.

    Two tasks in one network that are not to know each other must not share a security group; each server here has its
    own. DNS is answered in every VPC, and names can carry data out: turn that off by a Route 53 Resolver DNS Firewall,
    which is the VPC's and not made here.

    Costs at rest, by list prices of us-east-1: 7.21 USD a month for the task (0.25 vCPU, 0.5 GB, ARM), 0.50 for the
    name in DNS, 1 for a key unless a log group is given, and what :class:`McpEndpoints` says unless they are given.

    Args:
        scope: The scope.
        id: The construct's id.
        name: Its name in DNS, and in records of the guard.
        vpc: Where. Best one of its own: see :class:`McpEndpoints`.
        image: Its image.
        port: Where it listens. Default: 8080.
        path: Of its endpoint. Default: ``/mcp``.
        command: After the image's entry point. Default: nothing.
        environment: Its variables; no secrets. Default: none.
        statements: What its role may do; then give the endpoints the services. Default: nothing, and anything is a
            warning (``sudo-mcp-guardrails:isolatedMcpServer.permissions``).
        subnets: In which subnets. Default: the isolated ones, or where there are none the private ones.
        cluster: Default: one is made.
        endpoints: Those of the VPC. Default: they are made.
        cpu: Units of 1/1024 vCPU. Default: 256.
        memory: MiB. Default: 512.
        log_group: Default: one is made, with a key.
        log_retention: Of the one that is made. Default: one year.
        names: Names of the guardrails' own resources.

    Raises:
        McpGatewayError: For a name, path or port of another form, and for a VPC without such subnets.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        vpc: ec2.IVpc,
        image: McpImage,
        port: int = 8080,
        path: str = "/mcp",
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        statements: Sequence[Statement] = (),
        subnets: ec2.SubnetSelection | None = None,
        cluster: ecs.ICluster | None = None,
        endpoints: McpEndpoints | None = None,
        cpu: int = 256,
        memory: int = 512,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        _check(name, port, path)
        names = names or GuardrailNames()
        self.name: str = name
        """Its name in records of the guard."""
        self.port: int = port
        """Where it listens."""
        self.endpoints: McpEndpoints = endpoints or McpEndpoints(self, "Endpoints", vpc=vpc, subnets=subnets)
        """The VPC's endpoints, for what else is in it."""
        self.log_group: logs.ILogGroup = log_group_of(self, log_group, names=names, retention=log_retention)
        """Where its output goes."""
        namespace = discovery.CfnPrivateDnsNamespace(
            self, "Namespace", name=f"{name}.mcp.internal", vpc=vpc.vpc_id, description=f"MCP server {name}"
        )
        registry = discovery.CfnService(
            self,
            "Discovery",
            name="server",
            namespace_id=namespace.attr_id,
            dns_config=discovery.CfnService.DnsConfigProperty(
                dns_records=[discovery.CfnService.DnsRecordProperty(type="A", ttl=10)], routing_policy="MULTIVALUE"
            ),
            health_check_custom_config=discovery.CfnService.HealthCheckCustomConfigProperty(failure_threshold=1),
        )
        self.url: str = f"http://server.{name}.mcp.internal:{port}{path}"
        """Where guards reach it."""
        self.service: McpService = McpService(
            self,
            "Service",
            task=McpTask(
                name=name,
                image=image,
                command=command,
                port=port,
                cpu=cpu,
                memory=memory,
                environment=environment or {},
                statements=statements,
            ),
            cluster=cluster_of(self, cluster),
            vpc=vpc,
            subnet_ids=[subnet.subnet_id for subnet in subnets_of(vpc, subnets)],
            log_group=self.log_group,
            names=names,
            registry=registry.attr_arn,
        )
        """The task, its roles and its security group."""
        self.endpoints.admit(self.service.group)
        if statements:
            cdk.Annotations.of(self).add_warning_v2(
                f"{_WARNING}permissions",
                f"the server {name!r} has permissions of its own: whoever steers it has them too",
            )

    def admit(self, guard: ec2.CfnSecurityGroup) -> None:
        """Let a guard reach it.

        Args:
            guard: The guard's security group.
        """
        connect(guard, self.service.group, f"Server{self.node.addr[-8:]}", self.port, f"the MCP server {self.name}")


def _check(name: str, port: int, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise McpGatewayError(
            f"server {name!r} is not allowed, expected 2 to 32 lower-case letters, digits and hyphens"
        )
    if port not in _PORTS:
        raise McpGatewayError(f"port {port} is not allowed, expected 1024 to 65535: the server's user is not root")
    if not _PATH.fullmatch(path):
        raise McpGatewayError(f"path {path!r} is not allowed, expected one such as /mcp")
