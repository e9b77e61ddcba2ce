"""What Guard rules look at, read from their own text: the rest of a template need not be shown to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMENT: Final = re.compile(r"^\s*#.*$", re.MULTILINE)
_RULE: Final = re.compile(r"^rule \w+ \{$.*?^\}$", re.MULTILINE | re.DOTALL)
_SHAPE: Final = re.compile(r"^  # <shape>$.*?^  # </shape>$", re.MULTILINE | re.DOTALL)
_TYPE: Final = re.compile(r"'(\w+::[\w:]+)'")
_LITERAL: Final = r"(?:== '\w+::[\w:]+'|in \['\w+::[\w:]+'(?:, '\w+::[\w:]+')*\]|in %\w+_types)"
_BY_TYPE: Final = re.compile(
    rf"Resources\.\*\[\s*(?:Resource)?Type {_LITERAL}(?:\s+or ResourceType {_LITERAL})?(?!\s*\|)(?!\s+(?i:or)\b)"
)
_LIST: Final = re.compile(r"let \w+_types = (\[[^\]]*\]|.*)")
_LITERALS: Final = re.compile(r"\[\s*'\w+::[\w:]+'(?:,\s*'\w+::[\w:]+')*\s*\]")
_BY_METADATA: Final = "Resources.*[ Metadata exists ]"
_PROPERTIES: Final = re.compile(r"\b(?:Resource)?Properties\b")
_RESOURCES: Final = re.compile(r"\bResources\b")


@dataclass(frozen=True)
class LookedAt:
    """What rules look at in the resources of a template, whose shape each of them checks beside.

    Args:
        types: The resource types that they pick, or more; None is any.
        metadata: Whether they look at the metadata of resources of every type.
    """

    types: frozenset[str] | None
    metadata: bool


def looked_at(text: str) -> LookedAt:
    """Return what Guard rules look at; everything, where that is not plain from how they pick resources.

    Args:
        text: The rules, as :func:`~sudo_mcp_guardrails.policies.hooks.guard_text` returns them.
    """
    everything = LookedAt(None, metadata=True)
    if "".join(_COMMENT.sub("", _RULE.sub("", text)).split()):
        return everything
    metadata = False
    for rule in _RULE.findall(text):
        body = _COMMENT.sub("", _SHAPE.sub("", rule))
        by_metadata = body.count(_BY_METADATA)
        if len(_BY_TYPE.findall(body)) + by_metadata != len(_RESOURCES.findall(body)):
            return everything
        if not all(map(_LITERALS.fullmatch, _LIST.findall(body))) or (by_metadata and _PROPERTIES.search(body)):
            return everything
        metadata |= bool(by_metadata)
    return LookedAt(frozenset(_TYPE.findall(text)), metadata=metadata)


def shown(template: Mapping[str, Any], rules: LookedAt) -> dict[str, Any]:
    """Return a template without the resources that no rule looks at; all else stays, and so do all findings.

    Guard reads a template as it is written and resolves no reference, so that none is missed.

    Args:
        template: The template.
        rules: What is looked at.
    """
    resources = template.get("Resources")
    if not isinstance(resources, dict):
        return dict(template)
    left = {id_: resource for id_, resource in resources.items() if not _is_passed_over(resource, rules)}
    # No resource at all is a shape that every rule refuses.
    return {**template, "Resources": left or dict(list(resources.items())[:1])}


def _is_passed_over(resource: object, rules: LookedAt) -> bool:
    """Return whether every rule passes a resource over; one of a shape that they might refuse is not."""
    return (
        rules.types is not None
        and isinstance(resource, dict)
        and isinstance(resource.get("Type"), str)
        and resource["Type"] not in rules.types
        and isinstance(resource.get("Properties", {}), dict)
        and not {"ResourceType", "ResourceProperties"} & resource.keys()
        and not (rules.metadata and "Metadata" in resource)
    )
