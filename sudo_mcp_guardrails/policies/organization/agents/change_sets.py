"""Deny: changes to stacks but by a change set that one role made and another executes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.approved import BUILD, REQUESTS
from sudo_mcp_guardrails.policies.boundary.proposals import URL
from sudo_mcp_guardrails.policies.capabilities.plan import MUTATORS
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.agents._scenarios import EXECUTION, attack
from sudo_mcp_guardrails.policies.organization.agents.conditions import all_but, any_agent, execution_roles
from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail, PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

STACKS: Final = (
    *(action for action in MUTATORS if action != "cloudformation:ExecuteChangeSet"),
    *("cloudformation:ActivateType", "cloudformation:De*Type"),
    *("cloudformation:Import*", "cloudformation:Publish*", "cloudformation:Register*"),
    *("cloudformation:Record*", "cloudformation:SetType*", "cloudformation:Signal*"),
    *("cloudformation:Stop*", "cloudformation:TestType"),
)


def statements(settings: OrganizationSettings) -> tuple[Statement, ...]:
    """Return the guardrail."""
    names = settings.names
    return (
        Statement(
            sid="AgentsCreateChangeSet",
            effect="Deny",
            actions=("cloudformation:CreateChangeSet", URL),
            # Not a URL of the agent's own, which what it deployed may call.
            resources=(f"arn:{PARTITION}:cloudformation:*:*:*", f"arn:{PARTITION}:lambda:*:*:function:{names.prefix}*"),
            conditions=all_but(names, "plan"),
            reason="only plan roles prepare a change, and propose it",
        ),
        Statement(
            sid="AgentsExecuteChangeSet",
            effect="Deny",
            actions=(
                *("cloudformation:ExecuteChangeSet", REQUESTS),
                *(() if BUILD in settings.direct_actions else (BUILD,)),
            ),
            resources=("*",),
            conditions=all_but(names, "apply"),
            reason="only apply roles carry out what was approved",
        ),
        Statement(
            sid="AgentsChangeSetRole",
            effect="Deny",
            actions=("cloudformation:CreateChangeSet",),
            resources=("*",),
            conditions=(*any_agent(names), ("ArnNotLike", "cloudformation:RoleArn", (execution_roles(names),))),
            reason="a change set without an agent's execution role runs as whoever made it, or as a stronger role",
        ),
        Statement(
            sid="AgentsStacks",
            effect="Deny",
            actions=STACKS,
            resources=("*",),
            conditions=any_agent(names),
            reason="a stack is changed by change sets alone, and no agent changes the hooks that check them",
        ),
    )


GUARDRAIL: Final = OrganizationGuardrail(
    id="agents-change-sets",
    kind=PolicyKind.SCP,
    stops=("escalation/cloudformation-change-set", "escalation/cloudformation-update-stack"),
    build=statements,
    scenarios=(
        attack(
            "scp-apply-prepares",
            "cloudformation:CreateChangeSet",
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
            "AgentsCreateChangeSet",
            "prepares what it will carry out itself",
            "apply",
            {"cloudformation:RoleArn": EXECUTION},
        ),
        attack(
            "scp-plan-executes",
            "cloudformation:ExecuteChangeSet",
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
            "AgentsExecuteChangeSet",
            "carries out what it prepared",
            "plan",
        ),
        attack(
            "scp-plan-creates-resource",
            "cloudformation:CreateResource",
            "*",
            "AgentsExecuteChangeSet",
            "makes a resource that nobody approved",
            "plan",
        ),
        attack(
            "scp-change-set-role",
            "cloudformation:CreateChangeSet",
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
            "AgentsChangeSetRole",
            "prepares a change to run as an administrator",
            "plan",
            {"cloudformation:RoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin"},
        ),
        attack(
            "scp-update-stack",
            "cloudformation:UpdateStack",
            "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
            "AgentsStacks",
            "updates a stack past the change set",
        ),
        attack(
            "scp-hook-configuration", "cloudformation:SetTypeConfiguration", "*", "AgentsStacks", "switches a hook off"
        ),
    ),
)
