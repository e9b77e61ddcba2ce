"""Runs scripts, each in a process of its own, with a `call_boto3` that only notes what it is asked for.

Reads one JSON object a line, ``{"code": …}``, and answers with one, ``{"calls": […], "error": …}``. Each script runs
twice where it can: as a module with `await` at its top, and as the body of a function, since nobody outside of AWS
knows which of both the real sandbox does.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import json
import os
import signal
import sys
import types
from typing import Any

DUMPS = json.dumps
"""Kept apart: a script may put something else in its place."""
SECONDS = 3
MOST = 5_000


class Answer(dict[str, Any]):
    """What any call answers: lists of one thing, texts, and no second page."""

    def __missing__(self, key: str) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        if any(word in key for word in ("Token", "Marker")):
            raise KeyError(key)
        if key in {"IsTruncated", "Truncated"}:
            return False
        if key.endswith("s"):
            return [Answer(), Answer()]
        return f"{key.lower()}-1"

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


def run(code: str, *, wrapped: bool) -> dict[str, Any]:
    calls: list[Any] = []

    async def call_boto3(*args: Any, **kwargs: Any) -> Answer:
        if len(calls) >= MOST:
            raise RuntimeError("too many calls")
        calls.append(json.loads(DUMPS([list(args), kwargs], default=repr)))
        await asyncio.sleep(0)
        return Answer()

    tree: Any = compile(code, "script", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    names = module.__dict__
    names["call_boto3"] = call_boto3
    error = ""
    try:
        if wrapped:
            function = ast.parse("async def script():\n    pass").body[0]
            function.body = tree.body or function.body  # type: ignore[attr-defined]
            whole = ast.fix_missing_locations(ast.Module([function], []))
            exec(compile(whole, "script", "exec", dont_inherit=True), names)  # noqa: S102 - this is what it is for
            made = names["script"]()
        else:
            made = eval(compile(tree, "script", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)  # noqa: S307 - as above
        if asyncio.iscoroutine(made):
            asyncio.run(made)
    except BaseException as stop:  # noqa: BLE001 - whatever a script does, what it called before counts
        error = f"{type(stop).__name__}: {stop}"[:200]
    return {"calls": calls, "error": error}


def apart(code: str, *, wrapped: bool) -> dict[str, Any]:
    """Run a script in a child, which it may leave in any state."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.signal(signal.SIGALRM, _stop)
        signal.alarm(SECONDS)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                found = run(code, wrapped=wrapped)
            except BaseException as stop:  # noqa: BLE001 - such as a text that is no Python
                found = {"calls": [], "error": f"{type(stop).__name__}: {stop}"[:200]}
        with os.fdopen(writing, "w") as pipe:
            pipe.write(DUMPS(found))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    answer: dict[str, Any] = json.loads(text) if text else {"calls": [], "error": "died"}
    return answer


def _stop(*_: Any) -> None:
    raise TimeoutError("too long")


def main() -> None:
    out = sys.stdout
    for line in sys.stdin:
        code = json.loads(line)["code"]
        out.write(DUMPS([apart(code, wrapped=False), apart(code, wrapped=True)]) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
