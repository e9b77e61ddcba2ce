"""Deny: Regions that the organization does not use.

Services that AWS serves from one Region for all are left out, as are calls that must work from anywhere. A Region is
where a request goes, not where an MCP server's endpoint is. Who serves sites by CloudFront names the Region of its
certificates too, us-east-1. Source: IAM user guide, "AWS: Denies access to AWS based
on the requested Region".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.regions import GLOBAL, GLOBAL_SERVICES
from sudo_mcp_guardrails.policies.organization.everyone._parts import allowed, denied, not_exempt
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.reference import CONTROL_TOWER

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

SERVICES: Final = (
    *("account", "artifact", "aws-marketplace", "aws-portal", "billing", "billingconductor", "budgets", "ce"),
    *("chatbot", "consolidatedbilling", "consoleapp", "cur", "fms", "freetier", "health", "iam", "invoicing"),
    *("networkmanager", "notifications", "organizations", "payments", "pricing", "route53-recovery-control-config"),
    *("route53-recovery-readiness", "route53domains", "savingsplans", "sso", "sts", "support", "supportplans", "tax"),
    *("trustedadvisor", "waf-regional", "wafv2"),
)
"""Services of the whole account, beside those that every agent's boundary leaves out."""
CALLS: Final = (
    *("ec2:DescribeRegions", "ec2:DescribeTransitGateways", "ec2:DescribeVpnGateways"),
    *("s3:*MultiRegionAccessPoint*", "s3:GetAccountPublicAccessBlock", "s3:GetBucketLocation"),
    *("s3:PutAccountPublicAccessBlock", "securityhub:DescribeHub"),
)
"""Single calls that AWS routes to one Region, or that a console makes in any."""


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where all Regions may be used."""
    if not settings.regions:
        return ()
    services = (f"{service}:*" for service in sorted({*SERVICES, *GLOBAL_SERVICES}))
    calls = (call for call in sorted({*CALLS, *GLOBAL}) if call.split(":")[0] not in SERVICES)
    return (
        Statement(
            sid="EveryoneRegions",
            effect="Deny",
            not_actions=(*services, *calls),
            resources=("*",),
            conditions=(("StringNotEquals", "aws:RequestedRegion", settings.regions), *not_exempt(settings)),
            reason="what runs in a Region that nobody watches is not seen",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="everyone-regions",
    kind=PolicyKind.SCP,
    stops=("work in a Region that nobody watches", "data that leaves the Regions it must stay in"),
    build=statements,
    scenarios=(
        denied(
            "instance-elsewhere",
            "ec2:RunInstances",
            "*",
            "EveryoneRegions",
            "starts a machine in a Region that nobody uses",
            region="ap-south-1",
        ),
        denied(
            "instance-elsewhere-by-mcp",
            "ec2:RunInstances",
            "*",
            "EveryoneRegions",
            "does so through an MCP server whose endpoint is in a Region that is used",
            {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"},
            region="ap-south-1",
        ),
        denied(
            "instance-elsewhere-by-service",
            "ec2:RunInstances",
            "*",
            "EveryoneRegions",
            "has a service do so in its name",
            {"aws:ViaAWSService": "true", "aws:CalledVia": "cloudformation.amazonaws.com"},
            region="ap-south-1",
        ),
        allowed("instance-here", "ec2:RunInstances", "*", "starts a machine in a Region of the organization"),
        allowed("iam-is-global", "iam:ListRoles", "*", "reads IAM, which one Region serves", region="us-west-2"),
        allowed("sign-in-anywhere", "sts:GetCallerIdentity", "*", "asks who it is", region="ap-south-1"),
        allowed(
            "control-tower-elsewhere",
            "config:PutConfigurationRecorder",
            "*",
            "Control Tower sets up a Region that it governs",
            principal=CONTROL_TOWER,
            region="ap-south-1",
        ),
    ),
)
