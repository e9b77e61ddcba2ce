"""From the roles of an app's templates to the subjects of a proof."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.declaration import declarations
from sudo_mcp_guardrails.policies.naming import REGION, ROLE_KINDS, GuardrailNames
from sudo_mcp_guardrails.regions import REGIONS, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.layers import Layers
    from sudo_mcp_guardrails.iam.templates import TemplateRole
    from sudo_mcp_guardrails.policies.declaration import Declaration

_SESSION: Final = "run-00000000000000000000000000"
"""Stands for any run: no guardrail may rest on the name of a session."""
_WORKLOADS: Final = "workloads/"
WORKLOAD: Final = "workload"
"""Capability of the subject that stands for any role that an agent's resources may carry."""


@dataclass(frozen=True)
class Undecided:
    """A role on an agents' path about which nothing can be proved.

    Args:
        role: The role.
        agent: The agent whose path it is on; empty where that is not known.
        reason: Why not, in words.
    """

    role: TemplateRole
    agent: str
    reason: str


@dataclass(frozen=True)
class Subjects:
    """What there is to prove in an app.

    Args:
        decided: The subjects, each with the role that it was read from.
        undecided: The roles on an agents' path of which no subject could be made; each is ``NOT PROVED``.
        declared: The agents that the templates declare.
    """

    decided: tuple[tuple[Subject, TemplateRole], ...]
    undecided: tuple[Undecided, ...]
    declared: tuple[Declaration, ...]


def read_subjects(templates: Sequence[Template], roles: Sequence[TemplateRole]) -> Subjects:
    """Return the subjects among an app's roles: those whose path lies on a declared agents' path.

    A role of which the account is not known before deployment is a subject for each account that its agent
    declares; of Regions the first declared one stands for all.

    Args:
        templates: The app's templates, with the agents' declarations.
        roles: Their roles, from :func:`~sudo_mcp_guardrails.iam.templates.read_templates`.

    Raises:
        TemplateError: For a declaration that is not understood.
    """
    declared = declarations(templates)
    prefixes = {GuardrailNames(), *(d.names for _, d in declared)}
    resolver = _Resolver()
    decided: list[tuple[Subject, TemplateRole]] = []
    undecided: list[Undecided] = []
    for role in roles:
        path = next((n.agents_path for n in prefixes if role.path.startswith(n.agents_path)), None)
        if path is None:
            if "${" in role.path:
                undecided.append(Undecided(role, "", f"its path {role.path!r} is known at deployment alone"))
            continue
        agent = role.path.removeprefix(path).split("/", 1)[0]
        # The same agent may be declared in several stacks, one for each account.
        own = [d for t, d in declared if role.path.startswith(d.path) and _same_account(t, role.template)]
        near = [d for t, d in declared if t is role.template and d in own]
        found = (near or own)[:1]
        reason = _undecided(role, found[0]) if found else f"no template of its account declares agent {agent!r}"
        if reason:
            undecided.append(Undecided(role, agent, reason))
        elif not role.path.startswith(found[0].path + _WORKLOADS):
            decided += [(subject, role) for subject in _subjects(role, found[0], resolver)]
    return Subjects(tuple(decided), tuple(undecided), tuple(d for _, d in declared))


def _same_account(first: Template, second: Template) -> bool:
    """Return whether two templates may be deployed to one account."""
    accounts = {template.pseudo("AccountId") for template in (first, second)}
    return len(accounts) == 1 or any(account.startswith("$") for account in accounts)


def _undecided(role: TemplateRole, declared: Declaration) -> str:
    """Say why nothing can be proved about a role; empty where something can."""
    names, agent = declared.names, declared.agent
    boundary = resolve(names.boundary_arn(agent), _pseudo(role.template))
    if role.path.startswith(declared.path + _WORKLOADS):
        if role.boundary != boundary:
            return f"its boundary is {role.boundary!r}, expected the agent's, {boundary!r}"
        # What its own policies allow does not matter: the boundary, which is proved with the agent's roles, caps it.
        return "" if role.layers.boundary is not None else "; ".join(role.unknown)
    kinds = [kind for kind in ROLE_KINDS if role.name == names.role_name(agent, kind)]
    if role.path != declared.path or not kinds:
        expected = ", ".join(names.role_name(agent, kind) for kind in ROLE_KINDS)
        return f"its name {role.path + role.name!r} is none of the agent's: expected one of {expected}"
    return "; ".join(role.unknown)


