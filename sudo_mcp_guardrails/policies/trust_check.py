"""Whether an agent's role, or one of the approval workflow, trusts anybody but those whom it should."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.iam.assembly import TemplateError
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.capabilities.execution import execution_trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.intrinsics import Resolver
    from sudo_mcp_guardrails.iam.templates import TemplateRole
    from sudo_mcp_guardrails.policies.declaration import Declaration
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_Grant = tuple[str, tuple[str, str]]
_Conditions = frozenset[tuple[str, str, frozenset[str]]]


def stray_trust(role: TemplateRole, kind: str, declared: Declaration, place: Template, brokers: Brokers) -> str:
    """Say who may assume a role beyond what its declaration says; empty where nobody may.

    Each action that a statement allows to a principal has to be one that the library's own trust policy allows, under
    at least its conditions. More of them, and whatever is denied, only takes away.

    Args:
        role: The role, with the trust policy of its template.
        kind: read, plan, apply or execution.
        declared: What the template says about its agent.
        place: The template that says it.
        brokers: Finds the brokers that the declaration names.
    """
    if role.trust is None:
        return "its trust policy is not understood"
    values = {name: role.template.pseudo(name) for name in ("Partition", "AccountId", "Region")}
    expected = [s.resolve(values) for s in _expected(kind, declared, place, brokers)]
    allowed = [(grant, conditions) for s in expected for grant, conditions in _grants(s)]
    for statement in role.trust.statements:
        if statement.effect != "Allow":
            continue
        if statement.not_actions or statement.not_principals:
            return f"statement {statement.sid!r} of its trust policy allows all but what it names"
        for grant, conditions in _grants(statement):
            if not any(grant == wanted and needed <= conditions for wanted, needed in allowed):
                action, (_, principal) = grant
                who = f"statement {statement.sid!r} of its trust policy lets {principal!r} do {action!r}"
                return f"{who}, expected what the declaration of agent {declared.agent!r} says, under its conditions"
    return ""


def stray_workflow(role: TemplateRole, names: GuardrailNames) -> str:
    """Say who may assume a role of the approval workflow besides the services that run it; empty where nobody may.

    The roles are known by their names, ``<prefix>-approval-…``. The broker's, ``<prefix>-approval-broker``, is the one
    that apply roles trust: its function alone has it, so that nobody mints an apply session by a way around.

    Args:
        role: Any role of the app.
        names: Names of the guardrails' own resources.
    """
    if not role.name.startswith(names.approval_name("")):
        return ""
    if role.trust is None:
        return "its trust policy is not understood"
    service = "lambda.amazonaws.com" if role.name == names.approval_name("broker") else ""
    for statement in role.trust.statements:
        if statement.effect != "Allow":
            continue
        if statement.not_principals or not statement.principals:
            return f"statement {statement.sid!r} of its trust policy allows all but what it names"
        for kind, principal in statement.principals:
            if kind != "Service" or principal != (service or principal) or "*" in principal:
                allowed = service or "services of AWS"
                return f"statement {statement.sid!r} of its trust policy trusts {principal!r}, expected {allowed} alone"
    return ""


class Brokers:
    """Reads the ARNs of brokers from declarations, as the values stand in the templates."""

    def __init__(self, templates: Sequence[Template], resolver: Resolver) -> None:
        self._templates = templates
        self._resolver = resolver

    def arn(self, text: str, place: Template) -> str | None:
        """Return the ARN of a broker; None where the declaration names none, or one that no template tells.

        Args:
            text: From the declaration.
            place: The template that holds the declaration.
        """
        if not text:
            return None
        try:
            raw: Any = json.loads(text)
            file, value = raw["in"], raw["arn"]
        except (ValueError, TypeError, KeyError) as error:
            raise TemplateError(f"template {place.name!r}: Metadata: broker {text[:60]!r} is not readable") from error
        homes = [t for t in self._templates if t.file.rsplit("/", 1)[-1] == file] if file else [place]
        if len(homes) != 1:
            return None
        found = self._resolver.value(homes[0], value, "Metadata: ARN of a broker")
        return found if isinstance(found, str) and "*" not in found and "?" not in found else None


def _expected(kind: str, declared: Declaration, place: Template, brokers: Brokers) -> Iterator[Statement]:
    """Yield the statements that the library gives to a role of that kind."""
    if kind == "execution":
        yield execution_trust(declared.names, declared.agent, terraform=bool(declared.terraform))
        return
    broker = brokers.arn(declared.apply_broker if kind == "apply" else declared.broker, place)
    if broker is not None:
        yield from trust.minted(declared.agent, kind, broker)
    if kind != "apply":
        yield from trust.direct(declared.direct)


def _grants(statement: Statement) -> Iterator[tuple[_Grant, _Conditions]]:
    """Yield each action for each principal, with the conditions in a form that compares."""
    conditions = frozenset((op.lower(), key.lower(), frozenset(values)) for op, key, values in statement.conditions)
    for action, principal in product(statement.actions, statement.principals):
        yield (action.lower(), principal), conditions


__all__ = ["Brokers", "stray_trust", "stray_workflow"]
