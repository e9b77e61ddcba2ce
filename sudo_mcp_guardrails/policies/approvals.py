"""What approvals consist of, and what no agent may do to them: properties beside those of the invariants.

The workflow's resources have names that begin with ``<prefix>-approval``, and its table of runs is ``<prefix>-runs``,
so that policies of any account can name them. A KMS key has no name: it is known by its alias. All properties are
strict, and asked of every role of every agent, and of whatever its resources carry.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Step Functions" (a task's
answers and ``TestState`` take no resource); AWS KMS developer guide, "Use aliases to control access to KMS keys";
Lambda developer guide, "Control access to Lambda function URLs" (a call takes ``lambda:InvokeFunctionUrl`` and, with
``lambda:InvokedViaFunctionUrl``, ``lambda:InvokeFunction``).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability, SensitiveRead
from sudo_mcp_guardrails.iam.action_sets import members, named, writing
from sudo_mcp_guardrails.iam.documents import Statement, resolve
from sudo_mcp_guardrails.iam.properties import Property
from sudo_mcp_guardrails.policies.boundary.approved import BUILD, BUILDS, COMMANDS
from sudo_mcp_guardrails.policies.boundary.proposals import INVOKE, NOT_BY_URL, URL
from sudo_mcp_guardrails.policies.capabilities.build import DECRYPTS
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions
from sudo_mcp_guardrails.policies.terraform import project_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.iam.properties import Subject

TASKS: Final = (*("states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess", "states:TestState"),)
"""What Step Functions decides without a resource: a task's answer takes the token alone, whoever's it is."""
_TOKENS: Final = (
    *("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:GetRecords"),
    *("dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:ReadDataForReplication", "dynamodb:Scan"),
    *("dynamodb:SearchVectors", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogRecord"),
    *("logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery", "logs:Unmask", "sqs:ReceiveMessage"),
    *("states:DescribeExecution", "states:DescribeStateMachineForExecution", "states:GetExecutionHistory"),
)
"""What shows a task's token, or what came back with it."""
_OBJECTS: Final = tuple(action for action in sensitive_actions(SensitiveRead.BULK_DATA) if action.startswith("s3:"))
"""What shows an object."""


def intakes(subject: Subject, prefix: str) -> tuple[str, ...]:
    """Return the ARN pattern of the function that takes plans, about which is asked apart."""
    pseudo = {"Partition": subject.facts.partition, "AccountId": subject.facts.principal.account}
    return (str(resolve(GuardrailNames(prefix).intake_arn(), pseudo)),)


def builds(subject: Subject, prefix: str) -> tuple[str, ...]:
    """Return the ARN pattern of the project that applies the agent's Terraform plans, about which is asked apart."""
    place = f"codebuild:*:{subject.facts.principal.account}"
    return (f"arn:{subject.facts.partition}:{place}:project/{project_name(GuardrailNames(prefix), subject.agent)}",)


