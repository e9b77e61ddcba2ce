"""What a stack has beside the roles of agents, as a template of its own, which Terraform hands to CloudFormation.

The roles and policies that Terraform makes are taken out, and what refers to them gets their names and ARNs. Assets lie
in a bucket that the user names, under their digests, so that nothing rests on a CDK bootstrap.
Source: CloudFormation user guide, "Template anatomy" and "CloudFormation quotas".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.export.manifest import ExportError, ExportFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.policies.export.source import StackSource

BUCKET: Final = "AssetsBucket"
"""The parameter that names the bucket."""
LIMIT: Final = 51_200
"""Bytes of a template that is passed as text (CloudFormation quotas page)."""
_KEPT: Final = ("AWSTemplateFormatVersion", "Description", "Mappings", "Conditions", "Resources", "Outputs")
_BOOTSTRAP: Final = "BootstrapVersion"
_SUB: Final = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")


@dataclass(frozen=True)
class Rest:
    """The other resources of a stack.

    Args:
        template: Their template.
        assets: Files for the bucket; the name of each is its key.
    """

    template: Mapping[str, Any]
    assets: tuple[ExportFile, ...]

    @property
    def count(self) -> int:
        """How many resources there are."""
        return len(self.template["Resources"])


def rest_of(stack: StackSource, template: Template, assets: Sequence[ExportFile]) -> Rest | None:
    """Return what is left of a stack; None where nothing is.

    Args:
        stack: What is taken out.
        template: The stack's template.
        assets: Its assets, with the places that the CDK would upload them to.

    Raises:
        ExportError: For a template that does not work without what is taken out, or is too large.
    """
    body = template.body
    left = {
        id_: _trimmed(resource, stack.taken)
        for id_, resource in template.resources.items()
        if id_ not in stack.taken and resource["Type"] != "AWS::CDK::Metadata"
    }
    if not left:
        return None
    if template.transforms:
        raise ExportError(f"stack {template.name!r} is rewritten by macro {template.transforms[0]!r}, expected none")
    if any(resource["Type"] == "AWS::CloudFormation::Stack" for resource in left.values()):
        raise ExportError(f"stack {template.name!r} has nested stacks, expected none")
    parameters = set(body.get("Parameters", {})) - {_BOOTSTRAP}
    if parameters:
        raise ExportError(f"stack {template.name!r} has parameters {', '.join(sorted(parameters))}, expected none")
    _check_attached(stack, template)
    replacer = _Replacer(stack, assets)
    made = {name: replacer.value(body[name]) for name in _KEPT if name in body and name != "Resources"}
    made["Resources"] = replacer.value(left)
    if replacer.used:
        made["Parameters"] = {BUCKET: {"Type": "String"}}
    size = len(json.dumps(made, separators=(",", ":")))
    if size > LIMIT:
        raise ExportError(f"what is left of stack {template.name!r} has {size} bytes, expected at most {LIMIT}")
    text = json.dumps(made)
    for asset in assets:
        for place in asset.notes["upload"]:
            if place["key"] in text:
                raise ExportError(
                    f"stack {template.name!r} names asset {place['key']!r} within a text, expected it whole"
                )
    used = {file.path: file for file in replacer.used.values()}
    return Rest(made, tuple(used[path] for path in sorted(used)))


def _check_attached(stack: StackSource, template: Template) -> None:
    """Check that no policy which is taken out attaches itself to a role that stays."""
    for id_ in sorted(stack.taken):
        roles = template.properties(id_).get("Roles", [])
        stays = [role for role in roles if not isinstance(role, dict) or role.get("Ref") not in stack.taken]
        if stays:
            raise ExportError(
                f"policy {id_!r} of stack {template.name!r} is attached to roles of agents and to {stays[0]!r}, "
                "expected a policy for each"
            )


def _trimmed(resource: Mapping[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    """Return a resource without the CDK's notes, and without waiting for what Terraform makes before."""
    depends = resource.get("DependsOn", [])
    waits = [id_ for id_ in ([depends] if isinstance(depends, str) else depends) if id_ not in taken]
    # What scanners are told of accepted risks stays.
    notes = {key: value for key, value in resource.get("Metadata", {}).items() if not key.startswith("aws:")}
    kept = {key: value for key, value in resource.items() if key not in ("Metadata", "DependsOn")}
    return kept | ({"DependsOn": waits} if waits else {}) | ({"Metadata": notes} if notes else {})


class _Replacer:
    """Puts names, ARNs and addresses of assets into a template, and notes which assets it names."""

    def __init__(self, stack: StackSource, assets: Sequence[ExportFile]) -> None:
        self._stack = stack
        self._refs = {role.id: role.name for role in stack.roles} | {p.id: p.arn for p in stack.policies}
        self._arns = {role.id: role.arn for role in stack.roles}
        self._policy_arns = {policy.id: policy.arn for policy in stack.policies}
        places = [(place, asset) for asset in assets for place in asset.notes["upload"]]
        self._keys = {place["key"]: ExportFile(f"{asset.sha256}.zip", asset.data) for place, asset in places}
        self._buckets = {place["bucket"] for place, _ in places}
        self.used: dict[str, ExportFile] = {}

    def value(self, raw: Any) -> Any:  # noqa: ANN401, PLR0911 - any JSON value
        """Return a JSON value for the new template.

        Raises:
            ExportError: For a use of what is taken out that no text can stand for.
        """
        if isinstance(raw, str):
            return self._text(raw)
        if isinstance(raw, list):
            return [self.value(item) for item in raw]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            function, argument = next(iter(raw.items()))
            if function == "Ref" and argument in self._stack.taken:
                return _placed(self._known(self._refs, argument, "Ref"))
            if function == "Fn::GetAtt":
                return self._attribute(raw, argument)
            if function == "Fn::Sub":
                return self._sub(raw, argument)
        return {key: self.value(item) for key, item in raw.items()}

    def _text(self, text: str) -> Any:  # noqa: ANN401 - any JSON value
        if text in self._keys:
            found = self._keys[text]
            self.used[text] = found
            return found.path
        return {"Ref": BUCKET} if text in self._buckets else text

    def _attribute(self, raw: Any, argument: Any) -> Any:  # noqa: ANN401 - any JSON value
        id_, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        if id_ not in self._stack.taken:
            return raw
        known = {"Arn": self._arns, "PolicyArn": self._policy_arns}.get(attribute, {})
        return _placed(self._known(known, id_, attribute))

    def _sub(self, raw: Any, argument: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(argument, str) and argument in self._buckets:
            return {"Ref": BUCKET}
        text = argument if isinstance(argument, str) else argument[0]
        used = self._stack.taken.intersection(_SUB.findall(text))
        if used:
            raise ExportError(
                f"text {text[:60]!r} names {min(used)!r}, which is made by Terraform, expected a reference"
            )
        return raw if isinstance(argument, str) else {"Fn::Sub": [text, self.value(argument[1])]}

    def _known(self, values: Mapping[str, str], id_: str, attribute: str) -> str:
        if id_ not in values:
            raise ExportError(f"{attribute} of {id_!r} in stack {self._stack.name!r} is not known before it is made")
        return values[id_]


def _placed(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return text with pseudo parameters as CloudFormation reads it."""
    return {"Fn::Sub": text} if "${" in text else text
