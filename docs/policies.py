"""Writes docs/policies.md from the policies themselves: ``python -m docs.policies``; a test says when to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.containment.responder_trust import response_trust
from sudo_mcp_guardrails.policies.containment.responders import organization_policy, responder_policy, response_policy
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_trust
from sudo_mcp_guardrails.policies.containment.roles import deny_policy as deny_all
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.sensitive import deny_policy, sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

PAGE: Final = Path(__file__).with_suffix(".md")
ACCOUNT: Final = "111111111111"
EXAMPLE: Final = Agent(
    "release-bot",
    owner="platform@example.com",
    services=("dynamodb", "lambda", "s3", "secretsmanager"),
    environments=(AgentEnvironment.sandbox(ACCOUNT, regions=("eu-central-1",)),),
)
_SHOWN: Final = 6
_HEAD: Final = f"""# Policies

Written by `python -m docs.policies` from the policies themselves; a test fails when this page is not current.

Each statement has a Sid that is unique in the library, so that an AccessDenied names its guardrail. The values are
those of one agent, `{EXAMPLE.name}`, with the services {", ".join(f"`{s}`" for s in EXAMPLE.services)} in one sandbox
account and one Region, in which there is an approval workflow to propose plans to. Lists are cut after {_SHOWN} values;
the whole text is in the synthesized template.
`${{AWS::…}}` stands for CloudFormation's pseudo parameters.

A request is allowed where a policy of the role allows it, the boundary allows it too, every level of SCPs allows it
and no statement of any of them denies it. A same-account resource policy that names the role *session* needs no Allow
of the boundary, which is why the boundaries deny explicitly what they do not allow.
"""
_SENSITIVE: Final = """## Sensitive reads

One policy a class, on read and plan, unless the agent opts into the class with `sensitive_reads`. The secret and
credential classes stand in the boundary as well, for the services that the agent holds.
"""
_TRUST: Final = """## Trust

Who may assume the roles. `${broker}` stands for the ARN of the broker's role, or of the role that mints apply sessions.
"""
_CONTAINMENT: Final = """## Containment

What stops agents, made beforehand and attached when it happens, and who may attach it: see
[containment](containment.md).
"""
_STACKS: Final = "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/release-bot*"


def page() -> str:
    """Return the page as Markdown."""
    scope = AgentScope(EXAMPLE, ACCOUNT, proposes=True)
    policies = AgentPolicies(scope)
    parts = [
        _HEAD,
        _section("Read", "On all four roles.", policies.read),
        _section("Plan", "On the plan role, besides read.", policies.plan),
        _section("Apply", "On the apply role, besides read.", policies.apply),
        _section("Execution", "On the execution role, besides read.", policies.execution),
        _section("Agent boundary", "On read, plan, apply, and required of every workload role.", policies.boundary),
        _section("Execution boundary", "On the execution roles of all agents.", execution_boundary((scope,))),
        _SENSITIVE,
        *(_sensitive(kind) for kind in SensitiveRead),
        _TRUST,
        *(
            _statement(statement)
            for statement in (
                *trust.minted(EXAMPLE.name, "read", "${broker}"),
                *trust.direct((f"arn:*:iam::{ACCOUNT}:role/break-glass", f"arn:*:iam::{ACCOUNT}:user/on-call")),
                trust.nobody(),
                trust.cloudformation(),
            )
        ),
        *(
            _section(
                f"SCP {policy.name}",
                "For the organization; `policies.organization.packs.agent_scps()` returns it.",
                policy,
            )
            for policy in agent_scps()
        ),
        _CONTAINMENT,
        *(_section(title, where, document) for title, where, document in _containment()),
    ]
    return "\n".join(parts)


def _containment() -> tuple[tuple[str, str, PolicyDocument], ...]:
    """Return what contains agents, and who may."""
    names = GuardrailNames()
    attached = "For the organization, attached to nothing until then."
    root = "arn:${AWS::Partition}:organizations::333333333333:root/o-a1b2c3d4e5/r-abcd"
    scp = "arn:${AWS::Partition}:organizations::333333333333:policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4"
    function = f"arn:${{AWS::Partition}}:iam::{ACCOUNT}:role/{names.prefix}/{names.prefix}-responder"
    return (
        ("Contained policy", "Attached to each role of a contained agent.", deny_all()),
        ("Contained boundary", "In the place of a contained role's own boundary.", deny_boundary()),
        ("Contained trust", "In the place of a contained role's trust policy.", deny_trust()),
        ("SCP of a class (K3)", attached, class_scp(names, "release-*")),
        ("SCP of all agents (K4)", attached, all_scp(names)),
        ("Responder", "On the role of the function that contains, besides evidence.", responder_policy(names)),
        ("Response role", "On the role that contains in each account.", response_policy(names, (_STACKS,))),
        ("Response trust", "Who may become it.", response_trust(names, [function])),
        ("Response role of the organization", "On the role that attaches SCPs.", organization_policy([scp], [root])),
    )


def _section(title: str, where: str, document: PolicyDocument) -> str:
    """Return a policy's section."""
    size = f"{document.check_size(limit=10**6):,} characters for this agent"
    return "\n".join([f"## {title}\n\n{where} {size}.\n", *(_statement(s) for s in document.statements)])


def _statement(statement: Statement) -> str:
    """Return a statement: its effect, why it is there, and what it matches."""
    lines = [f"### {statement.sid}", "", f"**{statement.effect}**: {statement.reason}.", ""]
    for name, values in (
        ("Principal", tuple(value for _, value in statement.principals)),
        ("Action", statement.actions),
        ("NotAction", statement.not_actions),
        ("Resource", statement.resources),
        ("NotResource", statement.not_resources),
    ):
        if values:
            lines.append(f"- {name}: {_values(values)}")
    lines += [f"- Condition: `{operator}` `{key}` {_values(values)}" for operator, key, values in statement.conditions]
    return "\n".join([*lines, ""])


def _sensitive(kind: SensitiveRead) -> str:
    """Return the section of one class."""
    (statement,) = deny_policy(kind).statements
    names = ", ".join(f"`{name}`" for name in sensitive_actions(kind))
    return (
        f"### {statement.sid}\n\n**Deny**: {statement.reason}.\n\n<details>\n<summary>{len(sensitive_actions(kind))} "
        f"actions</summary>\n\n{names}\n\n</details>\n"
    )


def _values(values: tuple[str, ...]) -> str:
    """Return values in code, cut."""
    shown = ", ".join(f"`{value}`" for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