def approval_properties(subject: Subject, prefix: str) -> Iterator[Property]:
    """Yield what must never be possible for a role of an agent around approvals.

    Args:
        subject: The role.
        prefix: Name prefix of the guardrails' own resources.
    """
    partition, account = subject.facts.partition, subject.facts.principal.account

    def arns(*rests: str) -> tuple[str, ...]:
        return tuple(f"arn:{partition}:{rest}" for rest in rests)

    def workflow(service: str, *kinds: str) -> tuple[str, ...]:
        return arns(*(f"{service}:*:{account}:{kind}{prefix}-approval*" for kind in kinds))

    tables = arns(*(f"dynamodb:*:{account}:table/{prefix}-{name}*" for name in ("approval-", "runs")))
    executions = workflow("states", "stateMachine:", "execution:", "express:", "mapRun:")
    groups = workflow("logs", "log-group:/aws/lambda/", "log-group:/aws/vendedlogs/states/")
    queues = workflow("sqs", "")
    yield _asks(
        "tokens", "reads the token of a task of the workflow", _TOKENS, (*tables, *executions, *groups, *queues)
    )
    yield _asks(
        "records",
        "writes evidence, approvals, tiers, tokens, people's keys or runs",
        resources=(*tables, *arns(f"s3:::{prefix}-approval-*"), *queues, *groups),
        changing=True,
    )
    yield _asks(
        "plans",
        "reads a saved plan, or what was recorded, without being the build that applies the plan of its own agent",
        _OBJECTS,
        arns(f"s3:::{prefix}-approval-*"),
        not_resources=tuple(arn for arn in subject.uses if _is_plan(arn, prefix, subject.agent)),
    )
    yield _asks(
        "executions", "starts, stops, redrives or changes the workflow", ("states:*",), executions, changing=True
    )
    yield _asks("tasks", "answers a task, or runs a state, that IAM cannot tell from the workflow's", TASKS)
    yield from _functions(subject, prefix, workflow("lambda", "function:"))
    applies = subject.capability == Capability.APPLY.value
    yield _asks(
        "builds",
        "changes or reads the project that applies Terraform plans, or has it apply one without being the apply role",
        tuple(action for action in _of_projects() if not (applies and action in BUILDS)),
        workflow("codebuild", "project/"),
    )
    yield _asks(
        "commands",
        "has the project that applies Terraform plans run commands of its own",
        (BUILD,),
        workflow("codebuild", "project/"),
        conditions=(("Null", COMMANDS, ("false",)),),
    )
    yield _asks(
        "keys",
        "signs with a key of the workflow, or changes who may",
        # What S3 asks of a key for a build is asked apart.
        tuple(action for action in _changing("kms:*") if not (subject.uses and action in DECRYPTS[:1])),
        arns(f"kms:*:{account}:key/*"),
        conditions=(("ForAnyValue:StringLike", "kms:ResourceAliases", (f"alias/{prefix}-*",)),),
    )
    yield _asks(
        "aliases",
        "takes its name from a key of the workflow",
        _changing("kms:*"),
        arns(f"kms:*:{account}:alias/{prefix}-*"),
    )
    yield _asks(
        "broker",
        "assumes an apply role, or a role of the guardrails that may",
        ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"),
        arns(f"iam::*:role/{prefix}/*", f"iam::*:role/{prefix}-*"),
    )


def _is_plan(arn: str, prefix: str, agent: str) -> bool:
    """Return whether what a build uses are plans of its agent, whatever else its policies say that it uses."""
    return f":::{prefix}-approval-evidence-" in arn and arn.endswith(f"/plans/{agent}/*")


def _functions(subject: Subject, prefix: str, functions: tuple[str, ...]) -> Iterator[Property]:
    """Yield the properties that the functions stay as they are, and that plans come to the intake as they should."""
    intake = intakes(subject, prefix)
    changes = tuple(action for action in _changing("lambda:*") if action not in {URL, INVOKE})
    yield _asks("functions", "changes a function of the workflow", changes, functions)
    yield _asks(
        "calls",
        "calls a function of the workflow directly, with an event that says who calls",
        (INVOKE,),
        functions,
        conditions=(NOT_BY_URL,),
    )
    # Every call of a URL takes this one, whatever else it takes.
    yield _asks("urls", "calls the URL of a function that takes no plans", (URL,), functions, not_resources=intake)
    if subject.capability != Capability.PLAN.value:
        yield _asks("proposals", "proposes a plan without being the plan role", (URL,), intake)


@cache
def _of_projects() -> tuple[str, ...]:
    """Return what changes a project of CodeBuild or its builds, and what shows more of them than their names."""
    shown = {action for kind in SensitiveRead for action in sensitive_actions(kind) if action.startswith("codebuild:")}
    return tuple(sorted({*_changing("codebuild:*"), *shown}))


@cache
def _changing(*patterns: str) -> tuple[str, ...]:
    """Return the actions that change something among those that patterns cover."""
    return members(named(patterns) & writing())


def _asks(
    name: str,
    title: str,
    actions: tuple[str, ...] = (),
    resources: tuple[str, ...] = ("*",),
    *,
    not_resources: tuple[str, ...] = (),
    conditions: Conditions = (),
    changing: bool = False,
) -> Property:
    step = Statement(
        sid="Approval" + name.capitalize(),
        effect="Allow",
        actions=actions,
        not_actions=() if actions else ("iam:PassRole",),
        resources=resources,
        not_resources=not_resources,
        conditions=conditions,
    )
    return Property(f"invariant/approval-{name}", title, (step,), kind="invariant", strict=True, changing=changing)
