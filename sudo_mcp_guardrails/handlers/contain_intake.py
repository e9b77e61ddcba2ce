"""Take in what people ask to be contained or restored: who they are is what AWS verified, and nothing they say.

A function URL with IAM authentication. ``POST /`` with a request starts the state machine and answers its execution;
``POST /plan`` answers the steps and starts nothing; ``GET /executions/<name>`` tells how far one is. Who may contain,
and who may restore, is said at deployment, by patterns of ARNs.

Environment: as :mod:`~sudo_mcp_guardrails.handlers.contain_tools`, and ``STATE_MACHINE`` and ``CALLERS`` (JSON: a list
of ``pattern`` and ``restores``).
"""

from __future__ import annotations

import base64
import fnmatch
import json
import logging
import os
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.handlers.contain import planned
from sudo_mcp_guardrails.handlers.contain_tools import estate_of, read_settings
from sudo_mcp_guardrails.response.estate import check_responder
from sudo_mcp_guardrails.response.plan import show
from sudo_mcp_guardrails.response.requests import CONTAIN, RESTORE, read_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.response.requests import Request
    from sudo_mcp_guardrails.response.settings import ResponseSettings

MAX_BODY: Final = 65_536
_EXECUTION: Final = re.compile(r"/executions/(?P<name>[A-Za-z0-9-]{1,80})")
_POST: Final = frozenset({"/", "/plan"})

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


class Refusal(Exception):  # noqa: N818 - it is an answer and not a failure
    """A request that is not taken, with the HTTP status and the reason for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def handler(
    event: dict[str, Any],
    _context: object,
    stepfunctions: Any = None,  # noqa: ANN401 - of boto3
    settings: ResponseSettings | None = None,
) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: A function URL's event, payload format 2.0.
        stepfunctions: Client of Step Functions; made when left out.
        settings: Of the deployment; read when left out.
    """
    caller = "unknown"
    try:
        caller = _caller(event)
        method, path = _route(event)
        if method == "GET":
            _allowed(caller, CONTAIN)
            status, answer = 200, _shown(path, stepfunctions or _made())
        else:
            request = _wish(event, caller)
            _allowed(caller, request.op)
            status, answer = _taken(request, path, stepfunctions, settings or read_settings())
    except Refusal as refusal:
        _say("refused", caller=caller, reason=str(refusal))
        return _answer(refusal.status, {"error": str(refusal)})
    _say("answered", caller=caller, path=path)
    return _answer(status, answer)


def _caller(event: dict[str, Any]) -> str:
    """Return the ARN that AWS verified."""
    try:
        return str(event["requestContext"]["authorizer"]["iam"]["userArn"])
    except (KeyError, TypeError):
        raise Refusal(403, "the caller is not authenticated by IAM") from None


def _route(event: dict[str, Any]) -> tuple[str, str]:
    method = str(event["requestContext"].get("http", {}).get("method", ""))
    path = str(event.get("rawPath", ""))
    if not (path in _POST if method == "POST" else method == "GET" and _EXECUTION.fullmatch(path)):
        raise Refusal(404, "allowed are POST /, POST /plan and GET /executions/<name>, nothing else")
    return method, path


def _allowed(caller: str, op: str) -> None:
    """Refuse whom nobody named: any responder may contain, and those may restore of whom that was said."""
    for entry in json.loads(os.environ["CALLERS"]):
        known = fnmatch.fnmatchcase(caller, entry["pattern"].replace("[", "[[]"))
        if known and (entry["restores"] or op != RESTORE):
            return
    raise Refusal(403, f"{caller} may not {op} agents")


def _wish(event: dict[str, Any], caller: str) -> Request:
    text = event.get("body") or ""
    if len(text) > MAX_BODY:
        raise Refusal(413, f"the body has {len(text)} characters, allowed are {MAX_BODY}")
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError):  # the latter for thousands of open brackets
        raise Refusal(400, "the body is not JSON") from None
    if isinstance(body, dict) and {"by", "at"} & set(body):
        raise Refusal(400, "the body has by or at, allowed: neither, since AWS says who asks and the clock when")
    try:
        return read_request(body, by=caller, at=int(time.time()))
    except GuardrailsError as error:
        raise Refusal(400, str(error)) from None


def _taken(
    request: Request,
    path: str,
    stepfunctions: Any,  # noqa: ANN401 - of boto3
    settings: ResponseSettings,
) -> tuple[int, dict[str, Any]]:
    """Show the plan, or start the execution; what could not be planned is refused before anything starts."""
    try:
        estate = estate_of(settings, os.environ)
        check_responder(request.by, estate.names)
        plan = planned(request, estate) if request.op == CONTAIN else None
    except GuardrailsError as error:
        raise Refusal(400, str(error)) from None
    if path == "/plan":
        if plan is None:
            raise Refusal(400, "a restoration is not planned beforehand, allowed: a request to contain")
        return 200, {"plan": json.loads(show(plan))}
    name = f"{request.op}-{int(time.time())}-{secrets.token_hex(8)}"
    (stepfunctions or _made()).start_execution(
        stateMachineArn=os.environ["STATE_MACHINE"], name=name, input=json.dumps(request.document())
    )
    return 202, {"execution": name, "incident": request.incident}


def _shown(path: str, stepfunctions: Any) -> dict[str, Any]:  # noqa: ANN401 - of boto3
    found = _EXECUTION.fullmatch(path)
    name = found["name"] if found else ""
    arn = f"{os.environ['STATE_MACHINE'].replace(':stateMachine:', ':execution:')}:{name}"
    try:
        answer: Mapping[str, Any] = stepfunctions.describe_execution(executionArn=arn)
    except Exception as error:
        response = getattr(error, "response", None)
        if isinstance(response, dict) and response.get("Error", {}).get("Code") == "ExecutionDoesNotExist":
            raise Refusal(404, f"execution {name!r} is not there") from None
        raise
    return {
        "status": answer["status"],
        "output": json.loads(answer.get("output") or "{}"),
        "error": str(answer.get("error") or ""),
        "cause": str(answer.get("cause") or ""),
    }


def _made() -> Any:  # noqa: ANN401 - of boto3
    import boto3  # noqa: PLC0415 - slow to import

    return boto3.client("stepfunctions")


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def _say(outcome: str, **fields: str) -> None:
    _log.info(json.dumps({"containmentIntake": outcome, **fields}))
