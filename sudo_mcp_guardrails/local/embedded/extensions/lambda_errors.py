"""Gap: an exception of a Python function is reported as Runtime.HandlerError, whatever its class.

The answer has the exception's own class as `errorType`, with its stack trace, so that Retry and Catch of Step Functions
match it; a function that cannot be imported, or ended, has Lambda's own `Runtime.` names. A task reports a function's
timeout or death as Lambda.Unknown, a throttle as Lambda.TooManyRequestsException, and a missing permission as
Lambda.AWSLambdaException. A function that raised keeps its environment for the next call.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

_SENT = '"status": "error", "error": str(e), "trace": traceback.format_exc()'
_SENT_INSTEAD = (
    '"status": "ok", "result": None, "raised": '
    '{"errorMessage": str(e), "errorType": type(e).__name__, "requestId": _ms_ctx.get("request_id", ""), '
    '"stackTrace": traceback.format_tb(e.__traceback__)}'
)
_INIT = '"status": "error", "error": str(e)})'
_INIT_INSTEAD = '"status": "error", "error": type(e).__name__ + ": " + str(e)})'
_INIT_TYPES = {
    "ImportError": "Runtime.ImportModuleError",
    "ModuleNotFoundError": "Runtime.ImportModuleError",
    "AttributeError": "Runtime.HandlerNotFound",
    "SyntaxError": "Runtime.UserCodeSyntaxError",
    "IndentationError": "Runtime.UserCodeSyntaxError",
}
_DIED = ("Worker process died", "Worker process exited immediately", "Worker returned no response")
# Step Functions reports what Lambda, and not the function, ended as Lambda.Unknown.
_UNKNOWN = frozenset({"Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory"})

_raised: ContextVar[dict[str, Any] | None] = ContextVar("embedded_raised", default=None)


def install() -> None:
    """Let the worker say what was raised, and hand it on.

    Raises:
        RuntimeError: ministack's worker is another than this was written for.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_SENT) != 1 or script.count(_INIT) != 1:
        message = "ministack's Python worker reports errors in another way than this extension expects"
        raise RuntimeError(message)
    script = script.replace(_SENT, _SENT_INSTEAD).replace(_INIT, _INIT_INSTEAD)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script
    _wrap_worker()
    _wrap_function()
    stepfunctions._call_lambda = _wrapped_call(stepfunctions._call_lambda)


def _wrap_worker() -> None:
    invoke = lambda_runtime.Worker.invoke

    def invoke_and_note(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = invoke(self, *args, **kwargs)
        _raised.set(answer.pop("raised", None))
        return answer

    lambda_runtime.Worker.invoke = invoke_and_note


def _wrap_function() -> None:
    execute = lambda_svc._execute_function_warm

    def execute_and_name(func: Any, event: Any, request_id: str) -> Any:
        _raised.set(None)
        answer = execute(func, event, request_id)
        raised = _raised.get()
        if raised is not None and not answer.get("error"):
            trace = "".join(raised["stackTrace"])
            log = "\n".join(
                filter(None, [answer.get("log", ""), f"[ERROR] {raised['errorType']}: {raised['errorMessage']}", trace])
            )
            return {"body": raised, "error": True, "log": log}
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict):
            body["errorType"] = _named(str(body.get("errorType", "")), str(body.get("errorMessage", "")))
        return answer

    lambda_svc._execute_function_warm = execute_and_name


def _named(kind: str, message: str) -> str:
    """Lambda's name of an error that was not raised by the handler."""
    if message.startswith(_DIED):
        return "Runtime.ExitError"
    if kind in {"Runtime.HandlerError", "RuntimeError", "Exception"}:
        first = next((name for name in _INIT_TYPES if f"{name}: " in message), "")
        return _INIT_TYPES.get(first, "Runtime.Unknown")
    return kind


def _wrapped_call(call: Any) -> Any:
    def call_lambda(reference: Any, event: Any) -> Any:
        try:
            return call(reference, event)
        except stepfunctions._ExecutionError as error:
            if error.error in _UNKNOWN:
                error.error = "Lambda.Unknown"
            elif error.error == "Lambda.Unknown" and "TooManyRequestsException" in str(error.cause):
                error.error = "Lambda.TooManyRequestsException"
            raise

    return call_lambda
