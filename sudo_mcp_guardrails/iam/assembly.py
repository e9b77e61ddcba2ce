"""The templates of a synthesized app, as the CDK leaves them in ``cdk.out``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

UNKNOWN: Final = "${cfn:"
"""How a part of a string begins that only a deployment can tell."""
_TRANSFORM: Final = "Fn::Transform"
_MAX_BYTES: Final = 32 * 1024 * 1024
"""Of one file. CloudFormation takes templates of 1 MB; a manifest holds the metadata of all constructs."""
_MAX_NESTED: Final = 10
"""Assemblies within assemblies, and stacks within stacks."""


class TemplateError(GuardrailsError):
    """A template is malformed or over a limit; the message has the template, the JSON path and what is allowed."""


@dataclass(frozen=True, eq=False)
class Template:
    """One CloudFormation template of an app.

    Args:
        name: Name of its stack; for a nested stack that of its parent, a slash and the logical id there.
        body: The template, as parsed from JSON.
        values: What is known before deployment of ``Partition``, ``AccountId`` and ``Region``.
        paths: Construct path of each logical id, as far as known.
        parameters: For a nested stack, what its parent passes, unresolved.
        parent: For a nested stack, the template that holds it.
        file: Where it was read from, for reports.

    Raises:
        TemplateError: Where the body is no template.
    """

    name: str
    body: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parent: Template | None = None
    file: str = ""

    def __post_init__(self) -> None:
        """Validate; nothing that is not understood may look like an app without roles."""
        if not isinstance(self.body, dict):
            raise TemplateError(f"template {self.name!r}: expected an object, got {type(self.body).__name__}")
        for section in ("Resources", "Outputs", "Parameters", "Metadata"):
            if not isinstance(self.body.get(section, {}), dict):
                kind = type(self.body[section]).__name__
                raise TemplateError(f"template {self.name!r}: {section}: expected an object, got {kind}")
        for id_, resource in self.resources.items():
            place = f"template {self.name!r}: Resources.{id_}"
            if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
                raise TemplateError(f"{place}: expected an object with a Type, got {str(resource)[:60]}")
            if not isinstance(resource.get("Properties", {}), dict):
                raise TemplateError(f"{place}.Properties: expected an object, got {str(resource['Properties'])[:60]}")

    @property
    def resources(self) -> Mapping[str, Any]:
        """The resources by logical id; none for an empty stack, whose template the CDK writes without the section."""
        found: Mapping[str, Any] = self.body.get("Resources", {})
        return found

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """Return a resource's properties, unresolved."""
        found: Mapping[str, Any] = self.resources[logical_id].get("Properties", {})
        return found

    def pseudo(self, name: str) -> str:
        """Return the value of a pseudo parameter, or its placeholder where it is not known before deployment."""
        if name in self.values:
            return self.values[name]
        if name == "StackName" and self.parent is None:
            return self.name
        if name == "URLSuffix" and "Partition" in self.values:
            return "amazonaws.com.cn" if self.values["Partition"] == "aws-cn" else "amazonaws.com"
        if name in {"Partition", "AccountId", "Region"}:
            return f"${{AWS::{name}}}"
        return self.unknown(f"AWS::{name}")

    @property
    def transforms(self) -> tuple[str, ...]:
        """Names of the macros that rewrite the whole template at deployment; ``Fn::Transform`` for one in place."""
        found = self.body.get("Transform") or []
        names = found if isinstance(found, list) else [found]
        inline = [_TRANSFORM] if _TRANSFORM in self.body else []
        return (*(str(n.get("Name")) if isinstance(n, dict) else str(n) for n in names), *inline)

    def rewritten(self, logical_id: str) -> str:
        """Say which macro may make something else of a resource at deployment; empty where none does."""
        if self.transforms:
            return f"macro {self.transforms[0]!r} rewrites template {self.name!r} at deployment"
        if _holds(self.resources[logical_id], _TRANSFORM):
            return f"{_TRANSFORM} in {logical_id!r} of template {self.name!r} rewrites it at deployment"
        return ""

    def unknown(self, raw: Any) -> str:  # noqa: ANN401 - any JSON value
        """Return the variable of what only a deployment can tell: the same expression, the same variable.

        Args:
            raw: A name, such as ``Table.Arn``, or the intrinsic function itself.
        """
        if not isinstance(raw, str):
            function = next(iter(raw))
            raw = f"{function}-{hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:12]}"
        # Stacks of one name may stand in several accounts; files are unique in an app.
        return f"{UNKNOWN}{self.file.removesuffix('.template.json') or self.name}/{raw}}}"


def macros(templates: Iterable[Template]) -> Iterator[str]:
    """Say which macros may make roles, or attach policies, that no template shows.

    AWS's own leave the policies and roles of others alone, but for ``AWS::Include``, which puts in any text; a
    role in their templates is another matter, see :meth:`Template.rewritten`.
    """
    for template in templates:
        for name in template.transforms:
            if not name.startswith("AWS::") or name == "AWS::Include":
                yield f"macro {name!r} rewrites template {template.name!r} at deployment, and may attach anything"
        for id_, resource in template.resources.items():
            anywhere = resource["Type"].startswith(("AWS::IAM::", "AWS::CloudFormation::"))
            if _holds(resource, _TRANSFORM) if anywhere else _TRANSFORM in resource:
                yield f"{_TRANSFORM} in {id_!r} of template {template.name!r} may make anything of it at deployment"


