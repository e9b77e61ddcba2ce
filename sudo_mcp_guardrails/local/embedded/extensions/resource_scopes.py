"""Gap: ministack decides many requests on another resource than AWS does, and some on none.

IAM entities carry their path (`role/agents/x`, not `role/x`), Lambda's CreateFunction its function, rules and
activities their own ARN, SendTaskSuccess the state machine that waits, log stream calls the stream, KMS aliases the
key behind them, a change set named by ARN its stack. An operation that ministack cannot name is refused unless the
caller may do anything in that service (`lambda` code signing, `account` and `bedrock-agentcore` control were wrongly
allowed). AssumeRole takes the exact ARN of the role only, and no longer session than the role or chaining permits.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from xml.sax.saxutils import escape

from ministack import app as server
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import cloudformation, iam, kms, stepfunctions, sts

from . import authorization
from .attempts import PARTITION, HttpRequest

_CHAINED_SECONDS = 3600
_REMEMBERED_TOKENS = 100_000
_REST_MODELS = {
    "lambda": ["lambda"],
    "account": ["account"],
    "bedrock-agentcore": ["bedrock-agentcore-control", "bedrock-agentcore"],
}
_LOG_STREAM_ACTIONS = frozenset({"PutLogEvents", "CreateLogStream", "DeleteLogStream", "GetLogEvents"})

_machine: ContextVar[str] = ContextVar("embedded_state_machine", default="")
_token_machines: dict[str, str] = {}
_change_set_stacks: dict[str, str] = {}


def install() -> None:
    """Correct the resources, name the unnamed operations, and check what AssumeRole is asked for."""
    iam_actions._BOTOCORE_SERVICE_MAP.update(_REST_MODELS)
    for service in _REST_MODELS:
        iam_actions._REST_ROUTE_CACHE.pop(service, None)
    _wrap_resources()
    _wrap_log_groups()
    _wrap_unnamed()
    _wrap_task_tokens()
    _wrap_assume_role()


def _wrap_resources() -> None:
    stock = iam_actions.extract_resource_arn

    def extract_resource_arn(*arguments: Any) -> Any:
        service, method, path, headers, body, query, region, account = arguments
        request = HttpRequest(service, method, path, headers, body, query)
        special = _SPECIAL.get(service)
        found = special(request, f":{region}:{account}") if special else ""
        return found or stock(*arguments)

    iam_actions.extract_resource_arn = extract_resource_arn


def _iam_resource(request: HttpRequest, scope: str) -> str:  # noqa: PLR0911 - one return a kind
    del scope
    form = request.form()
    base, path = f"arn:{PARTITION}:iam::{get_account_id()}", form.get("Path") or "/"
    if form.get("AWSServiceName"):
        return f"{base}:role/aws-service-role/{form['AWSServiceName']}/*"
    for field, kind, store in (
        ("InstanceProfileName", "instance-profile", iam._instance_profiles),
        ("RoleName", "role", iam._roles),
        ("GroupName", "group", iam._groups),
        ("UserName", "user", iam._users),
    ):
        name = form.get(field)
        if name and form.get("Action") == f"Create{field[:-4]}":
            return f"{base}:{kind}{path}{name}"
        if name:
            return str((store.get(name) or {}).get("Arn") or f"{base}:{kind}/{name}")
    if form.get("Action") == "CreatePolicy":
        return f"{base}:policy{path}{form.get('PolicyName', '')}"
    if form.get("Action") == "CreateOpenIDConnectProvider":
        return f"{base}:oidc-provider/{form.get('Url', '').split('://', 1)[-1]}"
    for field in ("OpenIDConnectProviderArn", "SAMLProviderArn", "SerialNumber"):
        if form.get(field):
            return form[field]
    return ""


def _lambda_resource(request: HttpRequest, scope: str) -> str:
    if request.method == "POST" and request.path.rstrip("/").endswith("/functions"):
        name = str(request.json().get("FunctionName") or "").split(":function:")[-1]
        return f"arn:{PARTITION}:lambda{scope}:function:{name}" if name else ""
    return ""


def _events_resource(request: HttpRequest, scope: str) -> str:
    operation = request.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if not operation.endswith(("Rule", "Targets", "TargetsByRule")):
        return ""
    name = request.text("Name") or request.text("Rule")
    bus = request.text("EventBusName").rsplit("/", 1)[-1] or "default"
    return f"arn:{PARTITION}:events{scope}:rule/{name if bus == 'default' else f'{bus}/{name}'}" if name else ""


def _states_resource(request: HttpRequest, scope: str) -> str:
    operation = request.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if operation.startswith("SendTask"):
        return _token_machines.get(request.text("taskToken"), "")
    return f"arn:{PARTITION}:states{scope}:activity:{request.text('name')}" if operation == "CreateActivity" else ""


def _logs_resource(request: HttpRequest, scope: str) -> str:
    operation = request.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    group, stream = request.text("logGroupName"), request.text("logStreamName")
    if operation in _LOG_STREAM_ACTIONS and group:
        return f"arn:{PARTITION}:logs{scope}:log-group:{group}:log-stream:{stream}"
    return ""


def _kms_resource(request: HttpRequest, scope: str) -> str:
    alias = request.text("KeyId")
    operation = request.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if "alias/" not in alias or operation.endswith("Alias"):
        return ""
    target = kms._aliases.get(alias if alias.startswith("arn:") else f"arn:{PARTITION}:kms{scope}:{alias}")
    return f"arn:{PARTITION}:kms{scope}:key/{target}" if target else ""


def _cloudformation_resource(request: HttpRequest, scope: str) -> str:
    change_set = request.text("ChangeSetName")
    if request.text("StackName") or not change_set:
        return ""
    found = cloudformation._change_sets.get(change_set) or {}
    if found.get("StackId"):
        _change_set_stacks[change_set] = str(found["StackId"])
    # One that was deleted is asked for on its stack too, so that who may ask learns that it is not there.
    return _change_set_stacks.get(change_set) or f"arn:{PARTITION}:cloudformation{scope}:stack/*"


def _sns_resource(request: HttpRequest, scope: str) -> str:
    del scope
    return ":".join(request.text("SubscriptionArn").split(":")[:6])


def _sts_resource(request: HttpRequest, scope: str) -> str:
    if request.text("Action") == "GetFederationToken":
        return f"arn:{PARTITION}:sts::{scope.rsplit(':', 1)[-1]}:federated-user/{request.text('Name')}"
    return ""


_SPECIAL: dict[str, Any] = {
    "iam": _iam_resource,
    "lambda": _lambda_resource,
    "events": _events_resource,
    "states": _states_resource,
    "logs": _logs_resource,
    "kms": _kms_resource,
    "cloudformation": _cloudformation_resource,
    "sns": _sns_resource,
    "sts": _sts_resource,
}


def _wrap_log_groups() -> None:
    stock = iam_evaluator._resource_matches

    def resource_matches(resource: str, resources: list[str], not_resources: list[str]) -> bool:
        # Log group ARNs are written with and without the trailing ":*"; CloudWatch Logs takes both.
        if ":log-group:" in resource and ":log-stream:" not in resource and not resource.endswith(":*"):
            forms = (resource, resource + ":")
            if not_resources:
                return all(stock(form, resources, not_resources) for form in forms)
            return any(stock(form, resources, not_resources) for form in forms)
        return bool(stock(resource, resources, not_resources))

    iam_evaluator._resource_matches = resource_matches


def _wrap_unnamed() -> None:
    stock = server._authenticate_only

    def authenticate_only(service: str, headers: Any, query: Any, request_id: str) -> Any:
        failure = stock(service, headers, query, request_id)
        key = extract_access_key_id(headers, query)
        if failure or iam_evaluator._anonymous.get():
            return failure
        principal = iam_evaluator.resolve_principal(key or "", get_account_id())
        if isinstance(principal, iam_evaluator.AuthError) or principal.policies is None:
            return failure
        action = f"{iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service, service)}:UnknownOperation"
        denied = authorization.decide(principal, action, "*", region=get_region())
        if denied is None:
            return None
        return iam_actions.access_denied_response(
            service, action, principal.arn, request_id, headers=headers, explicit_deny=denied.decision == "Deny"
        )

    server._authenticate_only = authenticate_only


def _wrap_task_tokens() -> None:
    execute, callback = stepfunctions._execute_task, stepfunctions._invoke_with_callback

    def execute_task(definition: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        _machine.set(str((execution or {}).get("stateMachineArn", "")))
        return execute(definition, raw_input, execution, ctx)

    def invoke_with_callback(resource: str, data: Any, token: str, definition: Any) -> Any:
        # Kept after the end: a late answer is authorized as an early one, and then refused as late.
        _token_machines[token] = _machine.get()
        while len(_token_machines) > _REMEMBERED_TOKENS:
            _token_machines.pop(next(iter(_token_machines)), None)
        return callback(resource, data, token, definition)

    stepfunctions._execute_task = execute_task
    stepfunctions._invoke_with_callback = invoke_with_callback


def _assume_role_problem(request: HttpRequest) -> Any:
    arn = request.text("RoleArn")
    account = iam_evaluator._account_from_arn(arn) or ""
    role = iam._roles.get_scoped(account, None, arn.rsplit("/", 1)[-1])
    if role is not None and role["Arn"] != arn:
        message = f"User is not authorized to perform: sts:AssumeRole on resource: {escape(arn)}"
        return sts._error(403, "AccessDenied", message, ns="sts")
    asked = int(request.text("DurationSeconds") or 0)
    chained = sts._sessions.get(extract_access_key_id(request.headers), {}).get("PrincipalType") == "AssumedRole"
    if chained and asked > _CHAINED_SECONDS:
        return sts._error(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ns="sts",
        )
    if role is not None and asked > int(role.get("MaxSessionDuration") or _CHAINED_SECONDS):
        return sts._error(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ns="sts",
        )
    return None


def _wrap_assume_role() -> None:
    handle = sts.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        request = HttpRequest("sts", method, path, headers, body, query)
        problem = _assume_role_problem(request) if request.text("Action") == "AssumeRole" else None
        return problem or await handle(method, path, headers, body, query)

    sts.handle_request = handle_request
