"""From the roles of an app's templates to the subjects of a proof."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.iam.assembly import macros
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.intrinsics import Resolver
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.declaration import declarations
from sudo_mcp_guardrails.policies.naming import REGION, ROLE_KINDS, GuardrailNames
from sudo_mcp_guardrails.policies.trust_check import Brokers, stray_trust, stray_workflow
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
_AGENTS_PATH: Final = re.compile(r"/([^/]+)/agents/([^/]+)/")
_WORKLOADS: Final = "workloads/"
UNDECIDED: Final = "proof/undecided"
"""Rule of a role about which nothing can be proved."""
TRUST: Final = "proof/trust"
"""Rule of a role that trusts others than its declaration says."""
UNDECIDED_RULES: Final = {
    UNDECIDED: "nothing can be proved about the role",
    TRUST: "others than those declared may assume the role",
}
"""Id of each rule about roles to its title."""
WORKLOAD: Final = "workload"
"""Capability of the subject that stands for any role that an agent's resources may carry."""


@dataclass(frozen=True)
class Undecided:
    """A role on an agents' path about which nothing can be proved.

    Args:
        role: The role.
        agent: The agent whose path it is on; empty where that is not known.
        reason: Why not, in words.
        rule: Id of the finding: :data:`UNDECIDED`, or :data:`TRUST` where others than those declared may assume it.
    """

    role: TemplateRole
    agent: str
    reason: str
    rule: str = UNDECIDED

    @property
    def title(self) -> str:
        """What the rule says."""
        return UNDECIDED_RULES[self.rule]


@dataclass(frozen=True)
class Subjects:
    """What there is to prove in an app.

    Args:
        decided: The subjects, each with the role that it was read from.
        undecided: The roles on an agents' path of which no subject could be made; each is ``NOT PROVED``.
        declared: The agents that the templates declare.
        problems: What is missing or not known in the app as a whole, in words; with any, the app is ``NOT PROVED``.
    """

    decided: tuple[tuple[Subject, TemplateRole], ...]
    undecided: tuple[Undecided, ...]
    declared: tuple[Declaration, ...]
    problems: tuple[str, ...] = ()


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
    brokers = Brokers(templates, Resolver(templates))
    taken = {d.names.role_name(d.agent, kind) for _, d in declared for kind in ROLE_KINDS}
    decided: list[tuple[Subject, TemplateRole]] = []
    undecided: list[Undecided] = []
    for role in roles:
        path = next((n.agents_path for n in prefixes if role.path.startswith(n.agents_path)), None)
        if path is None:
            if "${" in role.path:
                undecided.append(Undecided(role, "", f"its path {role.path!r} is known at deployment alone"))
            elif role.name.casefold() in taken or _looks_like_an_agents(role):
                reason = f"it has the name of an agent's role, at {role.path!r}, where no agent is declared"
                undecided.append(Undecided(role, "", reason))
            continue
        agent = role.path.removeprefix(path).split("/", 1)[0]
        # The same agent may be declared in several stacks, one for each account.
        own = [(t, d) for t, d in declared if role.path.startswith(d.path) and _same_account(t, role.template)]
        near = [(t, d) for t, d in own if t is role.template]
        found = (near or own)[:1]
        reason = _undecided(role, found[0][1]) if found else f"no template of its account declares agent {agent!r}"
        if reason:
            undecided.append(Undecided(role, agent, reason))
        elif not role.path.startswith(found[0][1].path + _WORKLOADS):
            place, here = found[0]
            stray = stray_trust(role, _kind(role, here), here, place, brokers)
            if stray:
                undecided.append(Undecided(role, agent, stray, TRUST))
            decided += [(subject, role) for subject in _subjects(role, here, resolver)]
    missing = (problem for place, d in declared for problem in _missing(place, d, roles))
    strays = (
        f"role {role.path + role.name!r} of template {role.template.name!r}: {stray}"
        for role in roles
        for names in sorted(prefixes, key=lambda n: n.prefix)
        if (stray := stray_workflow(role, names))
    )
    problems = (*macros(templates), *missing, *strays)
    return Subjects(tuple(decided), tuple(undecided), tuple(d for _, d in declared), problems)


