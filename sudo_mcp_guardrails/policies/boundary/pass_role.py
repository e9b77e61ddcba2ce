"""Deny: passing any role but the execution role to CloudFormation, and the agent's own to its services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrails: which roles, and to which service each."""
    name = scope.agent.name
    execution, workloads = scope.names.role_arn(name, "execution"), scope.names.workload_roles(name)
    return (
        Statement(
            sid="BoundaryPassRole",
            effect="Deny",
            actions=("iam:PassRole",),
            not_resources=(execution, workloads),
            reason="every published path through PassRole needs a role that the agent does not own",
        ),
        Statement(
            sid="BoundaryPassExecutionRole",
            effect="Deny",
            actions=("iam:PassRole",),
            resources=(execution,),
            conditions=(("StringNotEquals", "iam:PassedToService", ("cloudformation.amazonaws.com",)),),
            reason="the execution role is for CloudFormation alone",
        ),
        Statement(
            sid="BoundaryPassWorkloadRoles",
            effect="Deny",
            actions=("iam:PassRole",),
            resources=(workloads,),
            conditions=(("StringNotEquals", "iam:PassedToService", scope.workload_principals or ("none",)),),
            reason="the agent's roles are for the services it holds",
        ),
    )


_IAM: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role"

SCENARIOS: Final = tuple(
    Scenario(
        name,
        capability,
        "iam:PassRole",
        f"{_IAM}/{role}",
        allowed=False,
        layer="boundary",
        sid=sid,
        context={"iam:PassedToService": service},
        title=title,
    )
    for name, capability, role, service, sid, title in (
        (
            "pass-admin-role",
            "apply",
            "admin",
            "lambda.amazonaws.com",
            "BoundaryPassRole",
            "passes an administrator's role to a function",
        ),
        (
            "pass-cdk-exec-role",
            "plan",
            "cdk-hnb659fds-cfn-exec-role-${AWS::AccountId}-${AWS::Region}",
            "cloudformation.amazonaws.com",
            "BoundaryPassRole",
            "passes the CDK's execution role to CloudFormation",
        ),
        (
            "pass-execution-role-to-lambda",
            "plan",
            "{names}/agents/{agent}/{names}-{agent}-execution",
            "lambda.amazonaws.com",
            "BoundaryPassExecutionRole",
            "passes the execution role to a function",
        ),
        (
            "pass-workload-role-to-ec2",
            "apply",
            "{names}/agents/{agent}/workloads/worker",
            "ec2.amazonaws.com",
            "BoundaryPassWorkloadRoles",
            "passes a workload's role to a service the agent does not hold",
        ),
    )
)
