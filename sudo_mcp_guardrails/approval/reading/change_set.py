"""A CloudFormation change set as a plan, from the answers of ``DescribeChangeSet`` with ``IncludePropertyValues``.

A change set is fixed when it is made: macros have run, and the parameters of Systems Manager are resolved. What is
still open then is said to be unknown: replacements that hang on a value, values that are known after it is applied,
nested stacks whose change sets are not given, and whatever was described without its values.
Source: CloudFormation API reference, ``DescribeChangeSet``, ``ResourceChange`` and ``ResourceTargetDefinition``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical, digest
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Plan
from sudo_mcp_guardrails.approval.reading.inputs import pseudo_values
from sudo_mcp_guardrails.approval.reading.known import agreed, arn_parts
from sudo_mcp_guardrails.approval.reading.outside import Outside
from sudo_mcp_guardrails.approval.reading.resource_change import ResourceChanges
from sudo_mcp_guardrails.approval.reading.source import as_list, as_object, as_text, loaded, maybe_list, same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.plan import Change
    from sudo_mcp_guardrails.approval.reading.known import Known

_PASSING: Final = frozenset(
    {"Status", "StatusReason", "ExecutionStatus", "CreationTime", "ResponseMetadata", "NextToken", "Changes"}
)
"""What an answer says of the moment, or of itself."""
_READY: Final = "CREATE_COMPLETE"
_SETS: Final = ("Capabilities", "NotificationARNs", "Tags")
_MAX_NESTED: Final = 10


def read_change_set(document: object, known: Known) -> Plan:
    """Return the plan of a change set.

    Args:
        document: The answer, or the list of its pages in order.
        known: What the caller knows; ``template``, ``nested`` and ``options`` count here.

    Raises:
        PlanError: It is malformed, pages are missing or of several change sets, or it is not there to be executed.
    """
    return _read(document, known, "the change set", 0)


def _read(document: object, known: Known, what: str, depth: int) -> Plan:
    if depth > _MAX_NESTED:
        raise PlanError(f"{what} is nested in more than {_MAX_NESTED} others")
    head, raw = _joined(document, what)
    arn = as_text(head.get("ChangeSetId"), f"{what}: ChangeSetId")
    parts = arn_parts(arn)
    if parts is None or not all(parts):
        raise PlanError(f"{what}: ChangeSetId: expected an ARN with account and Region")
    region = agreed(parts[0], known.region, f"{what}: Region")
    account = agreed(parts[1], known.account, f"{what}: account")
    if head.get("Status") != _READY:
        raise PlanError(f"{what}: Status: expected {_READY!r}, since any other has not all its changes or never ran")
    target = as_text(head.get("StackId") or head.get("StackName"), f"{what}: StackId")
    if depth == 0 and known.target not in ("", target, head.get("StackName")):
        raise PlanError(f"{what}: the plan is for stack {head.get('StackName')!r}, expected {known.target!r}")
    parameters = _parameters(head.get("Parameters"), what)
    here = replace(known, account=account, region=region, target=str(head.get("StackName") or ""))
    values = {name: item.get("ResolvedValue", item.get("ParameterValue")) for name, item in parameters.items()}
    outside = Outside(known.versions, {**pseudo_values(here), **values})
    for name, item in parameters.items():
        if "ParameterValue" not in item and "ResolvedValue" not in item:
            outside.say("", f"parameter {name} has a value that the change set does not tell")
    template = _template(known, outside)
    rows = ResourceChanges(outside, template, account, region, what)
    changes = list(rows.read(raw))
    nested = _nested(rows.nested, known, outside, what, depth)
    return Plan(
        form=Form.CHANGE_SET,
        target=target,
        account=account,
        region=region,
        changes=(*changes, *(change for plan in nested.values() for change in plan.changes)),
        pins=tuple(sorted({*outside.pins, *(pin for plan in nested.values() for pin in plan.pins)})),
        unknown=tuple(sorted({*outside.unknown, *(one for plan in nested.values() for one in plan.unknown)})),
        parameters={
            "Parameters": parameters,
            "Options": _options(head, known, what) if depth == 0 else _options(head, None, what),
            **({"Nested": {id_: plan.parameters for id_, plan in nested.items()}} if nested else {}),
            **({"Template": digest("template/1", template)} if template is not None else {}),
            **({"Other": rows.other} if rows.other else {}),
        },
        artifact=arn,
    )


def _joined(document: object, what: str) -> tuple[dict[str, Any], list[Any]]:
    """Put the pages of an answer together: what all say, and their changes."""
    pages = [as_object(page, f"{what}: a page") for page in (document if isinstance(document, list) else [document])]
    if not pages:
        raise PlanError(f"{what} has no page")
    changes: list[Any] = []
    heads = []
    for number, page in enumerate(pages, start=1):
        if bool(page.get("NextToken")) != (number < len(pages)):
            state = "says that there are more" if page.get("NextToken") else "says that it is the last"
            raise PlanError(f"{what}: page {number} of {len(pages)} {state}, expected all pages in order")
        changes += as_list(page.get("Changes", []), f"{what}: Changes")
        heads.append({name: item for name, item in page.items() if name not in _PASSING})
    if not all(same(head, heads[0]) for head in heads):
        raise PlanError(f"{what}: its pages differ in more than their changes, expected those of one change set")
    return {**heads[0], "Status": pages[0].get("Status")}, changes


def _parameters(raw: object, what: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in maybe_list(raw, f"{what}: Parameters"):
        parameter = as_object(item, f"{what}: Parameters")
        name = as_text(parameter.get("ParameterKey"), f"{what}: Parameters: ParameterKey")
        if name in found:
            raise PlanError(f"{what}: Parameters: {name!r} is there twice")
        found[name] = {key: value for key, value in parameter.items() if key != "ParameterKey"}
    return found


def _options(head: dict[str, Any], known: Known | None, what: str) -> dict[str, Any]:
    stated = {name: item for name, item in head.items() if name not in {"ChangeSetId", "Parameters", "Status"}}
    for name, item in (known.options if known is not None else {}).items():
        if name in stated and not same(stated[name], item):
            raise PlanError(f"{what}: option {name} is another than the one that is given")
        stated[name] = item
    # The order of these says nothing, and AWS may hand them out in another one.
    return {
        name: sorted(item, key=canonical) if name in _SETS and isinstance(item, list) else item
        for name, item in stated.items()
    }


def _template(known: Known, outside: Outside) -> dict[str, Any] | None:
    if known.template is None:
        return None
    template = as_object(loaded(known.template, "the template"), "the template")
    if "Transform" in template:
        outside.say("", "the template is given as it was before its macros ran")
    return template


def _nested(found: Iterable[tuple[str, str]], known: Known, outside: Outside, what: str, depth: int) -> dict[str, Plan]:
    """Read the change sets of nested stacks, whose ids then begin with that of the stack."""
    plans: dict[str, Plan] = {}
    for id_, arn in found:
        if arn not in known.nested:
            outside.say(id_, "a nested stack, whose change set is not given")
            continue
        name = f"{what} of {id_}" if depth == 0 else f"{what}/{id_}"
        document = loaded(known.nested[arn], name)
        plan = _read(document, replace(known, template=None, target=""), name, depth + 1)
        if plan.artifact != arn:
            raise PlanError(f"{name}: expected the change set that the stack names, got another")
        plans[id_] = replace(
            plan,
            changes=tuple(_within(change, id_) for change in plan.changes),
            unknown=tuple(replace(one, where=f"{id_}/{one.where}" if one.where else id_) for one in plan.unknown),
        )
    return plans


def _within(change: Change, id_: str) -> Change:
    return replace(
        change, id=f"{id_}/{change.id}", dependent=tuple(f"{id_}/{dependent}" for dependent in change.dependent)
    )
