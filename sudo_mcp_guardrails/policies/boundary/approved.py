"""Deny: carrying out approved requests of Cloud Control, and builds of approved Terraform plans, but as the apply role.

Both are the broker's to ask for, in sessions of the apply role that it alone assumes, and both work where there is an
approval workflow alone. The actions of Cloud Control take no resource and know no condition key, ``RoleArn`` included:
IAM can say neither what they are about nor under which role. With a role they reach what that role may, and no other
than the agent's execution role can be passed. Without one, Cloud Control makes its calls as the caller, in a session
of up to 24 hours: each is decided again under the caller's policies, this boundary, and the session policy.
Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Cloud Control API"; Cloud
Control API user guide, "Specifying credentials for Cloud Control API" (the role is assumed by
``cloudformation.amazonaws.com``); Service Authorization Reference, AWS CodeBuild.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.scope import AgentScope

# The scenarios of the library are written for an agent without CodeBuild; the proof asks of every agent.
CONTROL: Final = ("cloudformation:CreateResource", "cloudformation:DeleteResource", "cloudformation:UpdateResource")
"""What of Cloud Control changes something; nothing cancels a request."""
REQUESTS: Final = "cloudformation:*eResource"
"""The same, in fewer characters."""
CONTROL_READS: Final = ("cloudformation:GetResource", "cloudformation:GetResourceRequestStatus")
"""What tells how far a request is, and what a resource is now."""
BUILD: Final = "codebuild:StartBuild"
BUILDS: Final = ("codebuild:BatchGetBuilds", BUILD)
"""What of the project that applies Terraform plans is used."""


def project_arn(names: GuardrailNames, account: str = ACCOUNT) -> str:
    """Return the ARN pattern of the CodeBuild project that applies approved Terraform plans, in any Region.

    Args:
        names: Names of the guardrails' own resources.
        account: Where the agent works. Default: the account of the deployment.
    """
    return f"arn:{PARTITION}:codebuild:*:{account}:project/{names.approval_name('terraform')}"


def projects(scope: AgentScope) -> tuple[str, ...]:
    """Return the ARN pattern of that project; none where there is no workflow."""
    return (project_arn(scope.names, scope.account or ACCOUNT),) if scope.proposes else ()


def control(scope: AgentScope) -> tuple[str, ...]:
    """Return the pattern of the requests of Cloud Control; none where there is no workflow."""
    return (REQUESTS,) if scope.proposes else ()


def builds(scope: AgentScope) -> tuple[str, ...]:
    """Return what starts a build, and shows one; nothing where there is no workflow."""
    return BUILDS if scope.proposes else ()


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrail of the project, where the agent holds CodeBuild; where not, the ceiling has builds alone.

    ``BoundaryReadersNeverWrite`` and ``BoundaryWorkloadsNeverDeploy`` keep requests and builds from other roles.
    """
    if not (scope.proposes and "codebuild" in scope.services):
        return ()
    return (
        Statement(
            sid="BoundaryProject",
            effect="Deny",
            not_actions=BUILDS,
            resources=projects(scope),
            reason="what applies approved plans is used and not changed",
        ),
        Statement(
            sid="BoundaryBuilds",
            effect="Deny",
            actions=("codebuild:*",),
            resources=projects(scope),
            conditions=(
                ("StringNotLike", "aws:PrincipalArn", (f"*/{scope.names.role_name(scope.agent.name, 'apply')}",)),
            ),
            reason="an approved plan is applied for the broker, and by nothing that was deployed",
        ),
    )


def beyond_approved(
    steps: Iterable[Statement], *, roles: tuple[str, ...], builds: tuple[str, ...]
) -> tuple[Statement, ...]:
    """Return a path as a question about an apply role: what is left of it beside what the broker has it do.

    A build of the one project is none of its steps, nor is a request of Cloud Control under an execution role. Any
    other project, and any other role, still is; a request without a role takes what the caller may do itself.

    Args:
        steps: Of the path.
        roles: ARN patterns of the roles that it may pass to CloudFormation.
        builds: ARN patterns of the project.
    """
    found = tuple(steps)
    requests = any(set(step.actions) & set(CONTROL) for step in found)
    return tuple(
        replace(step, not_resources=(*step.not_resources, *roles))
        if requests and step.actions == ("iam:PassRole",)
        else replace(step, not_resources=(*step.not_resources, *builds))
        if step.actions == (BUILD,)
        else step
        for step in found
    )


_PROJECT: Final = "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/{names}-approval-terraform"
_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"


def _attack(  # noqa: PLR0917 - rows of a table
    name: str, capability: str, action: str, resource: str, sid: str, title: str, context: dict[str, str] | None = None
) -> Scenario:
    return Scenario(
        name,
        capability,
        action,
        resource,
        allowed=False,
        layer="boundary",
        sid=sid,
        context=context or {},
        title=title,
    )


SCENARIOS: Final = (
    _attack("plan-build", "plan", BUILD, _PROJECT, "BoundaryReadersNeverWrite", "applies a plan while planning"),
    _attack(
        "workload-build",
        "apply",
        BUILD,
        _PROJECT,
        "BoundaryWorkloadsNeverDeploy",
        "a deployed function applies a Terraform plan",
        {"aws:PrincipalArn": _WORKLOAD},
    ),
    _attack(
        "apply-change-project",
        "apply",
        "codebuild:UpdateProject",
        _PROJECT,
        "BoundaryOutsideCeiling",
        "changes the project that applies Terraform plans",
    ),
    _attack(
        "apply-other-project",
        "apply",
        BUILD,
        "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/release",
        "BoundaryOutsideScope",
        "starts a build that has somebody else's role",
    ),
    _attack(
        "plan-create-resource",
        "plan",
        "cloudformation:CreateResource",
        "*",
        "BoundaryReadersNeverWrite",
        "makes a resource while planning",
    ),
    _attack(
        "workload-create-resource",
        "apply",
        "cloudformation:CreateResource",
        "*",
        "BoundaryWorkloadsNeverDeploy",
        "a deployed function makes a resource",
        {"aws:PrincipalArn": _WORKLOAD},
    ),
    _attack(
        "apply-signal-resource",
        "apply",
        "cloudformation:SignalResource",
        "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/{prefix}app/*",
        "BoundaryOutsideCeiling",
        "tells a stack that waits that all is well",
    ),
    _attack(
        "apply-pass-admin-to-cloud-control",
        "apply",
        "iam:PassRole",
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/admin",
        "BoundaryPassRole",
        "has Cloud Control work as an administrator",
        {"iam:PassedToService": "cloudformation.amazonaws.com"},
    ),
)
