"""What a plan's session needs: for each call, exactly the action, the resources and the conditions that carry it.

This is what :mod:`~sudo_mcp_guardrails.approval.session_policy` writes into policies, and what
:mod:`~sudo_mcp_guardrails.approval.session.proof` compares them with.
Sources: Service Authorization Reference, CloudFormation and CodeBuild; CodeBuild user guide, "AWS CodeBuild condition
keys"; CloudFormation user guide, "Control access with IAM".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Operation
from sudo_mcp_guardrails.approval.risk_rules.values import nodes
from sudo_mcp_guardrails.approval.session.keys import conditions_of, literal
from sudo_mcp_guardrails.policies.boundary.regions import GLOBAL_SERVICES
from sudo_mcp_guardrails.policies.scope import SERVICE_PRINCIPALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.approval.plan import Change, Plan
    from sudo_mcp_guardrails.iam.documents import Conditions

_CHANGE_SET: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):cloudformation:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":changeSet/(?P<name>[A-Za-z][-A-Za-z0-9]{0,127})/[0-9a-f-]{36}"
)
_STACK: Final = re.compile(
    r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:\d{12}:stack/[A-Za-z][-A-Za-z0-9]{0,127}/[0-9a-f-]{36}"
)
_STACK_NAME: Final = re.compile(r"[A-Za-z][-A-Za-z0-9]{0,127}")
_ROLE: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]{1,576}")
_PROJECT: Final = re.compile(r"arn:[a-z-]+:codebuild:[a-z0-9-]+:\d{12}:project/[\w-]{2,255}")
_ACTION: Final = re.compile(r"[a-z0-9-]{1,63}:[A-Za-z0-9]{1,128}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_EVERYWHERE: Final = GLOBAL_SERVICES | {
    *("account", "budgets", "ce", "health", "iam", "organizations", "savingsplans", "sts", "support", "trustedadvisor"),
}
"""Services whose calls do not carry the Region that one works in."""
_OVERRIDES: Final = (
    *("artifacts", "cache", "encryptionKey", "environment.certificate", "environment.computeType"),
    *("environment.fleet.fleetArn", "environment.image", "environment.privilegedMode"),
    *("environment.registryCredential", "environment.type", "logsConfig", "secondaryArtifacts", "secondarySources"),
    *("serviceRole", "source.auth.type", "source.buildspec", "source.insecureSsl", "source.location"),
)
"""What a call may change about a build of CodeBuild, and must not."""
_OF_ROLES: Final = frozenset({"iam", "sts"})
_CONTROL_SERVICES: Final = ("cloudformation.amazonaws.com",)


@dataclass(frozen=True)
class Grant:
    """Something that a session may do.

    Attributes:
        actions: IAM actions.
        resources: ARNs, patterns, or ``*`` alone.
        conditions: All of which must hold.
        changes: Ids of the changes that need it.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApplySettings:
    """With what a plan is carried out.

    Attributes:
        execution_role: ARN of the role that CloudFormation works under.
        project: ARN of the CodeBuild project that applies Terraform plans.
        variables: Environment variables of that build and their values, beside ``PLAN_DIGEST`` and
            ``PLAN_FILE_SHA256``, which it always gets.
        partition: Of ARNs that are put together here.
        account: Where a plan is carried out that does not say.
        region: Likewise.
    """

    execution_role: str = ""
    project: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"
    account: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        """Raises PlanError for ARNs of another form."""
        if self.execution_role and not _ROLE.fullmatch(self.execution_role):
            raise PlanError(f"execution role {self.execution_role!r} is not allowed, expected the ARN of a role")
        if self.project and not _PROJECT.fullmatch(self.project):
            raise PlanError(f"project {self.project!r} is not allowed, expected the ARN of a project of CodeBuild")


def grants(plan: Plan, settings: ApplySettings) -> tuple[Grant, ...]:
    """Return what carries out a plan, for API calls in their order.

    Raises:
        PlanError: The plan cannot be carried out under a policy of its own: a template without a change set, a role
            that is not the pinned one or none at all, a call of which the actions or resources are not known.
    """
    read = {
        Form.CHANGE_SET: _change_set,
        Form.CLOUD_CONTROL: _cloud_control,
        Form.TERRAFORM: _terraform,
        Form.API_CALLS: _calls,
    }.get(plan.form)
    if read is None:
        raise PlanError("a template is not carried out as such, expected the change set that is made from it")
    return tuple(read(plan, settings))


def _change_set(plan: Plan, settings: ApplySettings) -> Iterator[Grant]:
    match = _CHANGE_SET.fullmatch(plan.artifact)
    if match is None:
        raise PlanError(f"artifact {plan.artifact!r} is not allowed, expected the ARN of a change set")
    here = f"arn:{match['partition']}:cloudformation:{match['region']}:{match['account']}"
    stack = plan.target
    if not (_STACK.fullmatch(stack) and stack.startswith(f"{here}:")):
        if not _STACK_NAME.fullmatch(stack):
            raise PlanError(f"target {stack!r} is not allowed, expected the name or ARN of its stack")
        stack = f"{here}:stack/{stack}/*"
    role = _pinned(_option(plan, "RoleARN") or settings.execution_role, settings)
    ids = tuple(change.id for change in plan.changes)
    named = ("StringEquals", "cloudformation:ChangeSetName", (match["name"], plan.artifact))
    region = ("StringEquals", "aws:RequestedRegion", (match["region"],))
    yield Grant(("cloudformation:ExecuteChangeSet", "cloudformation:DescribeChangeSet"), (stack,), (named, region), ids)
    yield Grant(("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"), (stack,), (region,), ids)
    yield _passing(role, ("cloudformation.amazonaws.com",), ids)


