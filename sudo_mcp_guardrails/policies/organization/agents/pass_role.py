"""Deny: passing an execution role to anything but CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import EXECUTION, attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent, execution_roles
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsPassExecutionRole",
            effect="Deny",
            actions=("iam:PassRole",),
            resources=(execution_roles(names),),
            conditions=(
                *any_agent(names),
                ("StringNotEquals", "iam:PassedToService", ("cloudformation.amazonaws.com",)),
            ),
            reason="an execution role is for CloudFormation alone",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-pass-role",
    kind=PolicyKind.SCP,
    stops=("escalation by passing a role to a service",),
    build=statements,
    scenarios=(
        attack(
            "scp-pass-execution-role",
            "iam:PassRole",
            EXECUTION,
            "AgentsPassExecutionRole",
            "passes its execution role to a function of its own",
            "plan",
            {"iam:PassedToService": "lambda.amazonaws.com"},
        ),
    ),
)
