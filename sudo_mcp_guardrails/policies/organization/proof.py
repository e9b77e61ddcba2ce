"""What the organization's policies prove by themselves: of a new agent role, and of everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.matching import ARN_PARTS
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.boundary.approved import beyond_approved, project_arn
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

NEW_AGENT: Final = "new-agent"
"""An agent of which the guardrails know nothing but where its roles lie."""
KINDS: Final = ("read", "plan", "apply", "other")
"""Roles of an agent that nobody but the broker assumes; what CloudFormation assumes is held by its own boundary."""
_KEY: Final = "aws:PrincipalArn"


def new_agents(
    scps: Sequence[PolicyDocument], names: GuardrailNames, *, account: str = "111111111111", partition: str = "aws"
) -> Iterator[Subject]:
    """Yield the roles of a new agent that holds AdministratorAccess, has no boundary, and is under these SCPs alone.

    Args:
        scps: The SCPs, all of one level, with pseudo parameters.
        names: Names of the guardrails' own resources.
        account: Where the roles are.
        partition: Of all ARNs.
    """
    pseudo = {"Partition": partition, "AccountId": account, "Region": "us-east-1"}
    layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *(scp.resolve(pseudo) for scp in scps)),))
    for kind in KINDS:
        path = f"{names.role_path(NEW_AGENT)}{names.role_name(NEW_AGENT, kind)}"
        principal = Principal(f"arn:{partition}:iam::{account}:role{path}", session="run")
        yield Subject(NEW_AGENT, kind, layers, Facts(principal, partition=partition), source="organization")


def open_paths(scps: Sequence[PolicyDocument], names: GuardrailNames) -> tuple[str, ...]:
    """Return the escalation paths that SCPs by themselves do not block for every role of a new agent.

    Args:
        scps: The SCPs, all of one level, with pseudo parameters.
        names: Names of the guardrails' own resources.
    """
    provers = [(subject, Prover(subject.layers, subject.facts)) for subject in new_agents(scps, names)]
    return tuple(
        path.id
        for path in escalation_paths()
        if any(
            prover.prove(asked_of(subject, path.steps, names)).verdict is not Verdict.PROVED
            for subject, prover in provers
        )
    )


def asked_of(subject: Subject, steps: tuple[Statement, ...], names: GuardrailNames) -> tuple[Statement, ...]:
    """Return a path as it is asked of one role: of an apply role, beside what the approval workflow has it do.

    Args:
        subject: One of a new agent's roles.
        steps: Of the path.
        names: Names of the guardrails' own resources.
    """
    if subject.capability != Capability.APPLY.value:
        return steps
    partition, account = subject.facts.partition, subject.facts.principal.account
    # What may be passed, see ``AgentsPassRole``: each carries an agents' boundary.
    path = f"arn:{partition}:iam::{account}:role{names.agents_path}*"
    roles = (f"{path}/{names.prefix}-*-execution", f"{path}/workloads/*")
    project = project_arn(names, "*", account).replace(PARTITION, partition)
    return beyond_approved(steps, roles=roles, builds=(project,))


def lost_by_others(scps: Sequence[PolicyDocument], names: GuardrailNames) -> tuple[str, ...]:
    """Say which Deny statements may bind somebody who is no agent: none, where it is empty.

    A Deny that holds only where ``aws:PrincipalArn`` is like a pattern on the agents' path binds nobody off it,
    whatever else it says. One that is not of that plain form is reported, whether it binds others or not.

    Args:
        scps: The SCPs.
        names: Names of the guardrails' own resources.
    """
    return tuple(
        f"{statement.sid} may bind others: expected a condition ArnLike on {_KEY} with patterns of {names.agents_path}"
        for scp in scps
        for statement in scp.statements
        if statement.effect == "Deny" and not any(_names_agents(*c, names) for c in statement.conditions)
    )


def _names_agents(operator: str, key: str, wanted: Strings, names: GuardrailNames) -> bool:
    """Return whether a condition holds for agents alone: plain, positive, and with patterns on their path."""
    if operator not in {"ArnEquals", "ArnLike"} or key.lower() != _KEY.lower() or not wanted:
        return False
    lasts = [pattern.split(":", ARN_PARTS - 1) for pattern in wanted]
    return all(len(p) == ARN_PARTS and p[0] == "arn" and p[-1].startswith(f"role{names.agents_path}") for p in lasts)