def _missing(place: Template, declared: Declaration, roles: Sequence[TemplateRole]) -> Iterator[str]:
    """Say which of the four roles of a declared agent its account does not have, or has more than once."""
    for kind in ROLE_KINDS:
        wanted = (declared.path, declared.names.role_name(declared.agent, kind))
        found = [r for r in roles if (r.path, r.name) == wanted and _same_account(r.template, place)]
        # Where accounts are not known, those of other templates may be in others.
        near = [r for r in found if r.template is place] or found
        if len(near) != 1:
            count = f"{len(near)} templates have" if near else "no template has"
            yield (
                f"agent {declared.agent!r} of template {place.name!r}: {count} its role {''.join(wanted)!r}, "
                "expected it once"
            )


def _looks_like_an_agents(role: TemplateRole) -> bool:
    """Return whether a role's path and name are those of an agent under a prefix that no template declares."""
    match = _AGENTS_PATH.fullmatch(role.path)
    return match is not None and role.name in {f"{match[1]}-{match[2]}-{kind}" for kind in ROLE_KINDS}


def _kind(role: TemplateRole, declared: Declaration) -> str:
    """Return which of an agent's four roles one is, from its name."""
    return role.name.removeprefix(f"{declared.names.prefix}-{declared.agent}-")


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
        if role.template.rewritten(role.logical_id):
            return role.template.rewritten(role.logical_id)
        # What its own policies allow does not matter: the boundary, which is proved with the agent's roles, caps it.
        return "" if role.layers.boundary is not None else "; ".join(role.unknown)
    kinds = [kind for kind in ROLE_KINDS if role.name == names.role_name(agent, kind)]
    if role.path != declared.path or not kinds:
        expected = ", ".join(names.role_name(agent, kind) for kind in ROLE_KINDS)
        return f"its name {role.path + role.name!r} is none of the agent's: expected one of {expected}"
    if not declared.accounts and "AccountId" not in role.template.values:
        return f"its account is known at deployment alone, and agent {agent!r} declares none"
    return "; ".join(role.unknown)


def _subjects(role: TemplateRole, declared: Declaration, resolver: _Resolver) -> Iterator[Subject]:
    """Yield a subject for each account that the role may be deployed to."""
    capability = _kind(role, declared)
    known = role.template.values
    accounts = (known["AccountId"],) if "AccountId" in known else declared.accounts
    for account in accounts:
        partition = known.get("Partition") or _partition(declared)
        regions = [region for inside, named in declared.regions if account in inside for region in named]
        fixed = [region for region in regions if region != REGION]
        region = known.get("Region") or (fixed[0] if fixed else REGIONS[partition][-1])
        values = {"Partition": partition, "AccountId": account, "Region": region}
        own = (*declared.own, declared.names.workload_roles(declared.agent))
        uses = declared.terraform if capability == "execution" else ()
        subject = Subject(
            agent=declared.agent,
            capability=capability,
            layers=resolver.layers(role.layers, values),
            facts=Facts(
                # Session tags and SourceIdentity stay free: a session need not come from the broker.
                principal=Principal(arn=str(resolve(role.arn, values)), session=_SESSION),
                partition=partition,
            ),
            own=tuple(str(resolve(pattern, values)) for pattern in (*own, *uses)),
            # It is held to every property itself.
            passable=(str(resolve(declared.names.role_arn(declared.agent, "execution"), values)),),
            services=declared.services,
            regions=tuple(dict.fromkeys(str(resolve(region, values)) for region in regions)),
            accounts=declared.accounts,
            sensitive_reads=declared.sensitive_reads,
            source=role.construct_path or f"{role.template.name}/{role.logical_id}",
            uses=tuple(str(resolve(pattern, values)) for pattern in uses),
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
