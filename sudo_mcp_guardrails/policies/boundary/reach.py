"""Deny: acting through a resource of one's own on what is not one's own.

Some actions name one resource and change others, which IAM is not asked about: an association of State Manager runs
a document on every node that its targets select, and a resource data sync ships an account's inventory to a bucket
of the caller's choice. Owning the document, or the sync, confines nothing.
Source: Systems Manager user guide, "Identity and access management", on the ``Targets`` parameter.
The scenarios of the library are written for an agent without such a service; the proof asks of every agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

REACHING: Final[dict[str, tuple[str, ...]]] = {
    "ssm": (
        *("ssm:CreateAssociation*", "ssm:*ResourceDataSync", "ssm:SendCommand", "ssm:Start*"),
        *("ssm:UpdateAssociation", "ssm:*MaintenanceWindow*", "ssm:*ServiceSetting"),
    ),
}
"""Patterns of the actions, by service."""


def reaching(scope: AgentScope) -> tuple[str, ...]:
    """Return the patterns for the agent's services."""
    return tuple(pattern for service in scope.services for pattern in REACHING.get(service, ()))


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrail, where the agent has such a service."""
    actions = reaching(scope)
    if not actions:
        return ()
    return (
        Statement(
            sid="BoundaryReach",
            effect="Deny",
            actions=actions,
            resources=("*",),
            reason="what they change is not what IAM is asked about",
        ),
    )
