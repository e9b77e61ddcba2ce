"""Gap: a change set shows NoEcho parameters in the clear, and never what its resources' properties become.

DescribeChangeSet masks NoEcho values, has pages, and with IncludePropertyValues tells each resource's properties before
and after, with `{{changeSet:KNOWN_AFTER_APPLY}}` for what refers to a resource that is yet to be made. DescribeStacks
names the service role and the change set that the stack was made or changed by last. A stack under review keeps its id
when it gets another change set, and the execution of one drops the others.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceTargetDefinition.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, helpers

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
HIDDEN = "****"
PAGE_BYTES = 1_000_000  # "The output is limited to 1 MB"
_ATTRIBUTES = ("CreationPolicy", "DeletionPolicy", "Metadata", "UpdatePolicy", "UpdateReplacePolicy")
_NAMESPACE = f"{{{helpers.CFN_NS}}}"


class _Unmade(dict[str, Any]):
    """The attributes of a resource that is yet to be made: every one, and none is known."""

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return LATER


def install() -> None:
    """Wrap what makes, describes and executes change sets."""
    table = handlers._ACTION_HANDLERS
    table["CreateChangeSet"] = _creating(table["CreateChangeSet"])
    table["DescribeChangeSet"] = _describing(table["DescribeChangeSet"])
    table["ExecuteChangeSet"] = _executing(table["ExecuteChangeSet"])
    table["DescribeStacks"] = _stacks_described(table["DescribeStacks"])


def _creating(create: Any) -> Any:
    def create_change_set(params: Any) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName")) or {}
        answer = create(params)
        name, stack_name = helpers._p(params, "ChangeSetName"), str(stack.get("StackName") or "")
        made = changesets._find_change_set(name, stack_name or helpers._p(params, "StackName"))[1]
        if answer[0] == HTTPStatus.OK and made is not None:
            # Now, as AWS does: what the stack is later is another question.
            made["_contexts"] = _contexts(made, stack)
            new = handlers._resolve_stack(made["StackName"])
            if new is not None and new is not stack and stack.get("StackStatus") == "REVIEW_IN_PROGRESS":
                answer = _same_stack(answer, made, new, stack["StackId"])
            if new is not None and new.get("StackStatus") == "REVIEW_IN_PROGRESS":
                new["_change_set_id"] = made["ChangeSetId"]
                new.setdefault("_role_arn", made.get("_role_arn") or helpers._p(params, "RoleARN"))
        return answer

    return create_change_set


def _same_stack(answer: Any, made: dict[str, Any], new: dict[str, Any], stack_id: str) -> Any:
    """A stack that waits for its first change set stays the same stack when it gets another one."""
    other = made["StackId"]
    made["StackId"] = new["StackId"] = stack_id
    cloudformation._stack_events.pop(other, None)
    return answer[0], answer[1], answer[2].replace(other.encode(), stack_id.encode())


def _executing(execute: Any) -> Any:
    def execute_change_set(params: Any) -> Any:
        found = changesets._find_change_set(helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName"))[1]
        answer = execute(params)
        if answer[0] == HTTPStatus.OK and found is not None:
            stack = handlers._resolve_stack(found["StackName"])
            if stack is not None:
                stack["_change_set_id"] = found["ChangeSetId"]
        return answer

    return execute_change_set


def _contexts(change_set: dict[str, Any], stack: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What each changed resource is before and after, None where it is not there."""
    there = stack.get("_resources") or {}
    rows = {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in change_set["Changes"]}
    replaced = {name for name, row in rows.items() if row.get("Replacement", "False") != "False"}
    unmade = {"PhysicalResourceId": LATER, "Attributes": _Unmade()}
    known = {
        name: there[name] if name in there and name not in replaced else unmade
        for name in (change_set["_template"].get("Resources") or {})
    }
    names = (change_set["StackName"], change_set["StackId"])
    found: dict[str, tuple[Any, Any]] = {}
    for name, row in rows.items():
        before = after = None
        if row["Action"] != "Add" and stack.get("_template"):
            before = _context(name, stack["_template"], stack.get("_resolved_params") or {}, there, names)
        if row["Action"] != "Remove":
            after = _context(name, change_set["_template"], change_set["_resolved_params"], known, names)
        found[name] = (before, after)
    return found