def _subjects(role: TemplateRole, declared: Declaration, resolver: _Resolver) -> Iterator[Subject]:
    """Yield a subject for each account that the role may be deployed to."""
    capability = role.name.removeprefix(f"{declared.names.prefix}-{declared.agent}-")
    known = role.template.values
    accounts = (known["AccountId"],) if "AccountId" in known else declared.accounts
    for account in accounts:
        partition = known.get("Partition") or _partition(declared)
        regions = [region for inside, named in declared.regions if account in inside for region in named]
        fixed = [region for region in regions if region != REGION]
        region = known.get("Region") or (fixed[0] if fixed else REGIONS[partition][-1])
        values = {"Partition": partition, "AccountId": account, "Region": region}
        own = (*declared.own, declared.names.workload_roles(declared.agent))
        subject = Subject(
            agent=declared.agent,
            capability=capability,
            layers=resolver.layers(role.layers, values),
            facts=Facts(
                # Session tags and SourceIdentity stay free: a session need not come from the broker.
                principal=Principal(arn=str(resolve(role.arn, values)), session=_SESSION),
                partition=partition,
            ),
            own=tuple(str(resolve(pattern, values)) for pattern in own),
            # It is held to every property itself.
            passable=(str(resolve(declared.names.role_arn(declared.agent, "execution"), values)),),
            services=declared.services,
            regions=tuple(dict.fromkeys(str(resolve(region, values)) for region in regions)),
            accounts=declared.accounts,
            sensitive_reads=declared.sensitive_reads,
            source=role.construct_path or f"{role.template.name}/{role.logical_id}",
        )
        yield subject
        if capability == Capability.READ.value:
            yield workload(subject)


def workload(subject: Subject) -> Subject:
    """Return the subject that stands for any role under an agent's boundary which its resources may carry.

    Whoever writes such a role's policies may allow everything: what is proved of it rests on the boundary alone.

    Args:
        subject: One of the agent's roles under that boundary.
    """
    arn = subject.facts.principal.arn.rsplit("/", 1)[0] + f"/{_WORKLOADS}any"
    return replace(
        subject,
        capability=WORKLOAD,
        layers=replace(subject.layers, identity=(FULL_ACCESS,)),
        facts=replace(subject.facts, principal=replace(subject.facts.principal, arn=arn)),
    )


def _partition(declared: Declaration) -> str:
    """Return the partition of the Regions that an agent declares; ``aws`` where it declares none."""
    partitions = (partition_of(region) for _, regions in declared.regions for region in regions)
    return next((partition for partition in partitions if partition is not None), "aws")


def _pseudo(template: Template) -> dict[str, str]:
    """Return a template's pseudo parameters, with their placeholders where they are not known."""
    return {name: template.pseudo(name) for name in ("Partition", "AccountId", "Region")}


class _Resolver:
    """Puts pseudo parameters into documents; what several roles share stays one value, which is compiled once."""

    def __init__(self) -> None:
        self._done: dict[tuple[PolicyDocument, tuple[str, ...]], PolicyDocument] = {}

    def layers(self, layers: Layers, values: Mapping[str, str]) -> Layers:
        """Return the layers with their documents resolved."""
        boundary = None if layers.boundary is None else self._document(layers.boundary, values)
        return replace(layers, identity=tuple(self._document(d, values) for d in layers.identity), boundary=boundary)

    def _document(self, document: PolicyDocument, values: Mapping[str, str]) -> PolicyDocument:
        key = (document, tuple(values.values()))
        if key not in self._done:
            self._done[key] = document.resolve(values)
        return self._done[key]
