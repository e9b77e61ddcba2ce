"""An embedded AWS that outlives the command that started it: `mcp-guardrails local up`.

One a user. What runs is written to a state file in the cache: the pid with the process's start time, so that a pid
that was given to another process since is never taken for the server.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.local.embedded import process
from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.local.embedded.launcher import START_SECONDS
from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK

if TYPE_CHECKING:
    from collections.abc import Callable

_STOP_SECONDS = 10.0
_LOCK_SECONDS = 120.0


@dataclass(frozen=True)
class Running:
    """The server that the state file names.

    Attributes:
        pid: its process id, which is its process group's too.
        started: the operating system's own mark of when that process started; no fixed unit.
        port: its loopback port.
        log: path of its log.
    """

    pid: int
    started: str
    port: int
    log: str

    @property
    def endpoint_url(self) -> str:
        """Where every service answers."""
        return f"http://{process.LOOPBACK}:{self.port}"


def folder() -> Path:
    """Where the state file, the log and the server's own files are."""
    return cache_dir() / "local"


def up(*, port: int | None = None, report: Callable[[str], None], python: Path | None = None) -> Running:
    """Start the server unless it runs already, check it, and return it.

    Args:
        port: loopback port; a free one when left out.
        report: told, in one line each, about steps that take time.
        python: interpreter of ministack's environment; the one in the user's cache when left out.

    Raises:
        EmbeddedAwsError: it cannot be started, or runs on another port than the one asked for.
    """
    with exclusive(folder() / "up.lock", timeout=_LOCK_SECONDS, report=report):
        running = status()
        if running is not None:
            if port not in (None, running.port):
                msg = f"the embedded AWS runs on port {running.port} already; run mcp-guardrails local down first"
                raise EmbeddedAwsError(msg)
            return running
        return _start(port, report, python or ensure_environment(MINISTACK, report=report))


def status() -> Running | None:
    """The server that runs, or None; a state file that a crash or a restart left behind counts as none.

    Raises:
        EmbeddedAwsError: the state file cannot be understood.
    """
    path = _state_file()
    try:
        running = Running(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        msg = f"the state file {path} cannot be understood ({error}); remove it, and end the server by hand if it runs"
        raise EmbeddedAwsError(msg) from error
    return running if start_mark(running.pid) == running.started else None


def down() -> Running | None:
    """Kill the server with its Lambda workers, wait for its end, and return what ran, None where nothing did.

    Raises:
        EmbeddedAwsError: it did not end.
    """
    running = status()
    if running is not None:
        process.end_group(running.pid)
        deadline = time.monotonic() + _STOP_SECONDS
        while start_mark(running.pid) == running.started:
            if time.monotonic() > deadline:
                msg = f"the embedded AWS (pid {running.pid}) did not end within {_STOP_SECONDS:g} s of a kill"
                raise EmbeddedAwsError(msg)
            time.sleep(0.02)
    _state_file().unlink(missing_ok=True)
    shutil.rmtree(folder() / "state", ignore_errors=True)
    return running


def _start(port: int | None, report: Callable[[str], None], python: Path) -> Running:
    from sudo_mcp_guardrails.local.embedded.selftest import run_self_test  # noqa: PLC0415 - boto3 is slow to import

    state = folder() / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    log = process.log_file(state)
    with process.open_socket(port) as listening:
        chosen = listening.getsockname()[1]
        server = process.start_server(python, listening, state, keep_running=True)
    try:
        process.wait_until_healthy(server, chosen, log, timeout=START_SECONDS)
        running = Running(server.pid, start_mark(server.pid), chosen, str(log))
        run_self_test(running.endpoint_url, report=report)
        _state_file().write_text(json.dumps(asdict(running)), encoding="utf-8")
    except BaseException:
        process.end_server(server)
        raise
    # It is meant to outlive this process, so Popen must not warn that it does.
    server.returncode = 0
    return running


def _state_file() -> Path:
    return folder() / "running.json"


def start_mark(pid: int) -> str:
    """When the process started, as the operating system writes it; empty where there is no such living process."""
    proc = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = proc.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return ""
        # Field 3 is the state and field 22 the start in clock ticks; a zombie (Z) has ended.
        return "" if fields[0] == "Z" else fields[19]
    ps = shutil.which("ps") or "ps"
    done = subprocess.run(
        [ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return done.stdout.strip()
