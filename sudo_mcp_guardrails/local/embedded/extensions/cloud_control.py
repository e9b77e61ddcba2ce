"""Gap: Cloud Control of ministack writes down what it is asked for, and makes nothing.

A request makes, changes or deletes the resource as CloudFormation's handler of the type does, authorized as the caller
(or the role that is handed over) for each permission that the type needs. A client token makes a request the same one
for 36 hours, and is refused for another request. The first answer is IN_PROGRESS; what became of it is asked with
GetResourceRequestStatus. A resource that Cloud Control did not make is not found.
https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations.html
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http import HTTPStatus
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.core.router import extract_access_key_id
from ministack.services import cloudcontrol
from ministack.services.cloudformation import provisioners

from . import authorization, pass_role, service_roles_cfn

TOKEN_SECONDS = 36 * 3600
LONGEST_TOKEN = 128
_WRITES = {"CreateResource": "CREATE", "UpdateResource": "UPDATE", "DeleteResource": "DELETE"}
_NAME = "CloudControl"  # what a generated name begins with
_lock = threading.Lock()

# Client token -> (when, what was asked, the request's token)
_asked = AccountRegionScopedDict()
# Type and identifier -> what its handler needs to change or delete it
_made = AccountRegionScopedDict()


def install() -> None:
    """Answer the writes."""
    handle = cloudcontrol.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            data = None
        if action not in _WRITES or not isinstance(data, dict):
            return await handle(method, path, headers, body, query)
        # Handlers call other services, which a thread may wait for and this loop may not.
        return await asyncio.to_thread(_write, action, data)

    cloudcontrol.handle_request = handle_request


def _write(action: str, data: dict[str, Any]) -> Any:
    problem, actor = _actor(data)
    if problem is not None:
        return problem
    with _lock:
        answer, event, work = _taken(action, data)
    if event is not None:
        mark = service_roles_cfn._actor.set(actor)
        try:
            work(event)
            event["OperationStatus"] = "SUCCESS"
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the request's failure
            event |= {"OperationStatus": "FAILED", "StatusMessage": str(error), "ErrorCode": _code(str(error))}
        finally:
            service_roles_cfn._actor.reset(mark)
    return answer


def _taken(action: str, data: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The answer, and, for a request that is a new one, its event and what is to be done."""
    asked = {key: value for key, value in data.items() if key != "ClientToken"}
    token = str(data.get("ClientToken") or "")
    if len(token) > LONGEST_TOKEN:
        return error_response_json("ValidationException", "ClientToken is longer than 128 characters", 400), None, None
    when, before, request = _asked.get(token, (0.0, None, ""))
    if token and time.time() - when < TOKEN_SECONDS:
        if before != [action, asked]:
            message = "The client token has already been used in another resource request"
            return error_response_json("ClientTokenConflictException", message, 400), None, None
        return json_response({"ProgressEvent": cloudcontrol._requests[request]}), None, None
    event, work = _begun(action, data)
    if event is None:
        # A request that cannot be begun is no request: its client token stays free.
        return work, None, None
    cloudcontrol._requests[event["RequestToken"]] = event
    if token:
        _asked[token] = (time.time(), [action, asked], event["RequestToken"])
    return json_response({"ProgressEvent": event}), event, work


def _actor(data: dict[str, Any]) -> tuple[Any, Any]:
    access_key = extract_access_key_id(authorization.current_headers()) or ""
    role = str(data.get("RoleArn") or "")
    if role:
        principal = iam_evaluator.resolve_principal(access_key, get_account_id())
        denied = pass_role.may_pass(principal, role, service_roles_cfn.SERVICE, get_region())
        if denied is not None or service_roles_cfn._role_problem(role, ""):
            message = f"the role {role} may not be handed over, or cannot be assumed"
            return error_response_json("AccessDeniedException", message, HTTPStatus.BAD_REQUEST), None
    return None, service_roles_cfn.Actor(role, access_key)


def _begun(action: str, data: dict[str, Any]) -> tuple[dict[str, Any] | None, Any]:  # noqa: PLR0911 - each refusal
    """The event and what is to be done, or None and the refusal."""
    kind, identifier = str(data.get("TypeName") or ""), str(data.get("Identifier") or "")
    if kind not in provisioners._RESOURCE_HANDLERS:
        message = f"Resource type {kind} is not known, or does not support {action}"
        return None, error_response_json("UnsupportedActionException", message, 400)
    if action == "CreateResource":
        wanted = _document(data.get("DesiredState"), dict)
        if wanted is None:
            return None, error_response_json("InvalidRequestException", "DesiredState must be a JSON object", 400)
        return _event(action, kind), lambda event: _create(event, kind, wanted)
    key = cloudcontrol._resource_key(kind, identifier)
    there = _made.get(key)
    if there is None:
        message = f"Resource of type '{kind}' with identifier '{identifier}' was not found."
        return None, error_response_json("ResourceNotFoundException", message, 400)
    if action == "DeleteResource":
        return _event(action, kind, identifier), lambda event: _delete(event, key, there)
    try:
        patch = _document(data.get("PatchDocument"), list)
        wanted = cloudcontrol._apply_json_patch(json.loads(json.dumps(there["properties"])), patch)
    except cloudcontrol._PatchError as error:
        return None, error_response_json("InvalidRequestException", str(error), 400)
    return _event(action, kind, identifier), lambda event: _update(event, key, there, wanted)


def _document(text: Any, kind: type) -> Any:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, kind) else None


def _event(action: str, kind: str, identifier: str | None = None) -> dict[str, Any]:
    event: dict[str, Any] = cloudcontrol._progress_event(_WRITES[action], "IN_PROGRESS", kind, identifier)
    return event


def _create(event: dict[str, Any], kind: str, wanted: dict[str, Any]) -> None:
    # The request's token makes a generated name another one each time.
    logical = f"R{event['RequestToken'].replace('-', '')[:12]}"
    identifier, attributes = provisioners._provision_resource(kind, logical, wanted, _NAME)
    key = cloudcontrol._resource_key(kind, identifier)
    _made[key] = {"kind": kind, "id": identifier, "logical": logical, "properties": wanted, "attributes": attributes}
    _show(event, key)


def _update(event: dict[str, Any], key: str, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    identifier, attributes = provisioners._update_resource(
        there["kind"], there["id"], there["properties"], wanted, _NAME, there["logical"], there["attributes"]
    )
    if identifier != there["id"]:
        # Cloud Control never replaces: a property that only a new resource can have is refused at AWS.
        provisioners._delete_resource(there["kind"], identifier, wanted)
        raise ValueError("NotUpdatable: a property can only be set when the resource is created")
    there |= {"properties": wanted, "attributes": attributes}
    _show(event, key)


def _delete(event: dict[str, Any], key: str, there: dict[str, Any]) -> None:
    del event
    provisioners._delete_resource(there["kind"], there["id"], there["properties"], _NAME, there["logical"])
    _made.pop(key, None)
    cloudcontrol._resources.pop(key, None)


def _show(event: dict[str, Any], key: str) -> None:
    there = _made[key]
    model = json.dumps(there["properties"])
    event |= {"Identifier": there["id"], "ResourceModel": model}
    cloudcontrol._resources[key] = {"TypeName": there["kind"], "Identifier": there["id"], "Properties": model}


def _code(message: str) -> str:
    if "not authorized" in message or "refused" in message:
        return "AccessDenied"
    if message.startswith("NotUpdatable"):
        return "NotUpdatable"
    return "AlreadyExists" if "exist" in message.lower() else "GeneralServiceException"
