"""From CloudFormation templates to the layers of policy of every role in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.assembly import UNKNOWN, Template, TemplateError
from sudo_mcp_guardrails.iam.documents import PolicyDocument, PolicyError, parse_document
from sudo_mcp_guardrails.iam.evaluate import Layers
from sudo_mcp_guardrails.iam.intrinsics import Resolver
from sudo_mcp_guardrails.iam.parsing import CURRENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ROLE: Final = "AWS::IAM::Role"
_MANAGED: Final = "AWS::IAM::ManagedPolicy"
_ATTACHED: Final = {"AWS::IAM::Policy": "Roles", _MANAGED: "Roles", "AWS::IAM::RolePolicy": "RoleName"}
"""Resource types that attach their policy to roles themselves, and the property that names these."""


@dataclass(frozen=True)
class TemplateRole:
    """One ``AWS::IAM::Role`` of an app.

    Strings hold ``${AWS::AccountId}`` and the like where the account is not known before deployment, and
    ``${cfn:...}`` where only a deployment can tell.

    Args:
        template: The template that it stands in.
        logical_id: Its logical id there.
        name: Its name.
        path: Its IAM path.
        arn: Its ARN.
        layers: Its identity policies and its boundary.
        boundary: ARN of its permissions boundary; None without one.
        trust: Its trust policy; None where that is not understood.
        tags: Its tags.
        unknown: What is not known of its policies, in words. With any, no proof about the role stands.
    """

    template: Template
    logical_id: str
    name: str
    path: str
    arn: str
    layers: Layers
    boundary: str | None = None
    trust: PolicyDocument | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def construct_path(self) -> str:
        """Path of the construct that made it; empty where that is not known."""
        metadata = self.template.resources[self.logical_id].get("Metadata", {})
        noted = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
        return noted if isinstance(noted, str) else self.template.paths.get(self.logical_id, "")


def read_templates(
    templates: Sequence[Template], known_policies: Mapping[str, PolicyDocument] | None = None
) -> tuple[TemplateRole, ...]:
    """Return all roles of an app, with the policies that its templates attach to them.

    Args:
        templates: All templates of the app.
        known_policies: Managed policies from elsewhere, such as AWS's own, by ARN.

    Raises:
        TemplateError: For a malformed template. A policy that is not understood is not an error but ``unknown`` in
            the roles that carry it.
    """
    reader = _Reader(templates, known_policies or {})
    return tuple(reader.roles())


class _Reader:
    """Reads an app's roles; a policy that several carry is read once, and is one value."""

    def __init__(self, templates: Sequence[Template], known: Mapping[str, PolicyDocument]) -> None:
        self._templates = templates
        self._values = Resolver(templates)
        self._known = {_comparable(arn): (document,) for arn, document in known.items()}
        self._documents: dict[tuple[int, str], PolicyDocument | str] = {}
        self._managed: dict[str, list[tuple[Template, str]]] = {}
        for template, id_ in self._of(_MANAGED):
            self._managed.setdefault(_comparable(self._values.arn(template, id_)), []).append((template, id_))

    def roles(self) -> Iterator[TemplateRole]:
        """Yield the roles in order of templates and logical ids."""
        places = list(self._of(_ROLE))
        attached = self._attachments(places)
        for template, id_ in places:
            found = [*self._own(template, id_), *attached[id(template), id_]]
            boundary, capped = self._boundary(template, id_)
            documents = tuple(dict.fromkeys(d for d in found if isinstance(d, PolicyDocument)))
            reasons = [d for d in (template.rewritten(id_), *found, capped) if isinstance(d, str) and d]
            yield TemplateRole(
                template=template,
                logical_id=id_,
                name=self._values.name(template, id_),
                path=self._values.path(template, id_),
                arn=self._values.arn(template, id_),
                layers=Layers(identity=documents, boundary=capped if isinstance(capped, PolicyDocument) else None),
                boundary=boundary,
                trust=self._trust(template, id_),
                tags=self._tags(template, id_),
                unknown=tuple(dict.fromkeys(reasons)),
            )

    def _of(self, kind: str) -> Iterator[tuple[Template, str]]:
        for template in self._templates:
            for id_, resource in template.resources.items():
                if resource["Type"] == kind:
                    yield template, id_

    def _get(self, template: Template, id_: str, prop: str) -> Any:  # noqa: ANN401 - any JSON value
        """Resolve one property; None where it is not given."""
        raw = template.properties(id_).get(prop)
        return None if raw is None else self._values.value(template, raw, f"Resources.{id_}.Properties.{prop}")

    def _items(self, template: Template, id_: str, prop: str) -> list[Any]:
        """Resolve a property that is a list; what is no list is one item, which then is not known."""
        found = self._get(template, id_, prop)
        return found if isinstance(found, list) else [] if found is None else [found]

    def _policy(self, template: Template, id_: str) -> PolicyDocument | str:
        """Return the document of a policy resource, or say why it is not known."""
        key = (id(template), id_)
        if key not in self._documents:
            found = _parsed(template, id_, self._get(template, id_, "PolicyDocument"))
            self._documents[key] = template.rewritten(id_) or found
        return self._documents[key]

    def _by_arn(self, template: Template, arn: object, role: str) -> PolicyDocument | str:
        """Return a managed policy, or say that it is not known."""
        found = self._managed.get(_comparable(arn), [])
        # The role's own template first: the same name may stand in several accounts that are not known yet.
        near = [place for place in found if place[0] is template] or found
        documents = {self._policy(t, name) for t, name in near}
        documents |= set(self._known.get(_comparable(arn), ()))
        if len(documents) == 1:
            return documents.pop()
        why = "is in several templates, which differ" if documents else "is in no template and was not given"
        return f"managed policy {str(arn)!r} of role {role!r} {why}"

    def _own(self, template: Template, id_: str) -> Iterator[PolicyDocument | str]:
        """Yield the policies that a role names itself: managed and inline."""
        for arn in self._items(template, id_, "ManagedPolicyArns"):
            yield self._by_arn(template, arn, id_)
        for policy in self._items(template, id_, "Policies"):
            yield _parsed(template, id_, policy.get("PolicyDocument") if isinstance(policy, dict) else policy)

    def _boundary(self, template: Template, id_: str) -> tuple[str | None, PolicyDocument | str | None]:
        arn = self._get(template, id_, "PermissionsBoundary")
        return (None, None) if arn is None else (str(arn), self._by_arn(template, arn, id_))

    def _trust(self, template: Template, id_: str) -> PolicyDocument | None:
        found = _parsed(template, id_, self._get(template, id_, "AssumeRolePolicyDocument"))
        return found if isinstance(found, PolicyDocument) else None

    def _tags(self, template: Template, id_: str) -> dict[str, str]:
        tags = self._items(template, id_, "Tags")
        return {str(t["Key"]): str(t.get("Value", "")) for t in tags if isinstance(t, dict) and "Key" in t}

    def _attachments(self, roles: Sequence[tuple[Template, str]]) -> dict[tuple[int, str], list[PolicyDocument | str]]:
        """Return what policies attach themselves to each role."""
        attached: dict[tuple[int, str], list[PolicyDocument | str]] = {(id(t), id_): [] for t, id_ in roles}
        named = [(id(t), id_, _one_case(self._values.name(t, id_)), t.values.get("AccountId")) for t, id_ in roles]
        known = {name for _, _, name, _ in named}
        for kind, prop in _ATTACHED.items():
            for template, policy in self._of(kind):
                wanted = [_one_case(str(name)) for name in self._items(template, policy, prop)]
                if not wanted:
                    continue
                document = self._policy(template, policy)
                maybe = _allowed_part(document)
                elsewhere = any(UNKNOWN in name and name not in known for name in wanted)
                for place, id_, name, account in named:
                    if account not in {None, template.values.get("AccountId", account)}:
                        continue
                    if name in wanted:
                        conditional = "Condition" in template.resources[policy]
                        attached[place, id_].append(maybe if conditional else document)
                    elif elsewhere:
                        # Attached to a role whose name only the deployment tells, which may be this one.
                        attached[place, id_].append(maybe)
        return attached


