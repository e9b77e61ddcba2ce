"""Deny: what an agent deployed does not deploy, nor read templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def statement(scope: AgentScope) -> Statement:
    """Return the guardrail, for the roles that the agent's resources carry under this same boundary.

    Without it a function from an approved change could prepare and carry out the next one, approved by nobody.
    """
    # An agent that holds CodeBuild starts builds of its own, see ``BoundaryBuilds``.
    approved = ("codebuild:*",) if scope.proposes and "codebuild" not in scope.services else ()
    # In any account and partition, in fewer characters: a session has the boundary of its own account alone.
    workloads = f"arn:*:iam::*:role{scope.names.role_path(scope.agent.name)}workloads/*"
    return Statement(
        sid="BoundaryWorkloadsNeverDeploy",
        effect="Deny",
        actions=("cloudformation:*", "iam:PassRole", *approved),
        resources=("*",),
        conditions=(("ArnLike", "aws:PrincipalArn", (workloads,)),),
        reason="one approved change must not bring a second one, and what others configured often holds secrets",
    )


_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"

SCENARIOS: Final = (
    Scenario(
        "workload-execute-change-set",
        "apply",
        "cloudformation:ExecuteChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        allowed=False,
        layer="boundary",
        sid="BoundaryWorkloadsNeverDeploy",
        context={"aws:PrincipalArn": _WORKLOAD},
        title="a deployed function carries out a change set",
    ),
    Scenario(
        "workload-read-template",
        "apply",
        "cloudformation:GetTemplate",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/payroll/*",
        allowed=False,
        layer="boundary",
        sid="BoundaryWorkloadsNeverDeploy",
        context={"aws:PrincipalArn": _WORKLOAD},
        title="a deployed function reads another stack's template",
    ),
    Scenario(
        "workload-pass-role",
        "apply",
        "iam:PassRole",
        _WORKLOAD,
        allowed=False,
        layer="boundary",
        sid="BoundaryWorkloadsNeverDeploy",
        context={"aws:PrincipalArn": _WORKLOAD, "iam:PassedToService": "lambda.amazonaws.com"},
        title="a deployed function gives its role to another",
    ),
)
