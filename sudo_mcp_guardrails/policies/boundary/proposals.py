"""Deny: around the one function of the guardrails that an agent calls, to propose a plan for approval.

Lambda tells the function who calls where the call comes by its URL. Whoever invokes it directly writes the whole
event, who calls included: that would be a run, a person and an agent of the caller's choice. A call by URL is decided
twice, as ``lambda:InvokeFunctionUrl`` and as ``lambda:InvokeFunction`` with ``lambda:InvokedViaFunctionUrl``.
Source: Lambda developer guide, "Control access to Lambda function URLs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope

URL: Final = "lambda:InvokeFunctionUrl"
INVOKE: Final = "lambda:InvokeFunction"
NOT_BY_URL: Final = ("BoolIfExists", "lambda:InvokedViaFunctionUrl", ("false",))
"""Holds for a call of a function that does not come by its URL."""


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrails, where the agent proposes plans; where not, the function is none of its own."""
    if not scope.proposes:
        return ()
    return (
        Statement(
            sid="BoundaryIntake",
            effect="Deny",
            not_actions=(INVOKE, URL),
            resources=scope.intake,
            reason="the function that takes plans is called and not changed",
        ),
        Statement(
            sid="BoundaryIntakePlan",
            effect="Deny",
            actions=("*",),
            resources=scope.intake,
            conditions=(
                ("StringNotLike", "aws:PrincipalArn", (f"*/{scope.names.role_name(scope.agent.name, 'plan')}",)),
            ),
            reason="a plan is proposed by the session that planned, and by nothing that was deployed",
        ),
        Statement(
            sid="BoundaryIntakeUrl",
            effect="Deny",
            actions=(INVOKE,),
            resources=scope.intake,
            conditions=(NOT_BY_URL,),
            reason="by its URL AWS says who calls; a direct call says it itself",
        ),
    )


_INTAKE: Final = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{names}-approval-intake"
_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"


def _attack(  # noqa: PLR0917 - rows of a table
    name: str, capability: str, action: str, sid: str, title: str, context: dict[str, str] | None = None
) -> Scenario:
    return Scenario(
        name,
        capability,
        action,
        _INTAKE,
        allowed=False,
        layer="boundary",
        sid=sid,
        context=context or {},
        title=title,
    )


SCENARIOS: Final = (
    _attack(
        "plan-change-intake", "plan", "lambda:UpdateFunctionCode", "BoundaryIntake", "changes the code that takes plans"
    ),
    _attack("apply-propose", "apply", URL, "BoundaryIntakePlan", "proposes a plan while applying another"),
    _attack(
        "workload-propose",
        "apply",
        URL,
        "BoundaryIntakePlan",
        "a deployed function proposes a plan",
        {"aws:PrincipalArn": _WORKLOAD},
    ),
    _attack(
        "plan-propose-as-somebody",
        "plan",
        INVOKE,
        "BoundaryIntakeUrl",
        "invokes the function that takes plans, with an event that names another run",
    ),
)
