"""What must hold of a contained agent, and of an agent and what contains it: properties for the prover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.action_sets import members, named, writing
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.properties import Property
from sudo_mcp_guardrails.policies.boundary.proposals import INVOKE, NOT_BY_URL
from sudo_mcp_guardrails.policies.containment.names import containment_path, response_path, table_name
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.properties import Subject

_ALWAYS: Final = ("sts:GetCallerIdentity",)
"""Needs no permission, and no policy can deny it (STS API reference, ``GetCallerIdentity``)."""


def _asked(name: str, title: str, step: Statement) -> Property:
    return Property(f"invariant/contained-{name}", title, (step,), kind="invariant", strict=True)


def contained_properties() -> tuple[Property, ...]:
    """Return what must be impossible for a role once it is contained, in every context.

    The first covers the others; they say by name what responders ask about.
    """
    return (
        _asked(
            "everything",
            "does anything at all though it is contained, asking who it is aside",
            Statement("ContainedEverything", "Allow", not_actions=_ALWAYS, resources=("*",)),
        ),
        _asked(
            "role-chaining",
            "goes on as another role, or in another session of its own",
            Statement(
                "ContainedChaining", "Allow", actions=members(named(("sts:*",)) & ~named(_ALWAYS)), resources=("*",)
            ),
        ),
        _asked(
            "oauth",
            "mints or refreshes an OAuth session though it is contained",
            Statement("ContainedSignIn", "Allow", actions=("signin:*",), resources=("*",)),
        ),
    )


def responder_properties(subject: Subject, prefix: str) -> tuple[Property, ...]:
    """Return what must be impossible for any agent's role, contained or not: to use or change what contains it.

    Args:
        subject: The role.
        prefix: Name prefix of the guardrails' own resources.
    """
    names = GuardrailNames(prefix)
    partition, account = subject.facts.partition, subject.facts.principal.account
    iam = f"arn:{partition}:iam::{account}"
    roles = (f"{iam}:role{response_path(names)}*",)
    # Not the account: the table may be in another, whose policy could let the agent in.
    table = (f"arn:{partition}:dynamodb:*:*:table/{table_name(names)}",)
    functions = tuple(
        f"arn:{partition}:lambda:*:{account}:function:{prefix}-{name}*" for name in ("containment-", "responder")
    )
    executions = tuple(
        f"arn:{partition}:states:*:{account}:{kind}:{prefix}-containment*" for kind in ("execution", "stateMachine")
    )
    findings = tuple(f"arn:{partition}:events:*:*:{kind}/{prefix}-*" for kind in ("event-bus", "rule"))
    return (
        _asked(
            "responder-assumed",
            "becomes the role that contains agents",
            Statement("ResponderAssumed", "Allow", actions=("sts:AssumeRole", "sts:TagSession"), resources=roles),
        ),
        _asked(
            "responder-passed",
            "passes the role that contains agents to a service",
            Statement("ResponderPassed", "Allow", actions=("iam:PassRole",), resources=roles),
        ),
        _asked(
            "responder-changed",
            "changes the role or the policies that contain agents",
            Statement(
                "ResponderChanged",
                "Allow",
                actions=members(named(("iam:*",)) & writing() & ~named(("iam:PassRole",))),
                resources=(*roles, f"{iam}:policy{containment_path(names)}*"),
            ),
        ),
        _asked(
            "policy-attached",
            "attaches or detaches what contains a role, or swaps its boundary",
            Statement(
                "ContainmentUndone",
                "Allow",
                actions=(
                    *("iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:DetachRolePolicy"),
                    *("iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"),
                ),
                resources=(f"{iam}:role{names.agents_path}*",),
                not_resources=tuple(pattern for pattern in subject.own if ":role/" in pattern),
            ),
        ),
        _asked(
            "switch",
            "changes the kill switch",
            Statement(
                "SwitchChanged",
                "Allow",
                actions=members(named(("dynamodb:*",)) & writing()),
                resources=table,
            ),
        ),
        # Every call of a URL takes lambda:InvokeFunctionUrl, whatever else it takes.
        _asked(
            "containment-asked",
            "asks a function that contains or restores agents, or decides on that, by its URL, or changes it",
            Statement(
                "ContainmentAsked",
                "Allow",
                actions=members(named(("lambda:*",)) & writing() & ~named((INVOKE,))),
                resources=functions,
            ),
        ),
        _asked(
            "containment-called",
            "calls such a function directly, with an event that says who asks",
            Statement("ContainmentCalled", "Allow", actions=(INVOKE,), resources=functions, conditions=(NOT_BY_URL,)),
        ),
        _asked(
            "containment-started",
            "starts, stops or changes the state machine that contains and restores agents",
            Statement(
                "ContainmentStarted", "Allow", actions=members(named(("states:*",)) & writing()), resources=executions
            ),
        ),
        _asked(
            "finding-forged",
            "puts a finding on the bus by which findings contain agents, or changes who hears of them",
            Statement("FindingForged", "Allow", actions=members(named(("events:*",)) & writing()), resources=findings),
        ),
    )