def _holds(value: object, key: str) -> bool:
    """Return whether an object anywhere in a JSON value has a key."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            if key in item:
                return True
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False


@dataclass(frozen=True, eq=False)
class Assembly:
    """What was read from a ``cdk.out``.

    Args:
        templates: The templates of all stacks, in order of their artifacts, each before its nested stacks.
        acknowledged: (construct path, id) of every finding that some construct in a stack acknowledges.
        unread: Nested stacks whose template is not among the app's files, as ``stack/logical id``.
    """

    templates: tuple[Template, ...]
    acknowledged: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


def read_assembly(directory: Path) -> Assembly:
    """Read the templates of a synthesized app, those of stages and nested stacks included.

    Args:
        directory: The ``cdk.out``.

    Raises:
        TemplateError: Where the directory is no cloud assembly, or a file in it is malformed or over a limit.
    """
    templates: list[Template] = []
    acknowledged: set[tuple[str, str]] = set()
    unread: list[str] = []
    try:
        for folder, id_, artifact in _stacks(directory, 0):
            entries = _metadata(folder, artifact)
            acknowledged.update(
                (construct, finding)
                for construct, kind, data in entries
                if kind == "aws:cdk:acknowledged-rules"
                for finding in data
            )
            places = [(construct, str(data)) for construct, kind, data in entries if kind == "aws:cdk:logicalId"]
            path = folder / str(artifact["properties"]["templateFile"])
            stack = Template(
                name=str(artifact["properties"].get("stackName", id_)),
                body=_object(path),
                values=_values(str(artifact.get("environment", ""))),
                paths=_paths(places, ""),
                file=path.relative_to(directory).as_posix(),
            )
            for template, missing in _with_nested(stack, path, places):
                templates.append(template)
                unread += missing
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"assembly {directory.name!r} is malformed: {error!r}") from error
    return Assembly(tuple(templates), tuple(sorted(acknowledged)), tuple(unread))


def _stacks(directory: Path, depth: int) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """Yield (folder, id, artifact) of all stacks, in order of their ids."""
    if depth > _MAX_NESTED:
        raise TemplateError(f"assembly {directory.name!r}: over the limit of {_MAX_NESTED} assemblies within another")
    for id_, artifact in sorted(_object(directory / "manifest.json").get("artifacts", {}).items()):
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _stacks(directory / str(artifact.get("properties", {}).get("directoryName")), depth + 1)
        elif artifact.get("type") == "aws:cloudformation:stack":
            yield directory, id_, artifact


def _metadata(folder: Path, artifact: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Return (construct path, type, data) of all that the CDK noted about the constructs of a stack."""
    noted = dict(artifact.get("metadata", {}))
    if "additionalMetadataFile" in artifact:
        noted |= _object(folder / artifact["additionalMetadataFile"])
    return [(path.lstrip("/"), e["type"], e.get("data") or {}) for path, entries in noted.items() for e in entries]


def _paths(places: Iterable[tuple[str, str]], under: str) -> dict[str, str]:
    """Return construct paths by logical id; of the same id in a nested stack the shorter path is the stack's own."""
    longest_first = sorted(places, key=lambda place: -len(place[0]))
    return {id_: construct for construct, id_ in longest_first if construct.startswith(under)}


def _values(environment: str) -> dict[str, str]:
    """Return the pseudo parameters that an environment such as ``aws://111111111111/eu-central-1`` fixes."""
    account, _, region = environment.removeprefix("aws://").partition("/")
    values = {"AccountId": account} if account.isdigit() else {}
    if region and not region.startswith("unknown"):
        values["Region"] = region
    partition = partition_of(region)
    if partition is not None:
        values["Partition"] = partition
    return values


def _with_nested(
    template: Template, path: Path, places: Iterable[tuple[str, str]]
) -> Iterator[tuple[Template, tuple[str, ...]]]:
    """Yield a template and those nested in it, each with its nested stacks that cannot be read."""
    if template.name.count("/") > _MAX_NESTED:
        raise TemplateError(f"template {template.name!r}: over the limit of {_MAX_NESTED} stacks within another")
    # All nested templates are assets of the stack: their addresses hold the hash that its asset manifest lists.
    manifest = path.with_name(path.name.removesuffix(".template.json") + ".assets.json")
    files = _object(manifest).get("files", {}) if manifest.exists() else {}
    missing: list[str] = []
    children: list[Template] = []
    for id_, resource in template.resources.items():
        if resource["Type"] != "AWS::CloudFormation::Stack":
            continue
        properties = template.properties(id_)
        address = json.dumps(properties.get("TemplateURL"))
        source = next((file["source"]["path"] for digest, file in files.items() if digest in address), None)
        if source is None:
            missing.append(f"{template.name}/{id_}")
            continue
        children.append(
            Template(
                name=f"{template.name}/{id_}",
                body=_object(path.with_name(source)),
                values=template.values,
                paths=_paths(places, template.paths.get(id_, "").split(".NestedStack/")[0] + "/"),
                parameters=properties.get("Parameters", {}),
                parent=template,
                file=path.with_name(source).name,
            )
        )
    yield template, tuple(missing)
    for child in children:
        yield from _with_nested(child, path, places)


def _object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TemplateError(f"file {path.name!r} has {path.stat().st_size} bytes, over the limit of {_MAX_BYTES}")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TemplateError(f"file {path.name!r} is not readable as JSON: {error}") from None
    if not isinstance(found, dict):
        raise TemplateError(f"file {path.name!r}: expected an object, got {type(found).__name__}")
    return found
