"""Deny, through an MCP server: changes of the hooks that check what is deployed.

Twin by principal: ``AgentsStacks``. These actions know neither resources nor condition keys of their own.
Source: Service Authorization Reference, "AWS CloudFormation".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind
from sudo_mcp_guardrails.policies.organization.mcp._parts import VIA_MCP, still, through

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

HOOKS: Final = (
    *("cloudformation:ActivateType", "cloudformation:DeactivateType", "cloudformation:DeregisterType"),
    *("cloudformation:RegisterType", "cloudformation:SetTypeConfiguration", "cloudformation:SetTypeDefaultVersion"),
)


def statements(_settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    return (
        Statement(
            sid="McpHooks",
            effect="Deny",
            actions=HOOKS,
            resources=("*",),
            conditions=VIA_MCP,
            reason="a hook that its author can switch off checks nothing",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="mcp-hooks",
    kind=PolicyKind.SCP,
    stops=("switching a hook off, or putting another in its place, through an MCP server",),
    build=statements,
    scenarios=(
        *through("hook-off", "cloudformation:SetTypeConfiguration", "*", "McpHooks", "switches a hook off"),
        *through("hook-gone", "cloudformation:DeactivateType", "*", "McpHooks", "takes a hook away"),
        still("describe-hook", "cloudformation:DescribeType", "*", "reads a hook"),
        still(
            "execute",
            "cloudformation:ExecuteChangeSet",
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/app/*",
            "carries out a change set, which the hooks check",
        ),
    ),
)
