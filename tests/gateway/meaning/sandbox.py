"""The recorder as a process, and whether what it noted was declared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE

if TYPE_CHECKING:
    from typing_extensions import Self

    from sudo_mcp_guardrails.gateway.meaning.script import Script

NAMED = {"service_name", "operation_name", "region_name", "params"}


class Sandbox:
    """Runs scripts beside the tests."""

    def __enter__(self) -> Self:
        command = [sys.executable, str(Path(__file__).with_name("recorder.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def run(self, code: str) -> list[dict[str, Any]]:
        """What the script called, as a module and as a function."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"code": code}) + "\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return found


def missing(script: Script, run: dict[str, Any]) -> list[Any]:
    """Calls of a run that the script did not declare, or made more often than it said."""
    found = [call for call in run["calls"] if not any(_is(each, *call) for each in script.calls)]
    names = {(call[1].get("service_name"), call[1].get("operation_name")) for call in run["calls"]}
    for name in names:
        bounds = [each.at_most for each in script.calls if (each.service, each.operation) == name]
        made = sum((c[1].get("service_name"), c[1].get("operation_name")) == name for c in run["calls"])
        if None not in bounds and made > sum(bound for bound in bounds if bound is not None):
            found.append(("too often", name, made, bounds))
    return found


def _is(declared: Any, args: list[Any], given: dict[str, Any]) -> bool:
    if args or not set(given) <= NAMED:
        return False
    if (declared.service, declared.operation) != (given.get("service_name"), given.get("operation_name")):
        return False
    if declared.region != (given.get("region_name") or ""):
        return False
    parameters = given.get("params") or {}
    if not declared.complete and isinstance(parameters, dict):
        parameters = {name: item for name, item in parameters.items() if name in declared.parameters}
    elif not declared.complete:
        return True
    return matches(dict(declared.parameters), parameters)


def matches(declared: Any, real: Any) -> bool:
    """Whether a value is what was declared of it."""
    if declared is HOLE:
        return True
    if isinstance(declared, dict):
        if not isinstance(real, dict) or not set(real) <= set(declared):
            return False
        return all(item is HOLE or (name in real and matches(item, real[name])) for name, item in declared.items())
    if isinstance(declared, (list, tuple)):
        same = isinstance(real, list) and len(real) == len(declared)
        return same and all(map(matches, declared, real))
    if isinstance(declared, bytes):
        return bool(repr(declared) == real)
    return type(declared) is type(real) and bool(declared == real)
