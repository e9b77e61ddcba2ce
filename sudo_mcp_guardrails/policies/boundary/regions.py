"""Deny: other Regions than the agent's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.policies.scope import AgentScope

GLOBAL: Final = ("iam:PassRole", "s3:ListAllMyBuckets", "sts:GetCallerIdentity")
"""Calls that AWS serves from one Region for all, whichever Region an agent works in."""
GLOBAL_SERVICES: Final = frozenset({"cloudfront", "globalaccelerator", "route53", "shield", "waf"})
"""Services that AWS serves from one Region for all."""


def global_services(scope: AgentScope) -> tuple[str, ...]:
    """Return the patterns of the agent's services that AWS serves from one Region for all."""
    return tuple(f"{service}:*" for service in scope.services if service in GLOBAL_SERVICES)


def region_conditions(scope: AgentScope) -> tuple[Conditions, ...]:
    """Return the conditions of one Deny for each set of Regions; the accounts are named where there are several."""
    pairs = scope.regions()
    return tuple(
        (
            ("StringNotEquals", "aws:RequestedRegion", regions),
            *((("StringEquals", "aws:PrincipalAccount", accounts),) if len(pairs) > 1 else ()),
        )
        for accounts, regions in pairs
    )


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrail, once for each set of Regions."""
    return tuple(
        Statement(
            sid=f"BoundaryRegions{index or ''}",
            effect="Deny",
            not_actions=(*GLOBAL, *global_services(scope)),
            resources=("*",),
            conditions=conditions,
            reason="an agent works in its Regions; elsewhere nobody looks",
        )
        for index, conditions in enumerate(region_conditions(scope))
    )


SCENARIOS: Final = (
    Scenario(
        "read-other-region",
        "read",
        "dynamodb:ListTables",
        "*",
        allowed=False,
        layer="boundary",
        sid="BoundaryRegions",
        region="ap-south-1",
        title="lists tables in a Region it was not given",
    ),
)