def _context(name: str, template: Any, params: Any, resources: Any, stack: tuple[str, str]) -> Any:
    resource = (template.get("Resources") or {}).get(name)
    if resource is None:
        return None
    shown = {key: {**value, "Value": HIDDEN} if value.get("NoEcho") else value for key, value in params.items()}
    conditions = engine._evaluate_conditions(template, params)
    properties = {}
    for key, value in (resource.get("Properties") or {}).items():
        try:
            resolved = engine._resolve_refs(value, resources, shown, conditions, template.get("Mappings") or {}, *stack)
        except Exception:  # noqa: BLE001 - what a function makes of an unknown value is not known either
            resolved = LATER
        if resolved is not engine._NO_VALUE:
            properties[key] = resolved
    kept = {key: resource[key] for key in _ATTRIBUTES if key in resource}
    return {"Properties": properties, **kept}


def _describing(describe: Any) -> Any:
    def describe_change_set(params: Any) -> Any:
        answer = describe(params)
        if answer[0] != HTTPStatus.OK:
            return answer
        found = changesets._find_change_set(helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName"))[1]
        ET.register_namespace("", helpers.CFN_NS)
        root = ET.fromstring(answer[2])  # noqa: S314 - ministack's own answer
        result = root[0]
        _mask(result, found["_resolved_params"])
        if helpers._p(params, "IncludePropertyValues", "false").lower() == "true":
            for member in result.findall(f"{_NAMESPACE}Changes/{_NAMESPACE}member"):
                _tell(member.find(f"{_NAMESPACE}ResourceChange"), found.get("_contexts") or {})
        problem = _cut(result, helpers._p(params, "NextToken"))
        if problem:
            return helpers._error("ValidationError", problem)
        return answer[0], answer[1], ET.tostring(root, encoding="utf-8", xml_declaration=True)

    return describe_change_set


def _mask(result: Any, params: dict[str, Any]) -> None:
    for member in result.findall(f"{_NAMESPACE}Parameters/{_NAMESPACE}member"):
        name = member.findtext(f"{_NAMESPACE}ParameterKey")
        if (params.get(name) or {}).get("NoEcho"):
            member.find(f"{_NAMESPACE}ParameterValue").text = HIDDEN


def _tell(change: Any, contexts: dict[str, tuple[Any, Any]]) -> None:
    before, after = contexts.get(change.findtext(f"{_NAMESPACE}LogicalResourceId"), (None, None))
    for name, context in (("BeforeContext", before), ("AfterContext", after)):
        if context is not None:
            ET.SubElement(change, f"{_NAMESPACE}{name}").text = _text(context)
    old, new = ((context or {}).get("Properties", {}) for context in (before, after))
    for target in change.findall(f"{_NAMESPACE}Details/{_NAMESPACE}member/{_NAMESPACE}Target"):
        name = target.findtext(f"{_NAMESPACE}Name")
        if target.findtext(f"{_NAMESPACE}Attribute") != "Properties" or not name:
            continue
        kind = "Modify" if name in old and name in new else "Add" if name in new else "Remove"
        told = {"Path": f"/Properties/{name}", "AttributeChangeType": kind}
        told |= {"BeforeValue": _text(old[name])} if name in old else {}
        told |= {"AfterValue": _text(new[name])} if name in new else {}
        for key, value in told.items():
            ET.SubElement(target, f"{_NAMESPACE}{key}").text = value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _cut(result: Any, token: str) -> str:
    """Leave one page of the changes, from the one that the token names; return what is wrong with the token."""
    changes = result.find(f"{_NAMESPACE}Changes")
    members = list(changes)
    if token and not (token.isascii() and token.isdigit() and 0 < int(token) < len(members)):
        return "The NextToken is not valid"
    start, size = int(token or 0), 0
    end = start
    while end < len(members):
        size += len(ET.tostring(members[end]))
        if size > PAGE_BYTES and end > start:
            break
        end += 1
    for number, member in enumerate(members):
        if not start <= number < end:
            changes.remove(member)
    if end < len(members):
        ET.SubElement(result, f"{_NAMESPACE}NextToken").text = str(end)
    return ""


def _stacks_described(describe: Any) -> Any:
    def describe_stacks(params: Any) -> Any:
        answer = describe(params)
        if answer[0] != HTTPStatus.OK:
            return answer
        ET.register_namespace("", helpers.CFN_NS)
        root = ET.fromstring(answer[2])  # noqa: S314 - ministack's own answer
        stored = {stack["StackId"]: stack for stack in cloudformation._stacks.values()}
        for member in root.iter(f"{_NAMESPACE}member"):
            stack = stored.get(member.findtext(f"{_NAMESPACE}StackId") or "") or {}
            for name, key in (("RoleARN", "_role_arn"), ("ChangeSetId", "_change_set_id")):
                if stack.get(key) and member.find(f"{_NAMESPACE}{name}") is None:
                    ET.SubElement(member, f"{_NAMESPACE}{name}").text = stack[key]
        return answer[0], answer[1], ET.tostring(root, encoding="utf-8", xml_declaration=True)

    return describe_stacks