def _cloud_control(plan: Plan, settings: ApplySettings) -> Iterator[Grant]:
    for change in plan.changes:
        role = _pinned(str(change.options.get("RoleArn") or settings.execution_role), settings)
        region = _region(plan, change, settings)
        if len(change.actions) != 1 or not change.actions[0].startswith("cloudformation:"):
            raise PlanError(f"change {change.id!r} is no request of Cloud Control, expected one of its actions")
        actions = (*change.actions, "cloudformation:GetResourceRequestStatus")
        yield Grant(actions, ("*",), (("StringEquals", "aws:RequestedRegion", (region,)),), (change.id,))
        yield _passing(role, _CONTROL_SERVICES, (change.id,))


def _terraform(plan: Plan, settings: ApplySettings) -> Iterator[Grant]:
    if not settings.project:
        raise PlanError("no project is set that carries out plans of Terraform, expected the ARN of one of CodeBuild")
    if not _SHA256.fullmatch(plan.artifact):
        raise PlanError(f"artifact {plan.artifact!r} is not allowed, expected the SHA-256 of the saved plan file")
    ids = tuple(change.id for change in plan.changes)
    variables = {**settings.variables, "PLAN_DIGEST": plan.digest, "PLAN_FILE_SHA256": plan.artifact}
    names, prefix = tuple(sorted(variables)), "codebuild:environment.environmentVariables"
    conditions: Conditions = (
        *(("StringEquals", f"{prefix}/{name}.value", (literal(variables[name]),)) for name in names),
        ("ForAllValues:StringEquals", f"{prefix}.name", names),
        *(("Null", f"codebuild:{name}", ("true",)) for name in _OVERRIDES),
    )
    yield Grant(("codebuild:StartBuild",), (settings.project,), conditions, ids)
    yield Grant(("codebuild:BatchGetBuilds",), (settings.project,), (), ids)


def _calls(plan: Plan, settings: ApplySettings) -> Iterator[Grant]:
    for change in plan.changes:
        if change.operation is not Operation.CALL:
            raise PlanError(f"change {change.id!r} is no call, expected calls alone")
        actions = tuple(action for action in change.actions if action.lower() != "iam:passrole")
        for action in actions:
            if not _ACTION.fullmatch(action):
                raise PlanError(f"action {action!r} of call {change.id!r} is not allowed, expected service:Action")
        if not actions or not change.resources or "" in change.resources:
            raise PlanError(f"call {change.id!r} cannot be bound: nobody knows its actions or resources")
        parameters = change.after if isinstance(change.after, dict) else {}
        named = ("*",) if "*" in change.resources else tuple(map(literal, change.resources))
        for action in actions:
            # A role that is handed on is what iam:PassRole is about, and no resource of another service's action.
            about_roles = action.partition(":")[0] in _OF_ROLES
            resources = named if about_roles else tuple(each for each in named if not _ROLE.fullmatch(each))
            if not resources:
                raise PlanError(f"call {change.id!r} cannot be bound: nobody knows what {action} is about")
            where = _place(plan, change, settings, action, resources)
            yield Grant((action,), resources, (*where, *conditions_of(action, parameters)), (change.id,))
        yield from _passed(change, actions)


def _place(
    plan: Plan, change: Change, settings: ApplySettings, action: str, resources: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the conditions on Region and account."""
    if action.partition(":")[0] not in _EVERYWHERE:
        yield "StringEquals", "aws:RequestedRegion", (_region(plan, change, settings),)
    # The ARN of a bucket has no account: one of that name may be anybody's. Other services' ARNs have one.
    if action.startswith("s3:") and "*" not in resources:
        account = change.account or plan.account or settings.account
        if not account:
            raise PlanError(f"call {change.id!r} is about a bucket, and nobody knows in which account")
        yield "StringEquals", "aws:ResourceAccount", (account,)


def _passed(change: Change, actions: tuple[str, ...]) -> Iterator[Grant]:
    """Yield the roles that a call hands to a service."""
    roles = {
        node.value
        for node in nodes(change.after)
        if isinstance(node.value, str) and node.name.endswith(("role", "rolearn")) and _ROLE.fullmatch(node.value)
    }
    services = sorted({to for action in actions for to in SERVICE_PRINCIPALS.get(action.partition(":")[0], ())})
    stated = any(action.lower() == "iam:passrole" for action in change.actions)
    if stated and not (roles and services):
        raise PlanError(f"call {change.id!r} passes a role, and nobody knows which one, or to which service")
    if services:
        for role in sorted(roles):
            yield _passing(role, tuple(services), (change.id,))


def _passing(role: str, services: tuple[str, ...], ids: tuple[str, ...]) -> Grant:
    return Grant(("iam:PassRole",), (role,), (("StringEquals", "iam:PassedToService", services),), ids)


def _pinned(role: str, settings: ApplySettings) -> str:
    """Return the role that CloudFormation works under; without one it would work as the caller."""
    if not role:
        raise PlanError("no role is set that CloudFormation works under, expected the execution role")
    if settings.execution_role and role != settings.execution_role:
        raise PlanError(f"role {role!r} is not the execution role, expected {settings.execution_role!r}")
    if not _ROLE.fullmatch(role):
        raise PlanError(f"role {role!r} is not allowed, expected the ARN of a role")
    return role


def _region(plan: Plan, change: Change, settings: ApplySettings) -> str:
    region = change.region or plan.region or settings.region
    if not region:
        raise PlanError(f"change {change.id!r} names no Region, and none is set")
    return region


def _option(plan: Plan, name: str) -> str:
    options: Any = plan.parameters.get("Options")
    value = options.get(name) if isinstance(options, dict) else None
    return value if isinstance(value, str) else ""
