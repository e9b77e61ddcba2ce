"""What calls create by a body of their own: resources of Cloud Control, and stacks of CloudFormation.

The action of such a call says little, so the body is read as a plan, by the readers that approvals use.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Form, Plan, Unknown
from sudo_mcp_guardrails.approval.reading import read_plan
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, has_hole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.approval.reading.known import Known
    from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall

_CONTROL: Final = frozenset({"CreateResource", "DeleteResource", "UpdateResource"})
_STACKS: Final = frozenset(
    {"CreateChangeSet", "CreateStack", "CreateStackSet", "UpdateStack", "UpdateStackSet", "EstimateTemplateCost"}
)
_HIDDEN: Final = {
    "CreateStackInstances": "it deploys a stack set, whose template the call does not have",
    "DeleteStack": "it deletes a stack, whose resources the call does not name",
    "DeleteStackInstances": "it deletes stacks, whose resources the call does not name",
    "ExecuteChangeSet": "it executes a change set, whose changes the call does not have",
    "RollbackStack": "it takes a stack back to what it was, which the call does not say",
    "UpdateStackInstances": "it deploys a stack set, whose template the call does not have",
}
_HOW: Final = frozenset({"StackName", "TemplateBody", "Parameters"})


def plans_of(calls: Sequence[DeclaredCall], known: Known) -> tuple[Plan, ...]:
    """Return a plan for each call that has, or hides, resources in it.

    Args:
        calls: Declared calls.
        known: The session's account and Region; ``versions`` count as well.

    Returns:
        Plans, in order. What of a body cannot be read is an unknown of its plan, which makes it R3.
    """
    return tuple(plan for call in calls for plan in _plans(call, replace(known, region=call.region or known.region)))


def _plans(call: DeclaredCall, known: Known) -> Iterator[Plan]:
    if call.service == "cloudcontrol" and call.operation in _CONTROL:
        if call.has_holes:
            yield _unread(Form.CLOUD_CONTROL, known, "what it is given is known only when it runs")
        else:
            yield _read({**call.parameters, "Operation": call.operation}, Form.CLOUD_CONTROL, known)
    elif call.service == "cloudformation" and call.operation in _HIDDEN:
        yield _unread(Form.CHANGE_SET, known, _HIDDEN[call.operation])
    elif call.service == "cloudformation" and call.operation in _STACKS:
        yield _stack(call, known)


def _stack(call: DeclaredCall, known: Known) -> Plan:
    given = call.parameters
    body = given.get("TemplateBody")
    if not isinstance(body, str):
        return _unread(Form.TEMPLATE, known, "the template is not in the call")
    try:
        template = json.loads(body)
    except (ValueError, RecursionError):
        # YAML takes a parser that the standard library does not have, and its tags are CloudFormation's own.
        return _unread(Form.TEMPLATE, known, "the template is no JSON, and only that is read here")
    parameters = _parameters(given.get("Parameters", []))
    how = {name: item for name, item in given.items() if name not in _HOW}
    name = given.get("StackName")
    if parameters is None or has_hole(how) or not call.complete:
        return _unread(Form.TEMPLATE, known, "how the stack is made is known only when it runs")
    target = name if isinstance(name, str) else ""
    plan = _read(template, Form.TEMPLATE, replace(known, target=target, parameters=parameters, options=how))
    if call.operation.startswith("Update"):
        reason = "what the stack is now is not in the call, and so not what an update changes"
        return replace(plan, unknown=tuple(sorted({*plan.unknown, Unknown("", reason)})))
    return plan


def _parameters(given: object) -> dict[str, Any] | None:
    """Return a template's parameters by name; None where any is not known."""
    if not isinstance(given, list):
        return None
    found: dict[str, Any] = {}
    for item in given:
        name = item.get("ParameterKey") if isinstance(item, dict) else None
        value = item.get("ParameterValue", HOLE) if isinstance(item, dict) else HOLE
        if not isinstance(name, str) or not isinstance(value, str):
            return None
        found[name] = value
    return found


def _read(document: Mapping[str, Any], form: Form, known: Known) -> Plan:
    try:
        return read_plan(document, form=form, known=known)
    except PlanError as error:
        return _unread(form, known, str(error))


def _unread(form: Form, known: Known, reason: str) -> Plan:
    return Plan(form, known.target, known.account, known.region, (), unknown=(Unknown("", reason),))
