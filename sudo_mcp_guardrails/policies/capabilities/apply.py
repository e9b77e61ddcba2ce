"""The apply set: writes to the agent's services inside its environments, and the execution of change sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def policy(scope: AgentScope) -> PolicyDocument:
    """Return what the apply role has beyond the read set."""
    name = scope.agent.name
    own = tuple(arn for arn in scope.all_own if arn not in scope.stacks)
    statements = [
        Statement(
            sid="ApplyExecuteChangeSet",
            effect="Allow",
            actions=("cloudformation:ExecuteChangeSet",),
            resources=scope.stacks,
            reason="carries out approved change sets of the agent's own stacks",
        ),
    ]
    if own and scope.writes:
        statements.append(
            Statement(
                sid="ApplyWriteOwnResources",
                effect="Allow",
                actions=scope.writes,
                resources=own,
                reason="approved writes, to the agent's own resources alone",
            )
        )
    if scope.workload_principals:
        statements.append(
            Statement(
                sid="ApplyPassWorkloadRoles",
                effect="Allow",
                actions=("iam:PassRole",),
                resources=(scope.names.workload_roles(name),),
                conditions=(("StringEquals", "iam:PassedToService", scope.workload_principals),),
                reason="the agent's resources run under roles on its own path, which carry its boundary",
            )
        )
    return PolicyDocument("apply", tuple(statements))


SCENARIOS: Final = (
    Scenario(
        "apply-execute-change-set",
        "apply",
        "cloudformation:ExecuteChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        allowed=True,
        sid="ApplyExecuteChangeSet",
    ),
    Scenario(
        "apply-write-own-item",
        "apply",
        "dynamodb:PutItem",
        "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/{prefix}orders",
        allowed=True,
        sid="ApplyWriteOwnResources",
    ),
    Scenario(
        "apply-pass-workload-role",
        "apply",
        "iam:PassRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker",
        allowed=True,
        sid="ApplyPassWorkloadRoles",
        context={"iam:PassedToService": "lambda.amazonaws.com"},
    ),
)
