"""Gap: ministack's Step Functions calls every service as root.

A task is authorized as the state machine's role, which must trust `states.amazonaws.com`, before ministack performs it:
Lambda invocations, the optimized integrations that ministack has, nested executions and `aws-sdk` integrations. The
caller's context keys do not travel; each state machine acts as its own role.
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, stepfunctions

from . import authorization, dynamodb_keys, principals
from .attempts import PARTITION

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "states.amazonaws.com"
# Where IAM's action is not the name of the API operation.
_ACTION_NAMES = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjects": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:DeleteObjects": "s3:DeleteObject",
    "lambda:Invoke": "lambda:InvokeFunction",
}

_execution: ContextVar[Mapping[str, Any]] = ContextVar("embedded_execution", default=MappingProxyType({}))


def install() -> None:
    """Authorize each task before it is performed."""
    execute = stepfunctions._execute_task
    invoke, callback = stepfunctions._invoke_resource, stepfunctions._invoke_with_callback

    def execute_task(definition: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        _execution.set(execution or {})
        return execute(definition, raw_input, execution, ctx)

    def invoke_resource(resource: str, data: Any) -> Any:
        _authorize(resource, data)
        return invoke(resource, data)

    def invoke_with_callback(resource: str, data: Any, token: str, definition: Any) -> Any:
        _authorize(resource, data)
        return callback(resource, data, token, definition)

    stepfunctions._execute_task = execute_task
    stepfunctions._invoke_resource = invoke_resource
    stepfunctions._invoke_with_callback = invoke_with_callback


def _authorize(resource: str, data: Any) -> None:
    if ":activity:" in resource:
        return
    authorization.leave_request()
    machine_arn = str(_execution.get().get("stateMachineArn", ""))
    role = str((stepfunctions._state_machines.get(machine_arn) or {}).get("roleArn") or "")
    clean = resource.replace(".waitForTaskToken", "").replace(".sync:2", "").replace(".sync", "")
    needs = needed(clean, data if isinstance(data, dict) else {})
    service = clean.split(":")[-2] if ":::" in clean else "lambda"
    # Lambda's own client reports a missing permission under this name, others under the service's.
    denied = "AWSLambdaException" if service == "lambda" and ":aws-sdk:" not in clean else "AccessDeniedException"
    error = stepfunctions._prefix_sdk_error(service, denied)
    principal = principals.service_session(role, machine_arn.rsplit(":", 1)[-1])
    may_assume = principals.service_may_assume(role, SERVICE, get_account_id(), source_arn=machine_arn)
    if principal is None or not may_assume:
        raise stepfunctions._ExecutionError(error, f"{SERVICE} is not authorized to assume the role {role}")
    for action, arn in needs:
        keys = _keys(action, arn, data)
        if authorization.decide(principal, action, arn, region=get_region(), context=keys) is not None:
            raise stepfunctions._ExecutionError(
                error, f"User: {principal.arn} is not authorized to perform: {action} on resource: {arn}"
            )


def _keys(action: str, arn: str, data: Any) -> dict[str, Any]:
    """The condition keys that a task's parameters carry."""
    if not action.startswith("dynamodb:") or not isinstance(data, dict):
        return {}
    table = dynamodb._tables.get(arn.split(":table/", 1)[-1].split("/", 1)[0]) or {}
    keys = dynamodb_keys.leading_keys(action, data, table)
    return {"dynamodb:leadingkeys": keys} if keys else {}


def needed(resource: str, data: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: PLR0911 - one return a kind
    """Return the (action, resource) pairs of one task.

    Args:
        resource: the state's `Resource`, without `.sync` and `.waitForTaskToken`.
        data: the task's effective parameters.
    """
    scope = f"{get_region()}:{get_account_id()}"
    if ":aws-sdk:" in resource:
        service, operation = resource.split(":")[-2:]
        return [_sdk_call(service.lower(), operation[:1].upper() + operation[1:], data)]
    if resource.endswith("lambda:invoke") or ":function:" in resource:
        name = str(data.get("FunctionName", "")) if resource.endswith("lambda:invoke") else resource
        return [
            (
                "lambda:InvokeFunction",
                name if name.startswith("arn:") else f"arn:{PARTITION}:lambda:{scope}:function:{name}",
            )
        ]
    if resource.endswith("events:putEvents"):
        buses = {str(entry.get("EventBusName") or "default") for entry in data.get("Entries") or []}
        return [
            ("events:PutEvents", bus if bus.startswith("arn:") else f"arn:{PARTITION}:events:{scope}:event-bus/{bus}")
            for bus in sorted(buses)
        ]
    service, operation = resource.split(":")[-2:]
    action = f"{service}:{operation[:1].upper()}{operation[1:]}"
    if action == "states:StartExecution":
        return [(action, str(data.get("StateMachineArn", "*")))]
    if action == "sqs:SendMessage":
        return [(action, f"arn:{PARTITION}:sqs:{scope}:{str(data.get('QueueUrl', '')).rsplit('/', 1)[-1]}")]
    if action == "sns:Publish":
        return [(action, str(data.get("TopicArn") or data.get("TargetArn") or "*"))]
    if service == "dynamodb":
        name = str(data.get("TableName", ""))
        return [(action, name if name.startswith("arn:") else f"arn:{PARTITION}:dynamodb:{scope}:table/{name}")]
    return [(action, str(data.get("TaskDefinition") or "*"))]


def _sdk_call(service: str, operation: str, data: dict[str, Any]) -> tuple[str, str]:
    known = stepfunctions._AWS_SDK_SERVICE_MAP.get(service) or {}
    key = str(known.get("service_key", service))
    action = f"{iam_actions.SERVICE_TO_IAM_NAMESPACE.get(key, service)}:{operation}"
    path = "/"
    if key == "s3":
        path = f"/{data.get('Bucket', '')}" + (f"/{data['Key']}" if data.get("Key") else "")
        path = "/" if path == "//" else path
    elif key == "lambda" and data.get("FunctionName"):
        path = f"/2015-03-31/functions/{data['FunctionName']}"
    # JSON services differ in the case of their first letter; the one that a service does not know is not read.
    body = {**data, **{name[:1].lower() + name[1:]: value for name, value in data.items()}}
    form = {name: [value] for name, value in data.items() if isinstance(value, str)}
    headers = {"x-amz-target": f"sdk.{operation}"}
    resource = iam_actions.extract_resource_arn(
        key,
        "GET" if key == "s3" else "POST",
        path,
        headers,
        json.dumps(body).encode(),
        {**form, "Action": [operation]},
        get_region(),
        get_account_id(),
    )
    if action == "s3:GetObject" and data.get("VersionId"):
        return "s3:GetObjectVersion", str(resource)
    return _ACTION_NAMES.get(action, action), str(resource)