def _parsed(template: Template, id_: str, resolved: Any) -> PolicyDocument | str:  # noqa: ANN401
    """Read a policy document, or say why it is not known."""
    try:
        document = parse_document(resolved, name=id_)
    except PolicyError as error:
        return f"policy of {id_!r} in template {template.name!r}: {error}"
    if UNKNOWN in str(resolved) and resolved.get("Version") != CURRENT:
        # The old version of the language has no policy variables, so that the engine would take one literally.
        return f"policy of {id_!r} in template {template.name!r}: has unknown values, expected Version {CURRENT!r}"
    return _unknown_places(document) or document


def _one_case(name: str) -> str:
    """Return a role's name for comparison: IAM does not tell names apart by case."""
    return name if UNKNOWN in name else name.casefold()


def _comparable(arn: object) -> str:
    """Return an ARN for comparison: one that names its partition can be meant for no other."""
    return str(arn).replace("${AWS::Partition}", "aws")


def _allowed_part(document: PolicyDocument | str) -> PolicyDocument | str:
    """Return the worst case of a policy that may be attached or not: what it allows, without what it denies."""
    if isinstance(document, str):
        return document
    return PolicyDocument(document.name, tuple(s for s in document.statements if s.effect == "Allow"))


def _unknown_places(document: PolicyDocument) -> str | None:
    """Say where a document is not known in a place that takes no policy variable; None where it is all right."""
    for statement in document.statements:
        fixed = (*statement.actions, *statement.not_actions, *(f"{op} {key}" for op, key, _ in statement.conditions))
        wrong = next((text for text in fixed if UNKNOWN in text), None)
        if wrong is not None:
            return f"policy {document.name!r}: {wrong!r} in statement {statement.sid!r} is known at deployment alone"
    return None


__all__ = ["Template", "TemplateError", "TemplateRole", "read_templates"]
