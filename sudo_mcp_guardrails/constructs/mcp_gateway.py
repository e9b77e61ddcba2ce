"""The MCP gateway on Fargate: a guard for each agent and capability, behind one internal load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.access_logs import AccessLogBucket
from sudo_mcp_guardrails.constructs.gateway.balancer import BalancerSpec, LaneBalancer
from sudo_mcp_guardrails.constructs.gateway.endpoints import HTTPS, McpEndpoints, connect, peer_rule, subnets_of
from sudo_mcp_guardrails.constructs.gateway.ground import cluster_of, log_group_of
from sudo_mcp_guardrails.constructs.gateway.guard import PORT, guard_task
from sudo_mcp_guardrails.constructs.gateway.props import check_lanes
from sudo_mcp_guardrails.constructs.gateway.service import McpService
from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_certificatemanager as acm
    from aws_cdk import aws_ecs as ecs
    from aws_cdk import aws_s3 as s3

    from sudo_mcp_guardrails.agents import Capability
    from sudo_mcp_guardrails.constructs.gateway.props import GuardLane, McpImage, McpTokens, Upstream
    from sudo_mcp_guardrails.constructs.session_broker import SessionBroker

_WARNING: Final = "sudo-mcp-guardrails:mcpGateway."
_ACCESS_LOG_DAYS: Final = 400


class McpGateway(Construct):
    """Guards in the path of every MCP tool call, on Fargate, behind an internal load balancer.

    Each lane has a host name ``<agent>-<capability>.<domain>``, a task and a task role of its own. A client's token is
    verified by the load balancer and again by the guard, and goes no further than that. The guard's task role may do
    one thing: ask the session broker for sessions, by which the guard signs. So the capability is the lane's, and the
    agent cannot choose another one; nothing has static keys.

    Let the broker know the guards, and the guards the broker::

        gateway = McpGateway(stack, "Gateway", ...)
        guardrails = AgentGuardrails(stack, "Agents", agents=agents, callers=gateway.callers())
        gateway.ask(guardrails.broker)

    One task runs in a lane, since what a session is allowed next depends on what it did before, and that is in memory.

    Costs at rest, by list prices of us-east-1: 16.43 USD a month for the load balancer, 14.42 for each lane (0.5 vCPU,
    1 GB, ARM), 1 for a key unless a log group is given, and what :class:`McpEndpoints` says unless they are given.

    Args:
        scope: The scope.
        id: The construct's id.
        vpc: Where.
        domain: Under which the lanes have their host names; the records in DNS are yours to make, as aliases of
            :attr:`balancer`.
        certificate: For the lanes' host names, such as ``*.<domain>``.
        image: The guard's image; docs/examples/gateway/Dockerfile makes one.
        lanes: The guards.
        upstream: What lies behind them.
        tokens: The authorization server.
        clients: Who may connect, such as the security group of agents' hosts.
        configurations: Folder in the image with a configuration for each lane, ``<agent>-<capability>.json``, as
            docs/gateway-decisions.md has it: the guard does not start without. Default: ``/opt/guard/lanes``.
        checks: ``MODULE:NAME`` of further checks in the image, in their order. Default: none.
        egress: Where guards and load balancer may go on port 443, beside the endpoints: the upstream, the broker's URL
            and the authorization server's keys. Default: anywhere, which is a warning
            (``sudo-mcp-guardrails:mcpGateway.egress``): give a prefix list, or the security group of a proxy.
        subnets: Of guards and load balancer, two at least, with a way out. Default: the private ones, or where there
            are none the isolated ones.
        cluster: Default: one is made.
        endpoints: Those of the VPC. Default: they are made.
        cpu: Of each guard, units of 1/1024 vCPU. Default: 512.
        memory: Of each guard, MiB. Default: 1024.
        log_group: Where guards log, such as one that :class:`LogSubscription` reads. Default: one is made, with a key.
        log_retention: Of the one that is made. Default: one year.
        access_logs: Of the load balancer; with a policy by which it may write. Default: a bucket is made.
        names: Names of the guardrails' own resources.

    Raises:
        McpGatewayError: For props that are not allowed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        domain: str,
        certificate: acm.ICertificate,
        image: McpImage,
        lanes: Sequence[GuardLane],
        upstream: Upstream,
        tokens: McpTokens,
        clients: Sequence[ec2.IPeer],
        configurations: str = "/opt/guard/lanes",
        checks: Sequence[str] = (),
        egress: Sequence[ec2.IPeer] | None = None,
        subnets: ec2.SubnetSelection | None = None,
        cluster: ecs.ICluster | None = None,
        endpoints: McpEndpoints | None = None,
        cpu: int = 512,
        memory: int = 1024,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        access_logs: s3.IBucket | None = None,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._lanes = check_lanes(lanes, domain, configurations, checks)
        self._names = names or GuardrailNames()
        chosen = subnets or ec2.SubnetSelection(subnets=vpc.private_subnets or vpc.isolated_subnets)
        ids = [subnet.subnet_id for subnet in subnets_of(vpc, chosen)]
        self.endpoints: McpEndpoints = endpoints or McpEndpoints(self, "Endpoints", vpc=vpc, subnets=chosen)
        """The VPC's endpoints, for what else is in it."""
        self.log_group: logs.ILogGroup = log_group_of(self, log_group, names=self._names, retention=log_retention)
        """Where guards log."""
        own_logs = AccessLogBucket(self, "AccessLogs", days=_ACCESS_LOG_DAYS) if access_logs is None else None
        self.front: LaneBalancer = LaneBalancer(
            self,
            "Front",
            spec=BalancerSpec(
                vpc, ids, certificate.certificate_arn, domain, tokens, clients, PORT, own_logs, access_logs
            ),
        )
        """The load balancer, with its listener and its security group."""
        name = cluster_of(self, cluster)
        self.guards: dict[tuple[str, Capability], McpService] = {}
        """The guards, by agent and capability."""
        for index, lane in enumerate(self._lanes):
            targets, rule = self.front.lane(lane, index)
            guard = McpService(
                self,
                f"Guard-{lane.name}",
                task=guard_task(
                    lane,
                    image=image,
                    domain=domain,
                    upstream=upstream,
                    tokens=tokens,
                    configurations=configurations,
                    checks=checks,
                    size=(cpu, memory),
                    names=self._names,
                    role_name=_role_name(self._names, lane),
                ),
                cluster=name,
                vpc=vpc,
                subnet_ids=ids,
                log_group=self.log_group,
                names=self._names,
                target_group=targets.ref,
            )
            guard.service.add_resource_dependency(rule)  # ECS takes a target group that a listener leads to
            connect(self.front.group, guard.group, f"Guard-{lane.name}", PORT, f"the guard of {lane.name}")
            self.endpoints.admit(guard.group)
            if upstream.server is not None:
                upstream.server.admit(guard.group)
            self.guards[lane.agent, lane.capability] = guard
        self._open([self.front.group, *(guard.group for guard in self.guards.values())], egress)

    @property
    def balancer(self) -> Any:  # noqa: ANN401 - the L1 of aws_cdk.aws_elasticloadbalancingv2
        """The load balancer, whose names in DNS the lanes' are aliases of."""
        return self.front.balancer

    def callers(self) -> list[BrokerCaller]:
        """Return the guards, for the ``callers`` of the session broker; each may ask for its own lane's sessions."""
        return [
            BrokerCaller(
                f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{_role_name(self._names, lane)}/*",
                (lane.agent,),
                capabilities=(lane.capability,),
            )
            for lane in self._lanes
        ]

    def ask(self, broker: SessionBroker) -> None:
        """Have the guards ask a broker for their sessions. Call it once.

        Args:
            broker: One whose callers they are; see :meth:`callers`.
        """
        for guard in self.guards.values():
            guard.variable("MCP_GUARDRAILS_BROKER", broker.url.url)

    def _open(self, groups: Sequence[ec2.CfnSecurityGroup], peers: Sequence[ec2.IPeer] | None) -> None:
        """Open the way to the upstream, the broker and the authorization server's keys."""
        if peers is None:
            cdk.Annotations.of(self).add_warning_v2(
                f"{_WARNING}egress", "guards and load balancer may go anywhere on port 443: give egress"
            )
        for group in groups:
            for index, peer in enumerate([ec2.Peer.any_ipv4()] if peers is None else peers):
                ec2.CfnSecurityGroupEgress(
                    group,
                    f"Egress{index}",
                    group_id=group.attr_group_id,
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    description="upstream, session broker, keys of the authorization server",
                    **peer_rule(peer.to_egress_rule_config()),
                )


def _role_name(names: GuardrailNames, lane: GuardLane) -> str:
    """Return the name of a guard's role: of 64 characters at most, as prefix and agent have 20 and 32."""
    return f"{names.prefix}-guard-{lane.name}"
