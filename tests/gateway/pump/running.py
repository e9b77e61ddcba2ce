"""Guards and servers as processes, for the tests of the pump."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.gateway.conformance.suite import free_port, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
GUARD = [sys.executable, "-m", "sudo_mcp_guardrails.cli", "gateway", "--no-sandbox"]
"""The sandbox has its tests elsewhere, and takes time."""


def server(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(HERE / f"{name}.py"), *arguments]


@contextmanager
def listening(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    try:
        reachable(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@contextmanager
def guarded(name: str, *options: str) -> Iterator[tuple[str, str]]:
    """Run a server over HTTP and a guard before it; hand over both origins."""
    direct, front = free_port(), free_port()
    arguments = ["http", str(direct)] if name == "echo_server" else [str(direct)]
    url = f"http://127.0.0.1:{direct}"
    command = [*GUARD, *options, "--url", f"{url}/mcp", "--listen", f"127.0.0.1:{front}"]
    with listening(server(name, *arguments), direct), listening(command, front):
        yield url, f"http://127.0.0.1:{front}"


class Pipes:
    """A guard on pipes, spoken to line by line."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*GUARD, *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def say(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        for message in messages:
            raw = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the guard ended: {self.end()}")
        return json.loads(line)

    def end(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(30)
        said = self.process.stderr.read().decode()
        self.process.stderr.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code, said
