"""What stands before a function of the workflow in these tests: it lets one invocation die where a test says so.

A test puts a file into the folder `FAULTS`, named `<function>.<operation>.<approval>` (of a proposal: its token), with
`{"at", "after", "how"}`: the number of the call of AWS's API at which the function dies, whether before or after it was
made, and whether by an error or with its whole process. Number 0 is the beginning. What died removes its file first, so
that it dies once; a file with `"always"` stays. With `"answer"` the function answers that instead, with `"shift"` its
clock is that many seconds ahead. Where a file `calls` is there, each invocation writes down which calls it made.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import botocore.client

_MADE = botocore.client.BaseClient._make_api_call
_state: dict[str, Any] = {"fault": None, "file": Path(), "made": []}


def handler(event: dict[str, Any], context: object) -> Any:
    """Call the function itself, with the fault that is ordered for this invocation."""
    name = os.environ["WRAPPED"]
    operation = str(event.get("op") or event.get("requestContext", {}).get("http", {}).get("method") or "run")
    approval = str(event.get("approval") or event.get("input", {}).get("approval") or _asked_for(event))
    folder = Path(os.environ["FAULTS"])
    file = folder / f"{name.rpartition('_')[2]}.{operation}.{approval}"
    _state.update(fault=_ordered(file), file=file, made=[])
    _die(0, after=False)
    fault = _state["fault"] or {}
    if "answer" in fault:
        return fault["answer"]
    try:
        module = importlib.import_module(name)
        if "shift" in fault:
            shifted = importlib.import_module("sudo_mcp_guardrails.handlers.approval_settings").Workplace(
                clock=lambda: time.time() + fault["shift"]
            )
            return module.handler(event, context, shifted)
        return module.handler(event, context)
    finally:
        _state["fault"] = None
        if (folder / "calls").exists():
            with file.with_name(f"{file.name}.calls").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(_state["made"]) + "\n")


def _asked_for(event: dict[str, Any]) -> str:
    """Return the approval that a request is about; of a proposal its token."""
    found = re.search(r"apr-[0-9A-Z]{26}", str(event.get("rawPath", "")))
    if found:
        return found[0]
    try:
        return str(json.loads(event.get("body") or "{}").get("token", "any"))
    except (AttributeError, ValueError):
        return "any"


def _ordered(file: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def _die(number: int, *, after: bool) -> None:
    fault = _state["fault"]
    if fault is None or fault.get("at") != number or fault.get("after", False) != after:
        return
    if not fault.get("always"):
        _state["file"].unlink()
    if fault.get("how") == "process":
        os._exit(1)
    raise RuntimeError(f"told to die at call {number}")


def _make_api_call(self: Any, operation: str, parameters: Any) -> Any:
    _state["made"].append(f"{self.meta.service_model.service_name}:{operation}")
    number = len(_state["made"])
    _die(number, after=False)
    answer = _MADE(self, operation, parameters)
    _die(number, after=True)
    return answer


botocore.client.BaseClient._make_api_call = _make_api_call
