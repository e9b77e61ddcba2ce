"""Gap: StartExecution of ministack refuses a name that exists, also where AWS takes it for the same request again.

A standard workflow that still runs under the same name with the same input is answered as it was the first time; with
another input, or after its end, the name is refused.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import stepfunctions

from .attempts import PARTITION


def install() -> None:
    """Answer a repeated start."""
    start = stepfunctions._start_execution

    def start_execution(data: Any) -> Any:
        running = _running(data)
        if running is not None:
            return json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})
        return start(data)

    stepfunctions._start_execution = start_execution


def _running(data: dict[str, Any]) -> Any:
    machine = str(data.get("stateMachineArn", "")).rpartition(":stateMachine:")[2].split(":")[0].split("#")[0]
    arn = f"arn:{PARTITION}:states:{get_region()}:{get_account_id()}:execution:{machine}:{data.get('name')}"
    found = stepfunctions._executions.get(arn) if data.get("name") else None
    if found is None or found["status"] != "RUNNING":
        return None
    return found if _same(found["input"], data.get("input", "{}")) else None


def _same(one: str, other: str) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other
