"""Gap: a task token of ministack can be answered twice or too late, and TimeoutSeconds may be no expression.

The first answer to a token counts; every later one, and one after the task timed out or its execution was stopped, is
refused with TaskTimedOut, and a text that is no token with InvalidToken. Each attempt of a task has a token of its own.
TimeoutSeconds and HeartbeatSeconds may be JSONata or a path, a missing heartbeat ends the task, and a Lambda function
that fails before anybody could answer fails its task. A stopped execution stays stopped.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import stepfunctions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_OUTPUT = 262_144  # bytes of UTF-8
_LONGEST_SECONDS = 99_999_999
_REMEMBERED = 100_000  # tokens that ended; an older one is answered as one that never was
_TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What decides an answer against a timeout; the token's own event is only the bell.
_lock = threading.Lock()
_ended: OrderedDict[str, None] = OrderedDict()
_waiting: dict[str, set[str]] = {}
_execution: ContextVar[str] = ContextVar("embedded_waiting_execution", default="")
_task_context: ContextVar[Any] = ContextVar("embedded_task_context", default=MappingProxyType({}))


def install() -> None:
    """Replace the wait for a token, and what answers it."""
    execute, stop, fail = stepfunctions._execute_task, stepfunctions._stop_execution, stepfunctions._fail_execution

    def execute_task(definition: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        _execution.set(str((execution or {}).get("executionArn", "")))
        _task_context.set(ctx)
        try:
            timed = _with_times(definition, raw_input, ctx)
        except stepfunctions._ExecutionError as error:
            return _caught(definition, raw_input, ctx, error)
        return execute(timed, raw_input, execution, ctx)

    def stop_execution(data: Any) -> Any:
        answer = stop(data)
        for token in sorted(_waiting.get(str(data.get("executionArn", "")), ())):
            info = stepfunctions._task_tokens.get(token)
            if info is not None:
                info["event"].set()
        return answer

    def fail_execution(execution: Any, error: Any, cause: Any) -> None:
        if execution.get("status") == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._execute_task = execute_task
    stepfunctions._stop_execution = stop_execution
    stepfunctions._fail_execution = fail_execution
    stepfunctions._invoke_with_callback = _invoke_with_callback
    stepfunctions._send_task_success = _send_task_success
    stepfunctions._send_task_failure = _send_task_failure
    stepfunctions._send_task_heartbeat = _send_task_heartbeat


def _with_times(definition: Any, raw_input: Any, ctx: Any) -> Any:
    """The state with TimeoutSeconds and HeartbeatSeconds as whole numbers."""
    found: dict[str, Any] = {}
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        if field in definition:
            if stepfunctions._state_query_language(definition, ctx) == "JSONata":
                found[field] = stepfunctions._jsonata_state_field(definition, field, "number", raw_input, ctx)
            else:
                found[field] = definition[field]
        elif f"{field}Path" in definition:
            found[field] = stepfunctions._resolve_path_or_ctx(definition[f"{field}Path"], raw_input, ctx)
    for field, value in found.items():
        whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
        if not whole or not 0 < value <= _LONGEST_SECONDS:
            cause = f"The {field} field must be a positive integer but was: {json.dumps(value)}"
            raise stepfunctions._ExecutionError(
                "States.QueryEvaluationError"
                if stepfunctions._state_query_language(definition, ctx) == "JSONata"
                else "States.Runtime",
                cause,
            )
    return {**definition, **found} if found else definition


def _caught(definition: Any, raw_input: Any, ctx: Any, error: Any) -> Any:
    catcher = stepfunctions._find_matching_catcher(definition.get("Catch", []), error.error)
    if catcher is None:
        raise error
    language = stepfunctions._state_query_language(definition, ctx)
    told = {"Error": error.error, "Cause": error.cause}
    return stepfunctions._apply_catcher(catcher, raw_input, ctx, language, told), catcher["Next"]


def _invoke_with_callback(resource: str, data: Any, token: str, definition: Any) -> Any:
    """Make the call that carries the token, and wait for its answer, its timeout, or the execution's stop."""
    execution = _execution.get()
    info: dict[str, Any] = {"event": threading.Event(), "result": None, "error": None, "heartbeat": time.monotonic()}
    stepfunctions._task_tokens[token] = info
    _waiting.setdefault(execution, set()).add(token)
    started = time.monotonic()
    try:
        # Not the name in `stepfunctions`: that is authorized already, and this call is a part of the same task.
        _perform(resource.replace(".waitForTaskToken", ""), data)
        _wait(info, definition, started, execution)
    finally:
        with _lock:
            stepfunctions._task_tokens.pop(token, None)
            _ended[token] = None
            while len(_ended) > _REMEMBERED:
                _ended.popitem(last=False)
        left = _waiting.get(execution, set())
        left.discard(token)
        if not left:
            _waiting.pop(execution, None)
    # An answer that came before the token was taken back counts, whatever the clock said meanwhile.
    if info["error"] is None and info["result"] is not None:
        return json.loads(info["result"])
    # The next attempt of this task, if there is one, hands out a token of its own.
    ctx = _task_context.get()
    if ctx:
        ctx["Task"] = {"Token": new_uuid()}
    if info["error"] is not None:
        raise stepfunctions._ExecutionError(info["error"]["Error"], info["error"]["Cause"])
    raise stepfunctions._ExecutionError(*info.get("ended", ("States.Timeout", "Task timed out")))


