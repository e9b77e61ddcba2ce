"""A template's inputs: the values of its parameters, and what hangs on an input that changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.reading.source import as_object, as_text, same
from sudo_mcp_guardrails.approval.secret_names import is_secret_name
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.approval.reading.known import Known
    from sudo_mcp_guardrails.approval.reading.outside import Outside

_SUB: Final = re.compile(r"\$\{([^{}!.]+)[^{}]*\}")
_SSM: Final = "AWS::SSM::Parameter::"
_NAMING: Final = ("Ref", "Condition")
_FIRST: Final = ("Fn::If", "Fn::FindInMap")


def parameter_values(template: Mapping[str, Any], given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return the values that a template's parameters have: those that are given, and else their defaults.

    Args:
        template: The template.
        given: Values by name.
        place: What the template is called in errors.

    Raises:
        PlanError: A value is given for what the template does not declare, or the section is malformed.
    """
    declared = as_object(template.get("Parameters", {}), f"{place}: Parameters")
    for name in given:
        if name not in declared:
            raise PlanError(f"parameter {name!r} is given, and {place} declares none of that name")
    values = {}
    for name, raw in declared.items():
        parameter = as_object(raw, f"{place}: Parameters.{name}")
        if name in given:
            values[name] = given[name]
        elif "Default" in parameter:
            values[name] = parameter["Default"]
    return values


def pseudo_values(known: Known) -> dict[str, str]:
    """Return the pseudo parameters that are known.

    Source: CloudFormation user guide, "Pseudo parameters reference".
    """
    partition = partition_of(known.region) if known.region else None
    values = {
        "AWS::AccountId": known.account,
        "AWS::Region": known.region,
        "AWS::StackName": known.target,
        "AWS::Partition": partition or "",
        "AWS::URLSuffix": {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}.get(
            partition or "", ""
        ),
    }
    return {name: value for name, value in values.items() if value}


def note_parameters(outside: Outside, template: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Note parameters without a value, and those whose value is looked up at deployment: always the latest version."""
    for name, raw in template.get("Parameters", {}).items():
        kind = as_text(raw.get("Type"), f"Parameters.{name}.Type")
        if name not in values:
            outside.say("", f"parameter {name} has no value")
        elif kind.startswith(_SSM):
            outside.pin("", "parameter", f"ssm:{values[name]}", what=f"parameter {name}, of type {kind},")


def hidden_parameters(template: Mapping[str, Any]) -> frozenset[str]:
    """Return the parameters whose values nobody is to be shown: ``NoEcho``, or named as a secret is."""
    declared = template.get("Parameters", {})
    return frozenset(
        name for name, raw in declared.items() if str(raw.get("NoEcho")).lower() == "true" or is_secret_name(name)
    )


def mentions(value: object) -> Iterator[str]:
    """Yield the names that a value hangs on: parameters, resources, conditions and mappings."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            for name, inner in item.items():
                if name in _NAMING and isinstance(inner, str):
                    yield inner
                elif name == "Fn::GetAtt":
                    yield str(inner[0] if isinstance(inner, list) and inner else inner).split(".")[0]
                elif name == "Fn::Sub":
                    text = inner[0] if isinstance(inner, list) and inner else inner
                    yield from _SUB.findall(text) if isinstance(text, str) else ()
                elif name in _FIRST and isinstance(inner, list) and inner and isinstance(inner[0], str):
                    yield inner[0]
                left.append(inner)
        elif isinstance(item, list):
            left += item


def changed_inputs(
    new: Mapping[str, Any], old: Mapping[str, Any], values: Mapping[str, Any], before: Mapping[str, Any] | None
) -> frozenset[str]:
    """Return the parameters, conditions and mappings that have, or may have, another value than they had.

    Args:
        new: The template.
        old: The template that is deployed.
        values: Of the new one's parameters.
        before: Of the deployed one's parameters; None where nobody knows, so that each may have changed.
    """
    known = before if before is not None else {}
    changed = {name for name in values if name not in known or not same(known[name], values[name])}
    for section in ("Mappings", "Conditions"):
        ours, theirs = (as_object(each.get(section, {}), section) for each in (new, old))
        changed |= {name for name in ours if name not in theirs or not same(ours[name], theirs[name])}
    conditions = {name: frozenset(mentions(item)) for name, item in new.get("Conditions", {}).items()}
    while more := {name for name, needs in conditions.items() if name not in changed and needs & changed}:
        changed |= more
    return frozenset(changed)
