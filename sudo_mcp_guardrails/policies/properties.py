"""Every property of an agent's role: the escalation catalogue, and what an agent must never do."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability, SensitiveRead
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.iam.properties import Property
from sudo_mcp_guardrails.policies.approvals import builds
from sudo_mcp_guardrails.policies.boundary.approved import beyond_approved
from sudo_mcp_guardrails.policies.boundary.sensitive import confinable
from sudo_mcp_guardrails.policies.containment.properties import responder_properties
from sudo_mcp_guardrails.policies.invariants import invariants
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.properties import Subject

_ROLE: Final = re.compile(r"arn:([^:]+):iam::(\d{12}):role/([^/]+)/agents/([^/]+)/(?:workloads/)?[^/]+")


class SubjectError(GuardrailsError):
    """A role that cannot be an agent's: the message has its ARN and what was expected."""


def agent_properties(subject: Subject) -> tuple[Property, ...]:
    """Return the properties of a role: the known escalation paths first, then the invariants.

    Args:
        subject: The role. Its ARN says which guardrails it belongs to.

    Raises:
        SubjectError: Where the role does not lie on an agents' path.
    """
    arn = subject.facts.principal.arn
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise SubjectError(f"role {arn!r} is no agent's, expected arn:…:role/PREFIX/agents/AGENT/NAME")
    partition, account, prefix, agent = match.groups()
    boundary = f"arn:{partition}:iam::{account}:policy/{prefix}/boundary/{prefix}-agent-{agent}"
    escalations = escalation_properties()
    if subject.capability == Capability.APPLY.value:
        escalations = _beyond_approved(subject.passable, builds(subject, prefix))
    given = _given(subject)
    if given:
        escalations = tuple(p for p in escalations if not {a for s in p.steps for a in s.actions} <= given)
    return (
        *escalations,
        *invariants(subject, prefix=prefix, boundary=boundary),
        *responder_properties(subject, prefix),
    )


def _given(subject: Subject) -> frozenset[str]:
    """Return what the agent was given on purpose wherever it is, which is no path; with any other step it still is.

    That is of the classes that it opted into, of the services that it holds, and no read of what a prefix can own:
    with these it reaches what is its own and nothing else, and so the path is asked about.
    """
    return frozenset(
        action
        for kind in subject.sensitive_reads
        for action in sensitive_actions(SensitiveRead(kind))
        if (service := action.split(":")[0]) in subject.services and action not in confinable(service)
    )


@cache
def _beyond_approved(roles: tuple[str, ...], projects: tuple[str, ...]) -> tuple[Property, ...]:
    """Return the catalogue as asked of an apply role, which carries out what was approved."""
    found = []
    for each in escalation_properties():
        steps = beyond_approved(each.steps, roles=roles, builds=projects)
        # One that is as it was stays the same value, which is compiled once.
        found.append(each if steps == each.steps else replace(each, steps=steps))
    return tuple(found)


@cache
def escalation_properties() -> tuple[Property, ...]:
    """Return the escalation catalogue as properties."""
    return tuple(Property(f"escalation/{path.id}", path.title, path.steps, path.sources) for path in escalation_paths())
