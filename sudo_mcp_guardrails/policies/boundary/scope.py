"""Deny: changing anything the agent does not own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.boundary.approved import control, projects
from sudo_mcp_guardrails.policies.boundary.sensitive import harmless_reads
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.scope import STACK_VIEWS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scope import AgentScope


def read_exceptions(scope: AgentScope) -> tuple[str, ...]:
    """Return what a Deny of all changes leaves alone: reads, and what other statements decide more closely."""
    patterns = [pattern for service in scope.services for pattern in scope.reads(service)]
    return (*STACK_VIEWS, "iam:PassRole", *patterns, *_declared_reads(scope))


def _reads_anywhere(scope: AgentScope) -> tuple[str, ...]:
    """Return the reads that the Deny here leaves alone; the others it denies as well."""
    patterns = [p for service in scope.services for p in harmless_reads(service) or scope.reads(service)]
    return (*patterns, *_declared_reads(scope))


def _declared_reads(scope: AgentScope) -> tuple[str, ...]:
    return tuple(a.name for a in scope.agent.actions if a.access_level in {"Read", "List"})


def statement(scope: AgentScope) -> Statement:
    """Return the guardrail.

    It is a Deny and not a missing Allow, because a same-account resource policy that names the role session is
    limited by no boundary's silence (IAM user guide, "Permissions boundaries": resource-based policies).
    """
    return Statement(
        sid="BoundaryOutsideScope",
        effect="Deny",
        # What Cloud Control is asked for takes no resource; under whose name it works is decided again.
        not_actions=(*STACK_VIEWS, "iam:PassRole", *control(scope), *_reads_anywhere(scope)),
        not_resources=(*scope.all_own, *scope.log_groups, *scope.transforms, *scope.intake, *projects(scope)),
        reason="an agent changes its own resources alone: most escalation paths change somebody else's",
    )


SCENARIOS: Final = (
    Scenario(
        "apply-foreign-function-code",
        "apply",
        "lambda:UpdateFunctionCode",
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:admin-tool",
        allowed=False,
        layer="boundary",
        sid="BoundaryOutsideScope",
        title="takes over a function that runs under somebody else's role",
    ),
    Scenario(
        "plan-transform",
        "plan",
        "cloudformation:CreateChangeSet",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:aws:transform/Serverless-2016-10-31",
        allowed=False,
        layer="boundary",
        sid="BoundaryOutsideScope",
        context={
            "cloudformation:RoleArn": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/"
            "{names}-{agent}-execution"
        },
        title="runs a transform at plan time",
    ),
)