_stock_invoke: Callable[[str, Any], Any] = stepfunctions._invoke_resource


def _perform(resource: str, data: Any) -> None:
    _stock_invoke(resource, data)


def _wait(info: dict[str, Any], definition: Mapping[str, Any], started: float, execution: str) -> None:
    limit = started + float(definition.get("TimeoutSeconds", _LONGEST_SECONDS))
    beat = definition.get("HeartbeatSeconds")
    while True:
        until = limit if beat is None else min(limit, info["heartbeat"] + float(beat))
        left = until - time.monotonic()
        # A lock cannot be waited for longer than threading.TIMEOUT_MAX, which a year is well below.
        if left > 0 and info["event"].wait(timeout=left):
            if (stepfunctions._executions.get(execution) or {}).get("status") == "ABORTED":
                info["ended"] = ("States.Runtime", "The execution was stopped")
            return
        if time.monotonic() >= limit:
            info["ended"] = ("States.Timeout", "Task timed out waiting for callback")
            return
        if beat is not None and time.monotonic() >= info["heartbeat"] + float(beat):
            info["ended"] = ("States.HeartbeatTimeout", "Task sent no heartbeat in time")
            return


def _answer(data: Any, settle: Callable[[dict[str, Any]], None]) -> Any:
    token = data.get("taskToken")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
    with _lock:
        info = stepfunctions._task_tokens.get(token)
        if info is None and token not in _ended:
            return error_response_json("TaskDoesNotExist", "Task does not exist", 400)
        if info is None or info["result"] is not None or info["error"] is not None or info["event"].is_set():
            message = "Task Timed Out: 'Provided task does not exist anymore'"
            return error_response_json("TaskTimedOut", message, 400)
        settle(info)
    return json_response({})


def _send_task_success(data: Any) -> Any:
    output = data.get("output")
    try:
        json.loads(output)
        fits = len(output.encode()) <= LONGEST_OUTPUT
    except (TypeError, ValueError):
        fits = False
    if not fits:
        return error_response_json("InvalidOutput", "Invalid Output: 'Unexpected or too long output'", 400)

    def settle(info: dict[str, Any]) -> None:
        info["result"] = output
        info["event"].set()

    return _answer(data, settle)


def _send_task_failure(data: Any) -> Any:
    def settle(info: dict[str, Any]) -> None:
        info["error"] = {"Error": data.get("error") or "States.TaskFailed", "Cause": data.get("cause") or ""}
        info["event"].set()

    return _answer(data, settle)


def _send_task_heartbeat(data: Any) -> Any:
    def settle(info: dict[str, Any]) -> None:
        info["heartbeat"] = time.monotonic()

    return _answer(data, settle)
