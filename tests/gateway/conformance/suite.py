"""Runs the official conformance suite against a server, and against the same behind the guard, check by check.

``python -m tests.gateway.conformance.suite`` prints what it finds, and exits 1 where a check is worse behind the guard.
The suite comes from npm into ``build/``, once.
"""

# ruff: noqa: T201 - it is a program too
from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.toolchain.node import ensure_node

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
ERAS: Final = ("2025-11-25", "2026-07-28")
SUITE: Final = "0.2.0-alpha.12"
STABLE: Final = "0.1.16"
_FOLDER: Final = ROOT / "build" / "conformance"
_STAMP: Final = re.compile(r"-\d{4}-\d{2}-\d{2}T.*\Z")
_TIMEOUT: Final = 240

Checks = dict[tuple[str, str], Counter[str]]


def installed(version: str) -> tuple[Path, Path]:
    """Return Node, and the suite's program of a version, installed on first use."""
    node = ensure_node()
    folder = _FOLDER / version
    program = folder / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    if not program.exists():
        assert node.npm_cli is not None, f"Node at {node.node} came without npm"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"name":"conformance","private":true}', encoding="utf-8")
        command = [
            str(node.node),
            str(node.npm_cli),
            "install",
            "--no-audit",
            f"@modelcontextprotocol/conformance@{version}",
        ]
        subprocess.run(command, cwd=folder, check=True, timeout=_TIMEOUT, stdout=subprocess.DEVNULL)
    return node.node, program


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def reachable(port: int, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until something listens."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


@contextmanager
def server_and_guard() -> Iterator[tuple[str, str]]:
    """Run the server, and a guard without checks before it; hand over both URLs."""
    direct, guarded = free_port(), free_port()
    guard = ["-m", "sudo_mcp_guardrails.cli", "gateway", "--no-checks", "--url", f"http://127.0.0.1:{direct}/mcp"]
    commands = (
        [sys.executable, str(Path(__file__).with_name("everything.py")), str(direct)],
        [sys.executable, *guard, "--listen", f"127.0.0.1:{guarded}"],
    )
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for command in commands]
    try:
        for port, process in zip((direct, guarded), running, strict=True):
            reachable(port, process)
        yield f"http://127.0.0.1:{direct}/mcp", f"http://127.0.0.1:{guarded}/mcp"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def checks(url: str, era: str, version: str = SUITE) -> Checks:
    """Return how often each check of each scenario came out how."""
    node, program = installed(version)
    found: Checks = {}
    which = ("--requirements", era) if version == SUITE else ("--spec-version", era)
    with tempfile.TemporaryDirectory() as out:
        command = [str(node), str(program), "server", "--url", url, *which, "-o", out]
        subprocess.run(command, check=False, timeout=_TIMEOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for file in Path(out).rglob("checks.json"):
            scenario = _STAMP.sub("", file.parent.name)
            for check in json.loads(file.read_text(encoding="utf-8")):
                found.setdefault((scenario, check["id"]), Counter())[check["status"]] += 1
    return found


def worse(direct: Checks, guarded: Checks) -> list[str]:
    """Return the checks that came out otherwise behind the guard, but for those that it made good."""
    return [
        f"{scenario} {check}: {dict(outcome)} without, {dict(guarded.get((scenario, check), Counter()))} with the guard"
        for (scenario, check), outcome in direct.items()
        if guarded.get((scenario, check), Counter())["SUCCESS"] < outcome["SUCCESS"]
        or guarded.get((scenario, check), Counter())["FAILURE"] > outcome["FAILURE"]
    ]


def totals(found: Checks) -> tuple[int, int]:
    """Return how many checks passed, and failed."""
    return sum(each["SUCCESS"] for each in found.values()), sum(each["FAILURE"] for each in found.values())


def main() -> int:
    code = 0
    with server_and_guard() as (direct, guarded):
        for era, version in ((ERAS[0], SUITE), (ERAS[1], SUITE), (ERAS[0], STABLE)):
            without, behind = checks(direct, era, version), checks(guarded, era, version)
            lines = worse(without, behind)
            print(f"{era} by {version}: {totals(without)} without, {totals(behind)} with the guard, {len(lines)} worse")
            for (scenario, check), outcome in without.items():
                if outcome["FAILURE"] and os.environ.get("VERBOSE"):
                    print(f"  fails without the guard: {scenario} {check}")
            for line in lines:
                print(f"  {line}")
            code |= bool(lines) or not without
    return code


if __name__ == "__main__":
    sys.exit(main())
