"""Deny: carrying out approved requests of Cloud Control, and builds of approved Terraform plans, but as the apply role.

Both are the broker's to ask for, in sessions of the apply role that it alone assumes, and both work where there is an
approval workflow alone. The actions of Cloud Control take no resource and know no condition key, ``RoleArn`` included:
IAM can say neither what they are about nor under which role. With a role they reach what that role may, and no other
than the agent's execution role can be passed. Without one, Cloud Control makes its calls as the caller, in a session
of up to 24 hours: each is decided again under the caller's policies, this boundary, and the session policy.
A start of a build may carry commands, an image or a source of its own, and the project's role is none of the agents':
the apply role may start it as it is set up and not otherwise, and a session policy pins the variables of each build.
Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Cloud Control API"; Cloud
Control API user guide, "Specifying credentials for Cloud Control API" (the role is assumed by
``cloudformation.amazonaws.com``); Service Authorization Reference, AWS CodeBuild; CodeBuild user guide, "AWS CodeBuild
condition keys", "Prevent unauthorized modifications to project buildspec".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION
from sudo_mcp_guardrails.policies.scenario import Scenario
from sudo_mcp_guardrails.policies.terraform import project_name

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
COMMANDS: Final = "codebuild:source.buildspec"
"""Condition key of the commands that a start of a build brings; AWS tells whether there are any, and not which."""
OVERRIDES: Final = (
    COMMANDS,
    *("codebuild:environment.image", "codebuild:logsConfig", "codebuild:serviceRole", "codebuild:source.location"),
)
"""Condition keys of what decides which code a build runs, as whom, and whether it is logged."""


def project_arn(names: GuardrailNames, agent: str, account: str = ACCOUNT) -> str:
    """Return the ARN pattern of the CodeBuild project that applies an agent's approved Terraform plans, in any Region.

    Args:
        names: Names of the guardrails' own resources.
        agent: Name of the agent; ``*`` for those of all agents.
        account: Where the agent works. Default: the account of the deployment.
    """
    return f"arn:{PARTITION}:codebuild:*:{account}:project/{project_name(names, agent)}"


def projects(scope: AgentScope) -> tuple[str, ...]:
    """Return the ARN pattern of that project; none where there is no workflow."""
    return (project_arn(scope.names, scope.agent.name, scope.account or ACCOUNT),) if scope.proposes else ()


def control(scope: AgentScope) -> tuple[str, ...]:
    """Return the pattern of the requests of Cloud Control; none where there is no workflow."""
    return (REQUESTS,) if scope.proposes else ()


def statements(scope: AgentScope) -> tuple[Statement, ...]:
    """Return the guardrails of the project: most where the agent holds CodeBuild; else the ceiling has builds alone.

    ``BoundaryReadersNeverWrite`` and ``BoundaryWorkloadsNeverDeploy`` keep requests and builds from other roles.
    """
    if not scope.proposes:
        return ()
    held = "codebuild" in scope.services
    # In fewer characters, and wherever it is: what denies may name more than there is.
    project = (f"arn:*:codebuild:*:*:project/{project_name(scope.names, scope.agent.name)}",)
    commands = Statement(
        sid="BoundaryCommands",
        effect="Deny",
        actions=(BUILD,),
        # In fewer characters: who does not hold CodeBuild starts no other build.
        resources=project if held else ("*",),
        conditions=(("Null", COMMANDS, ("false",)),),
        reason="commands that come with a build would run as the project's role, which is no agent's",
    )
    if not held:
        return (commands,)
    return (
        commands,
        Statement(
            sid="BoundaryProject",
            effect="Deny",
            not_actions=BUILDS,
            resources=project,
            reason="what applies approved plans is used and not changed",
        ),
        Statement(
            sid="BoundaryBuilds",
            effect="Deny",
            actions=("codebuild:*",),
            resources=project,
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
    other project, and any other role, still is; a request without a role takes what the caller may do itself. A build
    of that project with commands of its own is asked about apart, see ``invariant/approval-commands``.

    Args:
        steps: Of the path.
        roles: ARN patterns of the roles that it may pass to CloudFormation.
        builds: ARN patterns of the project.
    """
    found = tuple(steps)
    requests = any(set(step.actions) & set(CONTROL) for step in found)
    return tuple(
        replace(step, not_resources=(*step.not_resources, *roles))
        if requests and _to_cloudformation(step)
        else replace(step, not_resources=(*step.not_resources, *builds))
        if step.actions == (BUILD,)
        else step
        for step in found
    )


def _to_cloudformation(step: Statement) -> bool:
    """Return whether a step passes a role, and to CloudFormation alone, which Cloud Control is a part of."""
    services = [value for _, key, values in step.conditions if key == "iam:PassedToService" for value in values]
    to = bool(services) and all(service.startswith("cloudformation.amazonaws.com") for service in services)
    return step.actions == ("iam:PassRole",) and to


_PROJECT: Final = (
    "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/{names}-approval-terraform-{agent}"
)
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
        "apply-build-commands",
        "apply",
        BUILD,
        _PROJECT,
        "BoundaryCommands",
        "has the project that applies Terraform plans run commands of its own",
        {COMMANDS: "true"},
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
