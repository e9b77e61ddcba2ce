"""How long a Lambda function takes to start on the embedded AWS, and how much memory its processes take."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError

_TEST: Final = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "none"}).encode()
"""A message with nothing to do, so that what takes time is the start: the interpreter, boto3 and its clients."""


class MeasureError(GuardrailsError):
    """The function failed where its start should be measured."""


def peak_mb(function: str) -> float | None:
    """Return the most memory, in MB, that any process of a function of the embedded AWS has taken so far.

    Returns:
        None where there is no such process, or where processes cannot be looked at, as on macOS.
    """
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes():
                status = (folder / "status").read_text(encoding="utf-8")
                found += [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")]
        except OSError:  # noqa: PERF203 - processes end while they are looked at
            continue  # it ended, or is another user's
    return max(found, default=None)


def start_ms(functions: Any, function: str) -> tuple[float, float]:  # noqa: ANN401 - boto3 has no types
    """Return the milliseconds of a function's first invocation, with its start, and of its second, which has none.

    Nothing else may invoke it meanwhile. Setting its memory anew ends its processes, as a change at AWS does.

    Args:
        functions: boto3's client of Lambda.
        function: its name.

    Raises:
        MeasureError: an invocation failed.
    """
    memory = functions.get_function_configuration(FunctionName=function)["MemorySize"]
    functions.update_function_configuration(FunctionName=function, MemorySize=memory)
    functions.get_waiter("function_updated_v2").wait(
        FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    return _invoked(functions, function), _invoked(functions, function)


def _invoked(functions: Any, function: str) -> float:  # noqa: ANN401 - as above
    started = time.perf_counter()
    answer = functions.invoke(FunctionName=function, Payload=_TEST)
    body = answer["Payload"].read()
    if answer.get("FunctionError"):
        raise MeasureError(f"function {function!r} failed: {body[:300].decode('utf-8', 'replace')}")
    return (time.perf_counter() - started) * 1000
