"""A request to the Cloud Control API as a plan: one resource that is made, changed or deleted.

An update never replaces: it is refused where it touches a property that is set at creation alone.
Source: Cloud Control API reference, ``CreateResource``, ``UpdateResource`` (``NotUpdatableException``) and
``DeleteResource``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.reading.carried import note_type
from sudo_mcp_guardrails.approval.reading.hidden import masks, note_hidden
from sudo_mcp_guardrails.approval.reading.json_patch import patched, paths
from sudo_mcp_guardrails.approval.reading.outside import Outside
from sudo_mcp_guardrails.approval.reading.source import as_object, as_text, as_word, check_depth, loaded
from sudo_mcp_guardrails.approval.secret_names import secret_paths

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.reading.known import Known

_OPERATIONS: Final = {
    "CreateResource": (Operation.CREATE, "DesiredState"),
    "UpdateResource": (Operation.UPDATE, "PatchDocument"),
    "DeleteResource": (Operation.DELETE, ""),
}
_TAKEN: Final = frozenset({"Operation", "TypeName", "Identifier", "DesiredState", "PatchDocument"})


def read_cloud_control(document: object, known: Known) -> Plan:
    """Return the plan of a request.

    Args:
        document: The request's members; ``Operation`` says which it is, and may be left out where the members tell.
            ``DesiredState`` and ``PatchDocument`` are texts of JSON, as the API takes them, or JSON.
        known: What the caller knows; ``properties`` are what the resource has now.

    Raises:
        PlanError: It is malformed, or its patch does not fit what the resource has now.
    """
    request = as_object(document, "the request")
    name = _name(request)
    operation, body = _OPERATIONS[name]
    kind = as_text(request.get("TypeName"), "the request: TypeName")
    identifier = None
    if operation is not Operation.CREATE:
        identifier = as_text(request.get("Identifier"), "the request: Identifier")
    outside = Outside(known.versions)
    id_ = identifier or kind
    before = None
    if known.properties is not None and operation is not Operation.CREATE:
        before = as_object(loaded(known.properties, "the current properties"), "the current properties")
    given = _json(request[body], f"the request: {body}") if body else None
    after, changed = _after(operation, before, given)
    if operation is not Operation.CREATE and before is None:
        outside.say(id_, "what it is now is not given")
    if after is not None:
        note_hidden(outside, id_, kind, masks(after))
        outside.change(id_, before, after)
    elif operation is Operation.UPDATE:
        outside.value(id_, given)
    if operation is not Operation.DELETE:
        note_type(outside, id_, kind, after, {})
    change = Change(
        operation=operation,
        type=kind,
        id=id_,
        account=known.account,
        region=known.region,
        physical_id=identifier,
        before=before,
        after=after,
        actions=(f"cloudformation:{name}",),
        changed=changed,
        sensitive=tuple(sorted({*secret_paths(before), *secret_paths(after)})),
        options={
            **{key: item for key, item in request.items() if key not in _TAKEN},
            **({"PatchDocument": given} if operation is Operation.UPDATE else {}),
        },
    )
    return Plan(
        form=Form.CLOUD_CONTROL,
        target=known.target,
        account=known.account,
        region=known.region,
        changes=(change,),
        pins=tuple(sorted(outside.pins)),
        unknown=tuple(sorted(outside.unknown)),
        parameters={"Options": dict(known.options)},
        artifact=known.artifact,
    )


def _name(request: dict[str, Any]) -> str:
    stated = request.get("Operation")
    if stated is not None:
        as_word(stated, _OPERATIONS, "the request: Operation")
    bodies = {name: body for name, (_, body) in _OPERATIONS.items() if body}
    told = [name for name, body in bodies.items() if body in request]
    if len(told) > 1:
        raise PlanError("the request has both DesiredState and PatchDocument, expected one of them")
    found = told[0] if told else "DeleteResource"
    if stated not in {None, found}:
        raise PlanError(f"the request: Operation: {stated} does not fit its members, which are those of {found}")
    return found


def _after(operation: Operation, before: Any, given: Any) -> tuple[Any, tuple[str, ...]]:  # noqa: ANN401 - JSON
    if operation is Operation.CREATE:
        return as_object(given, "the request: DesiredState"), ()
    if operation is Operation.DELETE:
        return None, ()
    place = "the request: PatchDocument"
    changed = paths(given, place)
    return (None if before is None else as_object(patched(before, given, place), place)), changed


def _json(value: object, place: str) -> Any:  # noqa: ANN401 - JSON
    found = parsed(value, place) if isinstance(value, str) else value
    check_depth(found, place)
    return found
