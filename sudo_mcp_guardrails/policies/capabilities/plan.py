"""The plan set: reads, and what prepares a change set. It never executes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

MUTATORS: Final = (
    *(
        "cloudformation:CancelUpdateStack",
        "cloudformation:ContinueUpdateRollback",
        "cloudformation:CreateStack*",
    ),
    *(
        "cloudformation:DeleteStack*",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:ExecuteStackRefactor",
    ),
    *("cloudformation:RollbackStack", "cloudformation:SetStackPolicy", "cloudformation:UpdateStack*"),
    "cloudformation:UpdateTerminationProtection",
)
"""Every CloudFormation action that changes a stack."""


def policy(scope: AgentScope) -> PolicyDocument:
    """Return what the plan role has beyond the read set.

    CloudFormation decides ``CreateChangeSet`` once for the stack and once for each transform of the template, as
    ``arn:…:transform/NAME``, since macros run when the change set is made.
    Source: CloudFormation user guide, "Controlling access with IAM", "Transforms".
    """
    name = scope.agent.name
    execution = scope.names.role_arn(name, "execution")
    return PolicyDocument(
        "plan",
        (
            Statement(
                sid="PlanCreateChangeSet",
                effect="Allow",
                actions=("cloudformation:CreateChangeSet",),
                resources=(*scope.stacks, *scope.transforms),
                conditions=(("StringEquals", "cloudformation:RoleArn", (execution,)),),
                reason="prepares a change to the agent's own stacks, to be carried out by its execution role",
            ),
            Statement(
                sid="PlanPassExecutionRole",
                effect="Allow",
                actions=("iam:PassRole",),
                resources=(execution,),
                conditions=(("StringEquals", "iam:PassedToService", ("cloudformation.amazonaws.com",)),),
                reason="CloudFormation carries out the change set as the execution role",
            ),
            *_proposals(scope),
            Statement(
                sid="PlanNeverExecutes",
                effect="Deny",
                actions=MUTATORS,
                resources=("*",),
                reason="what is planned is carried out by the approval workflow alone",
            ),
        ),
    )


def _proposals(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the calls of the function that takes plans, by its URL alone.

    Source: Lambda developer guide, "Control access to Lambda function URLs": both actions are needed.
    """
    if not scope.proposes:
        return ()
    reason = "proposes a plan for approval, as the session that AWS says it is"
    return (
        Statement(
            sid="PlanPropose",
            effect="Allow",
            actions=("lambda:InvokeFunctionUrl",),
            resources=scope.intake,
            conditions=(("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)),),
            reason=reason,
        ),
        Statement(
            sid="PlanProposeByUrl",
            effect="Allow",
            actions=("lambda:InvokeFunction",),
            resources=scope.intake,
            conditions=(("Bool", "lambda:InvokedViaFunctionUrl", ("true",)),),
            reason=reason,
        ),
    )


_INTAKE: Final = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{names}-approval-intake"
_STACK: Final = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*"
_EXECUTION: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/{names}-{agent}-execution"

SCENARIOS: Final = (
    Scenario(
        "plan-create-change-set",
        "plan",
        "cloudformation:CreateChangeSet",
        _STACK,
        allowed=True,
        sid="PlanCreateChangeSet",
        context={"cloudformation:RoleArn": _EXECUTION},
    ),
    Scenario(
        "plan-pass-execution-role",
        "plan",
        "iam:PassRole",
        _EXECUTION,
        allowed=True,
        sid="PlanPassExecutionRole",
        context={"iam:PassedToService": "cloudformation.amazonaws.com"},
    ),
    Scenario(
        "plan-propose",
        "plan",
        "lambda:InvokeFunctionUrl",
        _INTAKE,
        allowed=True,
        sid="PlanPropose",
        context={"lambda:FunctionUrlAuthType": "AWS_IAM"},
    ),
    Scenario(
        "plan-propose-by-url",
        "plan",
        "lambda:InvokeFunction",
        _INTAKE,
        allowed=True,
        sid="PlanProposeByUrl",
        context={"lambda:InvokedViaFunctionUrl": "true"},
    ),
    Scenario(
        "plan-execute-change-set",
        "plan",
        "cloudformation:ExecuteChangeSet",
        _STACK,
        allowed=False,
        sid="PlanNeverExecutes",
    ),
    Scenario(
        "plan-foreign-stack",
        "plan",
        "cloudformation:CreateChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/payroll/*",
        allowed=False,
        context={"cloudformation:RoleArn": _EXECUTION},
    ),
)
