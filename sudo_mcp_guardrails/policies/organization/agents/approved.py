"""Deny: starting a build, but of the project that applies approved Terraform plans.

``AgentsExecuteChangeSet`` keeps that one, and requests of Cloud Control, from all roles but apply roles. What such a
request reaches is the role's that is passed: no other than an execution role, as ``AgentsPassRole`` has it.
Source: Cloud Control API user guide, "Specifying credentials for Cloud Control API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.approved import BUILD, project_arn
from sudo_mcp_guardrails.policies.organization.agents._scenarios import attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import any_agent
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail; none where agents may start builds themselves."""
    names = settings.names
    if BUILD in settings.direct_actions:
        return ()
    return (
        Statement(
            sid="AgentsBuilds",
            effect="Deny",
            actions=(BUILD,),
            # Of the caller's own account: somebody else's of that name takes what he likes.
            not_resources=(project_arn(names, "*", "${aws:PrincipalAccount}"),),
            conditions=any_agent(names),
            reason="a build runs under its project's role, and the one project takes approved plans alone",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-approved",
    kind=PolicyKind.SCP,
    stops=("escalation/codebuild-start-build",),
    build=statements,
    scenarios=(
        attack(
            "scp-other-build",
            BUILD,
            "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/release",
            "AgentsBuilds",
            "starts a build that has somebody else's role",
        ),
        attack(
            "scp-build-elsewhere",
            BUILD,
            "arn:${AWS::Partition}:codebuild:${AWS::Region}:999999999999:project/{names}-approval-terraform-{agent}",
            "AgentsBuilds",
            "starts a build of another account's project of the right name",
        ),
    ),
)
