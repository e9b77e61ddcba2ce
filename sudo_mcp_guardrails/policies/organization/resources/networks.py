"""Deny: the organization's data to requests from unexpected networks, where the settings name networks.

For organizations whose workloads go out by addresses of their own. Code that AWS runs outside of a VPC has AWS's
addresses, and is denied unless its role is exempt: Lambda functions without a VPC, the workload roles of agents among
them; CodeBuild projects without one; CloudShell; and the service roles that a service assumes to call as itself, such
as those of Glue jobs, of Step Functions, and of CloudFormation for stacks that are no agent's.

Let through are:

- What a service does in somebody's name.
- What comes by way of the AWS MCP Server, which calls from AWS's addresses, by whomever: credentials that were carried
  off, an agent's or a person's, still work from anywhere by that way.
- The execution roles of agents, as which CloudFormation calls from AWS's addresses. It alone may assume those that the
  library makes. No agent can make a role of such a name, by ``AgentsWorkloadNames`` of the pack ``agents``; others of
  an account who may create roles can, as with an exemption for every account.

A request by a VPC endpoint has no source address, but tells whose the endpoint is, in the services that support that
key. Source: IAM user guide, "AWS global condition context keys", ``aws:SourceIp``, ``aws:VpceOrgID``,
``aws:ViaAWSService`` and ``aws:ViaAWSMCPService``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import ADMIN, CONTROL_TOWER, OFFICE, ORGANIZATION, TRUSTED
from sudo_mcp_guardrails.policies.organization.resources._parts import (
    BUCKET,
    DATA,
    EVERYBODY,
    MEMBER,
    NO_SERVICE,
    allowed,
    denied,
    trusted,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

_STRANGE: Final = "198.51.100.9"
_AGENT: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}"
_EXECUTION: Final = f"{_AGENT}/{{names}}-{{agent}}-execution"
_APPLY: Final = f"{_AGENT}/{{names}}-{{agent}}-apply"
_FOREIGN: Final = {"aws:VpceOrgID": "o-zzzzzzzzzz", "aws:SourceVpc": "vpc-0123"}


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where no network, or no organization, is given."""
    if not settings.networks or not settings.organization_id:
        return ()
    names = settings.names
    execution = f"arn:*:iam::*:role{names.agents_path}*/{names.prefix}-*-execution"
    rest: Conditions = (
        ("ArnNotLikeIfExists", "aws:PrincipalArn", (*settings.exempt_patterns, execution)),
        *trusted(settings),
        *NO_SERVICE,
        ("BoolIfExists", "aws:ViaAWSService", ("false",)),
        ("BoolIfExists", "aws:ViaAWSMCPService", ("false",)),
    )
    return (
        Statement(
            sid="PerimeterNetworks",
            effect="Deny",
            actions=(*DATA, "sts:AssumeRole"),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("NotIpAddress", "aws:SourceIp", settings.networks),
                ("Null", "aws:SourceIp", ("false",)),
                *rest,
            ),
            reason="credentials that were carried off are of no use elsewhere",
        ),
        Statement(
            sid="PerimeterEndpoints",
            effect="Deny",
            actions=(*DATA, "sts:AssumeRole"),
            resources=("*",),
            principals=EVERYBODY,
            conditions=(
                ("StringNotEquals", "aws:VpceOrgID", (settings.organization_id,)),
                ("Null", "aws:VpceOrgID", ("false",)),
                *rest,
            ),
            reason="somebody else's VPC endpoint hides the address that a request comes from",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="perimeter-networks",
    kind=PolicyKind.RCP,
    stops=("use of stolen credentials from elsewhere",),
    build=statements,
    scenarios=(
        denied(
            "member-elsewhere",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "a member's credentials are used from elsewhere",
            ADMIN,
            {**MEMBER, "aws:SourceIp": _STRANGE},
        ),
        denied(
            "member-elsewhere-ipv6",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "they are used from an IPv6 address elsewhere",
            ADMIN,
            {**MEMBER, "aws:SourceIp": "2001:db9::1"},
        ),
        denied(
            "foreign-endpoint",
            "s3:GetObject",
            BUCKET,
            "PerimeterEndpoints",
            "they are used in somebody else's VPC",
            ADMIN,
            {**MEMBER, **_FOREIGN},
        ),
        denied(
            "agent-elsewhere",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "an agent's credentials are used from elsewhere, and not by way of the AWS MCP Server",
            _APPLY,
            {**MEMBER, "aws:SourceIp": _STRANGE, "aws:ViaAWSMCPService": "false"},
        ),
        denied(
            "workload-outside-vpc",
            "secretsmanager:GetSecretValue",
            "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:database-Ab1cD2",
            "PerimeterNetworks",
            "a function of an agent that is in no VPC reads a secret",
            f"{_AGENT}/workloads/worker",
            {**MEMBER, "aws:SourceIp": _STRANGE},
        ),
        denied(
            "execution-name-elsewhere",
            "s3:GetObject",
            BUCKET,
            "PerimeterNetworks",
            "a role that is merely called like an execution role is used from elsewhere",
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}-{agent}-execution",
            {**MEMBER, "aws:SourceIp": _STRANGE},
        ),
        allowed(
            "agent-by-mcp",
            "s3:GetObject",
            BUCKET,
            "an agent reads by way of the AWS MCP Server, from AWS's address",
            {**MEMBER, "aws:SourceIp": _STRANGE, "aws:ViaAWSMCPService": "true"},
            _APPLY,
        ),
        allowed(
            "agent-by-mcp-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "an agent reads by way of the AWS MCP Server, by an endpoint of AWS",
            {**MEMBER, **_FOREIGN, "aws:ViaAWSMCPService": "true"},
            _APPLY,
        ),
        allowed(
            "execution-role-elsewhere",
            "s3:PutObject",
            BUCKET,
            "CloudFormation deploys as an agent's execution role, from AWS's address",
            {**MEMBER, "aws:SourceIp": _STRANGE},
            _EXECUTION,
        ),
        allowed(
            "execution-role-by-endpoint",
            "s3:PutObject",
            BUCKET,
            "CloudFormation deploys as an agent's execution role, by an endpoint of AWS",
            {**MEMBER, **_FOREIGN},
            _EXECUTION,
        ),
        allowed(
            "member-in-office",
            "s3:GetObject",
            BUCKET,
            "a member reads from the organization's network",
            {**MEMBER, "aws:SourceIp": OFFICE},
        ),
        allowed(
            "own-endpoint",
            "s3:GetObject",
            BUCKET,
            "a member reads by the organization's own endpoint",
            {**MEMBER, "aws:VpceOrgID": ORGANIZATION, "aws:SourceVpc": "vpc-0123"},
        ),
        allowed(
            "unnamed-endpoint",
            "sqs:SendMessage",
            "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders",
            "a member sends by an endpoint of a service that does not say whose it is",
            {**MEMBER, "aws:SourceVpc": "vpc-0123"},
        ),
        allowed(
            "service-in-name",
            "s3:GetObject",
            BUCKET,
            "a service reads in a member's name, from its own address",
            {**MEMBER, "aws:ViaAWSService": "true", "aws:SourceIp": _STRANGE},
        ),
        allowed(
            "vendor-elsewhere",
            "s3:GetObject",
            BUCKET,
            "a vendor that is trusted reads from its own network",
            {"aws:PrincipalOrgID": "o-zzzzzzzzzz", "aws:SourceIp": _STRANGE},
            TRUSTED,
        ),
        allowed(
            "exempt-elsewhere",
            "s3:GetObject",
            BUCKET,
            "an exempt role reads from elsewhere",
            {**MEMBER, "aws:SourceIp": _STRANGE},
            CONTROL_TOWER,
        ),
        allowed(
            "service-elsewhere",
            "s3:PutObject",
            BUCKET,
            "a service delivers from its own address",
            {"aws:SourceIp": _STRANGE},
            "cloudtrail.amazonaws.com",
        ),
        allowed(
            "service-in-name-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "a service reads in a member's name, by its own endpoint",
            {**MEMBER, **_FOREIGN, "aws:ViaAWSService": "true"},
        ),
        allowed(
            "vendor-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "a vendor that is trusted reads by its own endpoint",
            {"aws:PrincipalOrgID": "o-zzzzzzzzzz", **_FOREIGN},
            TRUSTED,
        ),
        allowed(
            "exempt-by-endpoint",
            "s3:GetObject",
            BUCKET,
            "an exempt role reads by somebody else's endpoint",
            {**MEMBER, **_FOREIGN},
            CONTROL_TOWER,
        ),
        allowed(
            "service-by-endpoint",
            "s3:PutObject",
            BUCKET,
            "a service delivers by its own endpoint",
            _FOREIGN,
            "cloudtrail.amazonaws.com",
        ),
    ),
)
