"""Deny: tags that guardrails rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.organization.agents._scenarios import WORKLOAD, attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

KEYS: Final = ("agent", "caller", "capability", "plan-digest", "run", "ticket")


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsTags",
            effect="Deny",
            actions=("iam:TagRole", "iam:UntagRole", "iam:CreateRole"),
            resources=("*",),
            conditions=(*any_agent(names), ("ForAnyValue:StringEqualsIgnoreCase", "aws:TagKeys", KEYS)),
            reason="who an agent is, and in which run, is not its to say",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-tags",
    kind=PolicyKind.SCP,
    stops=("a session or role that claims to be another agent's",),
    build=statements,
    scenarios=(
        attack(
            "scp-tag-role",
            "iam:TagRole",
            WORKLOAD,
            "AgentsTags",
            "a template gives a role the name of another agent",
            "execution",
            {"aws:TagKeys": "agent"},
        ),
        # Whether conditions on a tag heed the case of its key is not settled in what was found: none is let through.
        attack(
            "scp-tag-role-other-case",
            "iam:TagRole",
            WORKLOAD,
            "AgentsTags",
            "a template gives a role the name of another agent in capitals",
            "execution",
            {"aws:TagKeys": "AGENT"},
        ),
    ),
)
