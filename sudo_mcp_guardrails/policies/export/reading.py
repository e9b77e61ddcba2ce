"""The roles and policies of agents as a synthesized app has them, ready to be written in another form.

Read from the templates and not made anew: what is exported is what was proved. Each role's policies are compared
with those that the proof takes it to have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.assembly import UNKNOWN
from sudo_mcp_guardrails.iam.documents import minified, parse_document
from sudo_mcp_guardrails.iam.intrinsics import Resolver
from sudo_mcp_guardrails.iam.templates import read_templates
from sudo_mcp_guardrails.policies.export.manifest import ExportError
from sudo_mcp_guardrails.policies.export.source import PolicySource, RoleSource, StackSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.iam.templates import TemplateRole

_ROLE: Final = "AWS::IAM::Role"
_MANAGED: Final = "AWS::IAM::ManagedPolicy"
_INLINE: Final = {"AWS::IAM::Policy": "Roles", "AWS::IAM::RolePolicy": "RoleName"}
_IGNORED: Final = "AWS::CDK::Metadata"
_MAX_POLICY_NAME: Final = 128
_DEFAULT_SESSION: Final = 3600

Place = tuple[str, str]
"""A resource: (file of its template, logical id)."""


def read_sources(
    templates: Sequence[Template], agents: Iterable[Place], *, trusted: bool = True
) -> tuple[StackSource, ...]:
    """Return the roles of agents and all that they need, by stack.

    Args:
        templates: All templates of the app.
        agents: The agents' roles.
        trusted: Whether roles of the app that these trust are part of it: IAM refuses a trust policy whose principal
            is not there.

    Raises:
        ExportError: For a value that a deployment alone can tell, a conditional resource, and a role whose policies
            are not all in the templates.
        TemplateError: For a malformed template.
    """
    reader = _Reader(templates)
    return tuple(reader.stacks(frozenset(agents), trusted=trusted))


class _Reader:
    """Reads the resources of an app's templates; names that CloudFormation would make up become ours."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._templates = {template.file: template for template in templates}
        self._values = Resolver(templates)
        self._roles = {(r.template.file, r.logical_id): r for r in read_templates(templates)}
        self._made = dict(self._made_names())
        self._written: set[Place] = set()
        self._documents: dict[Place, Any] = {}
        self._by_arn: dict[str, list[Place]] = {}
        for place in self._of(_ROLE, _MANAGED):
            self._by_arn.setdefault(self._arn(place), []).append(place)

    def stacks(self, agents: frozenset[Place], *, trusted: bool) -> Iterator[StackSource]:
        """Yield the stacks that have any part in the agents' roles."""
        roles: dict[Place, RoleSource] = {}
        policies: dict[Place, PolicySource] = {}
        left = sorted(agents, reverse=True)
        while left:
            place = left.pop()
            if place in roles:
                continue
            roles[place] = role = self._role(place, agents=place in agents)
            for arn in (*role.policies, *((role.boundary,) if role.boundary else ())):
                found = self._near(arn, place)
                if found is not None and found not in policies:
                    policies[found] = self._policy(found)
            if trusted:
                found_roles = (self._near(arn, place) for arn in role.trusts)
                left += [found for found in found_roles if found is not None]
        for file, template in self._templates.items():
            mine = sorted(place for place in (*roles, *policies) if place[0] == file)
            if not mine:
                continue
            taken = frozenset(id_ for where, id_ in (*mine, *self._written) if where == file)
            yield StackSource(
                file=file,
                name=template.name,
                values=template.values,
                policies=tuple(policies[place] for place in mine if place in policies),
                roles=tuple(roles[place] for place in mine if place in roles),
                left_out=tuple(
                    f"{resource['Type']} {id_}"
                    for id_, resource in sorted(template.resources.items())
                    if id_ not in taken and resource["Type"] != _IGNORED
                ),
                taken=taken,
            )

    def _of(self, *kinds: str) -> Iterator[Place]:
        for file, template in self._templates.items():
            for id_, resource in template.resources.items():
                if resource["Type"] in kinds:
                    yield file, id_

    def _made_names(self) -> Iterator[tuple[str, str]]:
        """Yield the variable of each name that CloudFormation would make, and the name that stands for it."""
        for file, id_ in self._of(_ROLE, _MANAGED):
            template = self._templates[file]
            variable = template.unknown(id_)
            if self._values.name(template, id_) == variable:
                yield variable, f"{template.name.replace('/', '-')}-{id_}"

    def _known(self, value: Any, what: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return a resolved JSON value with our names in it.

        Raises:
            ExportError: Where a part of it is known at deployment alone.
        """
        if isinstance(value, str):
            if UNKNOWN not in value:
                return value
            for variable, name in self._made.items():
                value = value.replace(variable, name)
            if UNKNOWN in value:
                raise ExportError(f"{what} has {value!r}, which a deployment alone can tell, expected a name or an ARN")
            return value
        if isinstance(value, list):
            return [self._known(item, what) for item in value]
        if isinstance(value, dict):
            return {key: self._known(item, what) for key, item in value.items()}
        return value

    def _get(self, place: Place, prop: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON value
        template = self._templates[place[0]]
        raw = template.properties(place[1]).get(prop, default)
        value = self._values.value(template, raw, f"Resources.{place[1]}.Properties.{prop}")
        return self._known(value, f"{prop} of {place[1]!r} in template {template.name!r}")

    def _document(self, place: Place) -> Any:  # noqa: ANN401 - any JSON value
        """Return a policy's document; many roles have one in common."""
        if place not in self._documents:
            self._documents[place] = self._get(place, "PolicyDocument")
        return self._documents[place]

    def _arn(self, place: Place) -> str:
        """Return the ARN of a role or policy, by which others name it; that of one which cannot be told stays so."""
        arn = self._values.arn(self._templates[place[0]], place[1])
        for variable, name in self._made.items():
            arn = arn.replace(variable, name)
        return arn

    def _near(self, arn: str, place: Place) -> Place | None:
        """Return the resource of an ARN, of the same template first; None where no template has it."""
        found = self._by_arn.get(arn, [])
        return next((other for other in found if other[0] == place[0]), found[0] if found else None)

    def _policy(self, place: Place) -> PolicySource:
        self._check(place)
        name = self._name(place)
        if len(name) > _MAX_POLICY_NAME:
            raise ExportError(f"policy name {name!r} has {len(name)} characters, expected at most {_MAX_POLICY_NAME}")
        return PolicySource(
            id=place[1],
            name=name,
            path=self._get(place, "Path", "/"),
            arn=self._arn(place),
            description=self._get(place, "Description") or "",
            document=self._document(place),
        )

    def _role(self, place: Place, *, agents: bool) -> RoleSource:
        self._check(place)
        name = self._name(place)
        attached, inline = self._attached(place, name)
        role = RoleSource(
            id=place[1],
            name=name,
            path=self._get(place, "Path", "/"),
            arn=self._arn(place),
            description=self._get(place, "Description") or "",
            agents=agents,
            session_seconds=int(self._get(place, "MaxSessionDuration") or _DEFAULT_SESSION),
            trust=self._get(place, "AssumeRolePolicyDocument"),
            boundary=self._get(place, "PermissionsBoundary"),
            policies=tuple(dict.fromkeys((*self._get(place, "ManagedPolicyArns", []), *attached))),
            inline=(
                *((p["PolicyName"], p["PolicyDocument"]) for p in self._get(place, "Policies", [])),
                *inline,
            ),
            tags=self._roles[place].tags,
        )
        self._compare(place, role)
        return role

    def _name(self, place: Place) -> str:
        template = self._templates[place[0]]
        name: str = self._known(self._values.name(template, place[1]), f"name of {place[1]!r}")
        return name

    def _attached(self, place: Place, name: str) -> tuple[list[str], list[tuple[str, Any]]]:
        """Return what policies attach themselves to a role: ARNs of managed ones, and inline ones."""
        managed: list[str] = []
        inline: list[tuple[str, Any]] = []
        template = self._templates[place[0]]
        for id_, resource in template.resources.items():
            prop = "Roles" if resource["Type"] == _MANAGED else _INLINE.get(resource["Type"])
            if prop is None or prop not in resource.get("Properties", {}):
                continue
            names = self._values.value(template, resource["Properties"][prop], f"Resources.{id_}.Properties.{prop}")
            wanted = names if isinstance(names, list) else [names]
            if name not in [self._made.get(item, item) for item in wanted]:
                continue
            other = (place[0], id_)
            if resource["Type"] == _MANAGED:
                managed.append(self._arn(other))
            else:
                self._check(other)
                self._written.add(other)
                inline.append((self._get(other, "PolicyName"), self._get(other, "PolicyDocument")))
        return managed, inline

    def _compare(self, place: Place, role: RoleSource) -> None:
        """Check that what is exported of a role is what the proof is about."""
        source: TemplateRole = self._roles[place]
        documents = [document for _, document in role.inline]
        for arn in role.policies:
            found = self._near(arn, place)
            if found is not None:
                documents.append(self._document(found))
        mine = {minified(parse_document(document).to_dict()) for document in documents}
        theirs = {minified(self._known(d.to_dict(), f"role {role.name!r}")) for d in source.layers.identity}
        if mine != theirs or (source.unknown and role.agents):
            reason = "; ".join(source.unknown) or "its policies are attached in a way that is not understood"
            raise ExportError(f"role {role.name!r} of template {source.template.name!r} cannot be exported: {reason}")

    def _check(self, place: Place) -> None:
        """Refuse what may be there or not: a file is there."""
        condition = self._templates[place[0]].resources[place[1]].get("Condition")
        if condition is not None:
            raise ExportError(
                f"{place[1]!r} of template {self._templates[place[0]].name!r} depends on condition {condition!r}, "
                "expected a resource without one"
            )
