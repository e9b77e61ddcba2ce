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
    opted = {action for kind in subject.sensitive_reads for action in sensitive_actions(SensitiveRead(kind))}
    # What the agent was given on purpose is no path; a path with any other step still is.
    escalations = escalation_properties()
    if subject.capability == Capability.APPLY.value:
        escalations = _beyond_approved(subject.passable, builds(subject, prefix))
    if opted:
        escalations = tuple(p for p in escalations if not {a for s in p.steps for a in s.actions} <= opted)
    return (*escalations, *invariants(subject, prefix=prefix, boundary=boundary))


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
