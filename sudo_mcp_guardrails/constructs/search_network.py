"""A network for a search domain and the functions that write to it: no way in, and none out but S3 and DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

ZONES: Final = 3
"""Availability Zones: what Multi-AZ with standby takes."""
HTTPS: Final = 443


class PlacementError(GuardrailsError):
    """A network that the pipeline cannot be put into."""


@dataclass(frozen=True)
class Placement:
    """Where in a network something is.

    Args:
        vpc_id: The VPC.
        subnet_ids: Its subnets, in different Availability Zones.
        security_group_ids: What it is in.

    Raises:
        PlacementError: Where one of them is empty.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        if not self.vpc_id or not self.subnet_ids:
            raise PlacementError(f"placement has VPC {self.vpc_id!r} and subnets {self.subnet_ids!r}, expected both")

    @classmethod
    def of(cls, vpc: ec2.IVpc, selection: ec2.SubnetSelection | None = None) -> Placement:
        """Return the placement in a VPC of the CDK.

        Args:
            vpc: The VPC. It needs gateway endpoints for S3 and DynamoDB, or another way to them.
            selection: Which subnets. Default: the private ones, or where there are none the isolated ones.
        """
        chosen = selection
        if chosen is None:
            private = vpc.private_subnets or vpc.isolated_subnets
            chosen = ec2.SubnetSelection(subnets=private)
        return cls(
            vpc.vpc_id,
            tuple(
                vpc.select_subnets(
                    subnets=chosen.subnets,
                    subnet_type=chosen.subnet_type,
                    subnet_group_name=chosen.subnet_group_name,
                    subnet_filters=chosen.subnet_filters,
                    one_per_az=chosen.one_per_az,
                    availability_zones=chosen.availability_zones,
                ).subnet_ids
            ),
        )


class SearchNetwork(Construct):
    """A VPC with three isolated subnets, gateway endpoints for S3 and DynamoDB, and a flow log.

    It has no internet gateway, no NAT and no peering, so costs nothing but the flow log (0.50 USD per GB).
    Availability Zones are chosen when it is deployed, so that no lookup is needed.

    Args:
        scope: The scope.
        id: The construct's id.
        log_key: Encrypts the flow log.
        log_retention: Of the flow log.
        path: IAM path of its role and policy.
        cidr: Of the VPC, ``/22`` or larger. Default: 10.87.0.0/22.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        log_key: kms.IKey,
        log_retention: logs.RetentionDays,
        path: str,
        cidr: str = "10.87.0.0/22",
    ) -> None:
        super().__init__(scope, id)
        vpc = ec2.CfnVPC(self, "Resource", cidr_block=cidr, enable_dns_support=True, enable_dns_hostnames=True)
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.ref)
        subnets = []
        for index in range(ZONES):
            subnet = ec2.CfnSubnet(
                self,
                f"Subnet{index}",
                vpc_id=vpc.ref,
                availability_zone=cdk.Fn.select(index, cdk.Fn.get_azs()),
                cidr_block=cdk.Fn.select(index, cdk.Fn.cidr(vpc.attr_cidr_block, ZONES + 1, "8")),
                map_public_ip_on_launch=False,
            )
            ec2.CfnSubnetRouteTableAssociation(self, f"Routes{index}", route_table_id=routes.ref, subnet_id=subnet.ref)
            subnets.append(subnet.ref)
        region = cdk.Stack.of(self).region
        for service in ("s3", "dynamodb"):
            ec2.CfnVPCEndpoint(
                self,
                f"Endpoint{service.title()}",
                vpc_id=vpc.ref,
                service_name=f"com.amazonaws.{region}.{service}",  # in every partition, China's too, for these two
                vpc_endpoint_type="Gateway",
                route_table_ids=[routes.ref],
            )
        self.placement: Placement = Placement(vpc.ref, tuple(subnets))
        """The VPC and its subnets."""
        self._flow_log(vpc, log_key, log_retention, path)
        accept_risk(
            vpc,
            nag=[f"{p}::{p}-VPCDefaultSecurityGroupClosed" for p in _PACKS],
            reason="nothing is in the default security group, and CloudFormation cannot close it",
        )

    def _flow_log(self, vpc: ec2.CfnVPC, key: kms.IKey, retention: logs.RetentionDays, path: str) -> None:
        group = logs.LogGroup(
            self, "FlowLogGroup", encryption_key=key, retention=retention, removal_policy=cdk.RemovalPolicy.RETAIN
        )
        write = Statement(
            "PipelineFlowLog",
            "Allow",
            ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            resources=(group.log_group_arn,),
            reason="the flow log's streams have the names of network interfaces",
        )
        trust = Statement(
            "PipelineFlowLogTrust",
            "Allow",
            ("sts:AssumeRole",),
            principals=(("Service", "vpc-flow-logs.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
        )
        policy = GuardrailPolicy(
            self,
            "FlowLogPolicy",
            document=PolicyDocument("flow log", (write,)),
            path=path,
            description="Writes the flow log of the search domain's network",
            accept=False,
        )
        accept_wildcards(policy)
        role = iam.CfnRole(
            self,
            "FlowLogRole",
            path=path,
            assume_role_policy_document=policy_json(PolicyDocument("trust", (trust,))),
            managed_policy_arns=[policy.policy_arn],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.attr_arn,
        )


_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
