"""Proves a plan: what its steps make of the layers of a role, and that nothing gets through them.

The layers are made from the plan's own steps and from the policies that those steps name, so that a plan which forgets
a role is no proof. A level that changes no policy, K1, has nothing to prove here: it stops new sessions and no live
one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.compiled import compile_statement
from sudo_mcp_guardrails.iam.documents import parse_json
from sudo_mcp_guardrails.iam.evaluate import evaluate
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.properties import CONTEXTS, prove_subject
from sudo_mcp_guardrails.iam.reduce import reduced
from sudo_mcp_guardrails.iam.request import Request
from sudo_mcp_guardrails.iam.universe import ANYTHING
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.containment.names import ALL
from sudo_mcp_guardrails.policies.containment.properties import contained_properties
from sudo_mcp_guardrails.policies.containment.roles import ASSUMING, deny_boundary, deny_policy
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.response.steps.step import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
    from sudo_mcp_guardrails.iam.properties import Result, Subject
    from sudo_mcp_guardrails.iam.request import Principal
    from sudo_mcp_guardrails.response.estate import Estate
    from sudo_mcp_guardrails.response.plan import Plan

_ANY: Final = (ANYTHING,)


def applied(plan: Plan, estate: Estate, subject: Subject) -> Subject:
    """Return a role with what the plan's steps make of its layers; unchanged where no step is about it.

    Args:
        plan: The plan.
        estate: What it was made from.
        subject: The role, before.
    """
    arn = subject.facts.principal.arn
    account, role = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    layers = subject.layers
    for step in plan.steps:
        if step.kind is Kind.SCP and account != estate.organization_account and account not in estate.unbound_accounts:
            layers = _under(layers, _scp(estate, step.wanted["pattern"]))
        elif (step.account, step.subject) != (account, role):
            continue
        elif step.kind is Kind.DENY:
            layers = replace(layers, identity=(*layers.identity, deny_policy()))
        elif step.kind is Kind.BOUNDARY:
            layers = replace(layers, boundary=deny_boundary())
    return subject if layers is subject.layers else replace(subject, layers=layers)


def _scp(estate: Estate, pattern: str) -> PolicyDocument:
    document = all_scp(estate.names) if pattern == ALL else class_scp(estate.names, pattern)
    # Account and Region stand nowhere in it, and the partition only in what is signed in to.
    return document.resolve({"Partition": estate.partition, "AccountId": estate.account, "Region": estate.region})


def _under(layers: Layers, scp: PolicyDocument) -> Layers:
    """Return layers under one more SCP, as a level of its own; an SCP that is attached twice is the same."""
    level = (FULL_ACCESS, scp)
    return layers if level in layers.scps else replace(layers, scps=(*layers.scps, level))


def prove_contained(plan: Plan, estate: Estate, subjects: Iterable[Subject]) -> Iterator[Result]:
    """Prove that no action of the roles is allowed once the plan was carried out, in every context.

    Args:
        plan: The plan.
        estate: What it was made from.
        subjects: The contained agents' roles, before.
    """
    for subject in subjects:
        yield from prove_subject(applied(plan, estate, subject), contained_properties())


def binding(plan: Plan, estate: Estate, subject: Subject) -> tuple[str, ...]:
    """Return the Sids of what the plan denies a role that it is not about: none, where the role is unchanged.

    Exact for a role that is named by no step: of each Deny that the plan adds, whether any request of the role, in any
    of the contexts, can be one that it applies to.

    Args:
        plan: The plan.
        estate: What it was made from.
        subject: A role of another agent.
    """
    after = applied(plan, estate, subject)
    before = {id(document) for level in subject.layers.scps for document in level}
    if after.layers.identity != subject.layers.identity or after.layers.boundary != subject.layers.boundary:
        return ("ContainedDenyAll", "ContainedBoundary")
    added = [s for level in after.layers.scps for d in level if id(d) not in before for s in d.statements]
    return tuple(
        statement.sid
        for statement in added
        if statement.effect == "Deny"
        and any(
            reduced(compile_statement(statement), _ANY, replace(subject.facts, known={**subject.facts.known, **known}))
            is not None
            for known in CONTEXTS.values()
        )
    )


def who_assumes(trust: str, role: str, callers: Sequence[Principal]) -> tuple[Principal, ...]:
    """Return who of some callers could assume a role by its trust policy, each allowed everything by its own policies.

    Args:
        trust: The trust policy as JSON.
        role: ARN of the role.
        callers: Brokers, people, the root user, services.
    """
    layers = Layers(identity=(FULL_ACCESS,), resource=parse_json(trust, name="trust"))
    return tuple(
        caller
        for caller in callers
        if any(evaluate(Request(action, role, caller), layers).allowed for action in ASSUMING)
    )


def closes_for_all(trust: str) -> bool:
    """Return whether a trust policy denies everybody every way to assume the role, whoever asks.

    Args:
        trust: The trust policy as JSON.
    """
    denied: set[str] = set()
    for statement in parse_json(trust, name="trust").statements:
        if _is_plain_deny(statement):
            denied.update(action.lower() for action in statement.actions)
    return {action.lower() for action in ASSUMING} <= denied


def _is_plain_deny(statement: Statement) -> bool:
    everybody = statement.principals in {(("*", "*"),), (("AWS", "*"),)}
    return statement.effect == "Deny" and everybody and not statement.conditions
