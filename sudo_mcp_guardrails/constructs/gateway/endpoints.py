"""What tasks without a way to the internet reach of AWS, through VPC endpoints that each have a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.props import McpGatewayError
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HTTPS: Final = 443
_ANYBODY: Final = (("AWS", "*"),)
_OWN: Final = (("StringEquals", "aws:PrincipalAccount", (ACCOUNT,)),)
_LAYERS: Final = f"arn:{PARTITION}:s3:::prod-{REGION}-starport-layer-bucket/*"
"""Where ECR keeps layers (ECR user guide, "Minimum Amazon S3 bucket permissions for Amazon ECR")."""


def base_policies() -> dict[str, PolicyDocument]:
    """Return what a task needs to start and to log, by endpoint: images come in, logs go out, and nothing else."""
    pull = Statement(
        "McpEndpointImages",
        "Allow",
        (
            *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage"),
            *("ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"),
        ),
        resources=("*",),
        principals=_ANYBODY,
        conditions=_OWN,
        reason="tasks of this account pull images; none pushes one, which could carry data out",
    )
    write = Statement(
        "McpEndpointLogs",
        "Allow",
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=(f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:*",),
        principals=_ANYBODY,
        conditions=_OWN,
        reason="tasks of this account write into its log groups, and into no other account's",
    )
    layers = Statement(
        "McpEndpointLayers",
        "Allow",
        ("s3:GetObject",),
        resources=(_LAYERS,),
        principals=_ANYBODY,
        reason="the layers of images are objects of ECR's own bucket, by URLs that it signs",
    )
    return {
        "ecr.api": PolicyDocument("endpoint of ECR", (pull,)),
        "ecr.dkr": PolicyDocument("endpoint of ECR's registry", (pull,)),
        "logs": PolicyDocument("endpoint of CloudWatch Logs", (write,)),
        "s3": PolicyDocument("endpoint of S3", (layers,)),
    }


class McpEndpoints(Construct):
    """The VPC endpoints of guards and isolated servers: ECR, CloudWatch Logs and S3, each with a policy.

    A VPC takes one set of them, since their names in DNS are the VPC's own: make one and hand it to each construct
    there. Their policies hold for everything in the VPC, so that it had best be one for this alone. S3's is an
    interface too, since the security groups of tasks can name that, and not a route.

    Costs at rest, by list prices of us-east-1: an endpoint 7.30 USD a month in each Availability Zone, so 58.40 for
    four services in two zones.

    Args:
        scope: The scope.
        id: The construct's id.
        vpc: Where.
        subnets: In which of its subnets. Default: the isolated ones, or where there are none the private ones.
        services: Policies of further interface endpoints, by the service's name such as ``bedrock-runtime``. Default:
            none. Give a base service's name to replace its policy.

    Raises:
        McpGatewayError: Where there are no subnets.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection | None = None,
        services: Mapping[str, PolicyDocument] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.vpc: ec2.IVpc = vpc
        """Where they are."""
        chosen = subnets_of(vpc, subnets)
        self.group: ec2.CfnSecurityGroup = ec2.CfnSecurityGroup(
            self,
            "Group",
            group_description="VPC endpoints of MCP guards and servers",
            vpc_id=vpc.vpc_id,
            security_group_egress=[NOWHERE],
        )
        """The security group of the interface endpoints; it has no way out."""
        region = cdk.Stack.of(self).region
        policies = {**base_policies(), **(services or {})}
        self.interfaces: dict[str, ec2.CfnVPCEndpoint] = {
            service: ec2.CfnVPCEndpoint(
                self,
                "".join(part.title() for part in service.replace(".", "-").split("-")),
                vpc_id=vpc.vpc_id,
                service_name=f"{_reverse(region)}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.subnet_id for subnet in chosen],
                security_group_ids=[self.group.attr_group_id],
                policy_document=policy_json(policies[service]),
                # S3 alone asks for it: its names must lead to the endpoint for the tasks too.
                dns_options=ec2.CfnVPCEndpoint.DnsOptionsSpecificationProperty(
                    private_dns_only_for_inbound_resolver_endpoint="AllResolvers"
                )
                if service == "s3"
                else None,
            )
            for service in sorted(policies)
        }
        """By service."""

    def admit(self, group: ec2.CfnSecurityGroup) -> None:
        """Let what is in a security group reach the endpoints."""
        connect(group, self.group, "Endpoints", HTTPS, "AWS, through its endpoints")


NOWHERE: Final = ec2.CfnSecurityGroup.EgressProperty(
    ip_protocol="icmp",
    cidr_ip="255.255.255.255/32",
    from_port=252,
    to_port=86,
    description="no way out: without a rule of its own EC2 would allow all of it",
)
"""The rule by which a security group has no way out, as the CDK itself writes it."""


def connect(source: ec2.CfnSecurityGroup, target: ec2.CfnSecurityGroup, id_: str, port: int, description: str) -> None:
    """Let one security group reach another on one port: a rule at either end, both kept with the first."""
    ec2.CfnSecurityGroupEgress(
        source,
        f"{id_}Out",
        group_id=source.attr_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        destination_security_group_id=target.attr_group_id,
        description=description,
    )
    ec2.CfnSecurityGroupIngress(
        source,
        f"{id_}In",
        group_id=target.attr_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        source_security_group_id=source.attr_group_id,
        description=description,
    )


_PEER: Final = (
    *("cidr_ip", "cidr_ipv6", "source_security_group_id", "source_security_group_owner_id", "source_prefix_list_id"),
    *("destination_security_group_id", "destination_prefix_list_id"),
)


def peer_rule(config: object) -> dict[str, str]:
    """Return what a peer says of itself, as the arguments of a security group's rule."""
    found = {name: getattr(config, name, None) for name in _PEER}
    return {name: value for name, value in found.items() if value is not None}


def subnets_of(vpc: ec2.IVpc, selection: ec2.SubnetSelection | None) -> Sequence[ec2.ISubnet]:
    """Return the subnets that are meant.

    Raises:
        McpGatewayError: Where there are none.
    """
    found = (
        (vpc.isolated_subnets or vpc.private_subnets)
        if selection is None
        else vpc.select_subnets(
            subnets=selection.subnets,
            subnet_type=selection.subnet_type,
            subnet_group_name=selection.subnet_group_name,
            subnet_filters=selection.subnet_filters,
            one_per_az=selection.one_per_az,
            availability_zones=selection.availability_zones,
        ).subnets
    )
    if not found:
        raise McpGatewayError(f"VPC {vpc.node.path!r} has no isolated or private subnets, expected at least one")
    return list(found)


def _reverse(region: str) -> str:
    """Return how services' names begin: of China's are some with ``cn`` before, which the CDK's token cannot tell."""
    if not cdk.Token.is_unresolved(region) and region.startswith("cn-"):
        return f"cn.com.amazonaws.{region}"
    return f"com.amazonaws.{region}"
