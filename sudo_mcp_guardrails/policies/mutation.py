"""Mutation of policies: take one statement away, and see whether any scenario notices.

Layers overlap on purpose, so each policy is tried on its own: everything around it allows everything, also a
resource policy that names the session, which is the worst case of a same-account resource policy. Only then does
a Deny that is missing show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.evaluate import Layers, evaluate
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.witness import worst_case
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
    from sudo_mcp_guardrails.iam.request import Request
    from sudo_mcp_guardrails.policies.bundle import AgentPolicies
    from sudo_mcp_guardrails.policies.scenario import Scenario

_BOUNDED: Final = ("read", "plan", "apply")


@dataclass(frozen=True)
class Mutant:
    """A policy without one of its statements.

    Args:
        policy: Name of the policy, such as ``"boundary"``.
        layer: Its layer: ``identity``, ``boundary`` or ``scp``.
        sid: The statement that is missing.
        effect: Its effect.
        reason: Why it is there.
        killed_by: Ids of the scenarios whose decision changes; empty for a mutant that survives.
    """

    policy: str
    layer: str
    sid: str
    effect: str
    reason: str
    killed_by: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """A policy, the layer it is in, and the roles it applies to."""

    document: PolicyDocument
    layer: str
    kinds: tuple[str, ...]


def policy_mutants(
    policies: AgentPolicies,
    values: Mapping[str, str],
    scenarios: Sequence[Scenario],
    *,
    scps: Sequence[PolicyDocument] = (),
) -> tuple[Mutant, ...]:
    """Remove each statement of each policy in turn, with everything around that policy allowing everything.

    A missing Deny is noticed by a scenario that was denied and then is allowed; a missing Allow by one that was
    allowed and then is denied.

    Args:
        policies: The policies of one agent.
        values: ``{"Partition": ..., "AccountId": ..., "Region": ...}``.
        scenarios: The scenarios that may notice.
        scps: The organization's SCPs.
    """
    found = []
    for place in _places(policies, scps):
        requests = [(s, _request(policies, s, values)) for s in scenarios if s.capability in place.kinds]
        for statement in place.document.statements:
            kept = replace(place, document=place.document.without(statement.sid))
            killed = tuple(
                scenario.id
                for scenario, request in requests
                if scenario.allowed == (statement.effect == "Allow")
                and _alone(place, request, values, statement.effect) == scenario.allowed
                and _alone(kept, request, values, statement.effect) != scenario.allowed
            )
            found.append(_mutant(place, statement, killed))
    return tuple(found)


def stack_mutants(
    policies: AgentPolicies,
    values: Mapping[str, str],
    scenarios: Sequence[Scenario],
    *,
    scps: Sequence[PolicyDocument] = (),
) -> tuple[Mutant, ...]:
    """Remove each statement in turn from the whole stack, as it is deployed.

    Those that survive are redundant today: another layer decides the same. Their reason says why they stay.
    """
    found = []
    for place in _places(policies, scps):
        affected = [
            (s.id, _request(policies, s, values), policies.layers(s.capability, values, scps=tuple(scps)))
            for s in scenarios
            if s.capability in place.kinds
        ]
        for statement in place.document.statements:
            killed = tuple(
                id_
                for id_, request, layers in affected
                if evaluate(request, layers).allowed
                != evaluate(request, _without(layers, place.document.name, statement.sid)).allowed
            )
            found.append(_mutant(place, statement, killed))
    return tuple(found)


def _places(policies: AgentPolicies, scps: Sequence[PolicyDocument]) -> tuple[_Place, ...]:
    """Return every policy of the stack in order."""
    return (
        _Place(policies.read, "identity", ROLE_KINDS),
        _Place(policies.plan, "identity", ("plan",)),
        _Place(policies.apply, "identity", ("apply",)),
        _Place(policies.execution, "identity", ("execution",)),
        *(_Place(document, "identity", ("read", "plan")) for document in policies.sensitive),
        _Place(policies.boundary, "boundary", _BOUNDED),
        _Place(execution_boundary((policies.scope,)), "boundary", ("execution",)),
        *(_Place(document, "scp", ROLE_KINDS) for document in scps),
    )


def _alone(place: _Place, request: Request, values: Mapping[str, str], effect: str) -> bool:
    """Decide a request on one policy, with everything around it allowing everything."""
    document = place.document.resolve(values)
    # What denies has to hold against a resource policy that names the session; what allows has to allow by itself.
    denies = effect == "Deny"
    resource = worst_case(Facts(request.principal)) if denies else None
    if place.layer == "identity":
        beside = (FULL_ACCESS,) if denies else ()
        return evaluate(request, Layers(identity=(document, *beside), resource=resource)).allowed
    if place.layer == "boundary":
        return evaluate(request, Layers(identity=(FULL_ACCESS,), boundary=document, resource=resource)).allowed
    return evaluate(
        request, Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, document),), resource=resource)
    ).allowed


def _without(layers: Layers, name: str, sid: str) -> Layers:
    """Return the layers without one statement of one policy."""

    def cut(documents: Iterable[PolicyDocument]) -> tuple[PolicyDocument, ...]:
        return tuple(d.without(sid) if d.name == name else d for d in documents)

    boundary = layers.boundary
    return replace(
        layers,
        identity=cut(layers.identity),
        boundary=None if boundary is None else cut((boundary,))[0],
        scps=tuple(cut(level) for level in layers.scps),
    )


def _request(policies: AgentPolicies, scenario: Scenario, values: Mapping[str, str]) -> Request:
    """Make a scenario's request for the agent."""
    scope = policies.scope
    prefix = scope.agent.prefixes(scope.environments[0])[0]
    return scenario.request(agent=scope.agent.name, prefix=prefix, names=scope.names, values=values)


def _mutant(place: _Place, statement: Statement, killed: tuple[str, ...]) -> Mutant:
    return Mutant(place.document.name, place.layer, statement.sid, statement.effect, statement.reason, killed)
