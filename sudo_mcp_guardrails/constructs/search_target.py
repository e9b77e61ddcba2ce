"""Where a log pipeline writes: a domain that is there, or one that is made, with a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError
from sudo_mcp_guardrails.constructs.search_domain import SearchDomain
from sudo_mcp_guardrails.constructs.search_network import ZONES, Placement, SearchNetwork

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.search_domain_size import DomainSize


@dataclass(frozen=True)
class SearchTarget:
    """A domain that is there already.

    Its owner maps the roles of ingester and reconciler to roles of the domain, where that has fine-grained access
    control; :mod:`~sudo_mcp_guardrails.trail.search_access` says what each needs.

    Args:
        url: ``https://…``.
        arn: Of the domain.
        placement: A network from which it is reached, with a security group that the domain lets in.
        replicas: Copies of each index, as the domain's zones ask for.
    """

    url: str
    arn: str
    placement: Placement
    replicas: int = 1


def make_target(
    scope: Construct,
    domain: DomainSize | SearchTarget | None,
    *,
    vpc: ec2.IVpc | None,
    subnets: ec2.SubnetSelection | None,
    key: kms.IKey,
    log_retention: logs.RetentionDays,
    path: str,
) -> tuple[SearchTarget, SearchDomain | None]:
    """Return where to write, and the domain where one was made for it.

    Args:
        scope: Where it is made.
        domain: Its size, or one that is there.
        vpc: Where it is put. Default: a network of its own.
        subnets: Which of the VPC's.
        key: Encrypts it.
        log_retention: Of its logs.
        path: IAM path of the network's role.

    Raises:
        PipelineError: For a VPC beside a domain that is there.
    """
    if isinstance(domain, SearchTarget):
        if vpc is not None:
            raise PipelineError("a VPC beside a domain that is there is not allowed, expected its placement alone")
        return domain, None
    if vpc is None:
        placement = SearchNetwork(scope, "Network", log_key=key, log_retention=log_retention, path=path).placement
    else:
        placement = Placement.of(vpc, subnets)
    made = SearchDomain(scope, "Domain", placement=placement, key=key, size=domain, log_retention=log_retention)
    inside = replace(placement, security_group_ids=(made.security_group.attr_group_id,))
    return SearchTarget(made.endpoint, made.domain_arn, inside, replicas=ZONES - 1), made
