"""The server as an operating-system process: its socket, its start, its health and its end."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
SERVER = Path(__file__).parent / "server.py"
ERROR_PREFIX = "embedded-aws-error: "
_TAIL_LINES = 4
_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0


def open_socket(port: int | None) -> socket.socket:
    """A listening loopback socket that the server inherits; a free port where none is named.

    Raises:
        EmbeddedAwsError: the port is taken, or may not be used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted connections take this over; without it small answers wait 40 ms for the client's delayed ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((LOOPBACK, port or 0))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            msg = f"port {port} on {LOOPBACK} is in use; stop what listens there, or name another port, or none"
        else:
            msg = f"port {port} on {LOOPBACK} cannot be used ({error}); name one from 1024 to 65535, or none"
        raise EmbeddedAwsError(msg) from error
    return listening


def start_server(
    python: Path,
    listening: socket.socket,
    state: Path,
    *,
    without: Sequence[str] = (),
    keep_running: bool = False,
    wait_scale: float = 1.0,
) -> subprocess.Popen[bytes]:
    """Start ministack with the extensions; returns at once, before it answers.

    Args:
        python: interpreter of ministack's environment.
        listening: socket that it serves on; the caller closes its own copy afterwards.
        state: folder for its log, its temporary files and its home.
        without: extensions to leave out.
        wait_scale: what part of their time Wait states and retries of Step Functions wait.
        keep_running: outlive this process; otherwise the server ends, and removes `state`, when this process does.

    Raises:
        EmbeddedAwsError: the interpreter does not start.
    """
    port = listening.getsockname()[1]
    argv = [str(python), "-I", str(SERVER), "--fd", str(listening.fileno()), "--ministack", MINISTACK_VERSION]
    argv += ["--state", str(state)]
    if not keep_running:
        argv += ["--watch-stdin", "--remove-state"]
    with log_file(state).open("wb") as log:
        try:
            return subprocess.Popen(
                argv,
                env=server_environment(state, port, without, wait_scale),
                cwd=state,
                stdin=subprocess.DEVNULL if keep_running else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(listening.fileno(),),
                start_new_session=True,  # its own group: Ctrl-C is the launcher's to handle, and the group dies as one
            )
        except OSError as error:
            msg = (
                f"the embedded AWS cannot start {python} ({error.strerror}); "
                "remove that environment to have it made again"
            )
            raise EmbeddedAwsError(msg) from error


def log_file(state: Path) -> Path:
    """Where the server's output goes."""
    return state / "server.log"


def trail_files(state: Path) -> Path:
    """Where files are laid down for trails to deliver, in a folder named like the trail."""
    return state / "trail-files"


def lay_down(state: Path, trail: str, name: str, data: bytes) -> None:
    """Lay a file down for a trail.

    Raises:
        EmbeddedAwsError: a name is no plain file name.
    """
    for plain in (trail, name):
        if not plain or plain != Path(plain).name or plain.startswith("."):
            msg = f"name {plain!r} of a trail or its file is not allowed; give a plain name"
            raise EmbeddedAwsError(msg)
    folder = trail_files(state) / trail
    folder.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole: the server takes whatever has a name without a dot in front.
    (folder / f".{name}").write_bytes(data)
    (folder / f".{name}").replace(folder / name)


def server_environment(state: Path, port: int, without: Sequence[str], wait_scale: float = 1.0) -> dict[str, str]:
    """The server's whole environment: nothing of the user's AWS settings, proxies or Docker reaches it."""
    temporary = state / "tmp"
    home = state / "home"
    for folder in (temporary, home):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "MCP_GUARDRAILS_EMBEDDED_TRAIL_FILES": str(trail_files(state)),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(state / "state"),
        "S3_DATA_DIR": str(state / "s3"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "1",
        # Listeners on fixed ports, and containers of the user's Docker, are none of our business.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{state}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "SFN_WAIT_SCALE": f"{wait_scale:g}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MCP_GUARDRAILS_EMBEDDED_WITHOUT": ",".join(without),
    }


def answers(port: int, *, timeout: float = 1.0) -> bool:
    """Whether a server on that loopback port answers ministack's health request."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", "/_ministack/health")
        response = connection.getresponse()
        return response.status == http.client.OK and b'"services"' in response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path, *, timeout: float) -> None:
    """Return when the server answers.

    Raises:
        EmbeddedAwsError: it died, or gave no answer within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EmbeddedAwsError(death_message(process.returncode, log))
        if answers(port):
            return
        time.sleep(_POLL_SECONDS)
    msg = f"the embedded AWS gave no answer on port {port} within {timeout:g} s; its log ends with: {log_tail(log)}"
    raise EmbeddedAwsError(msg)


def death_message(code: int, log: Path) -> str:
    """Why the server ended: its own reason where it gave one, else the end of its log."""
    lines = _log_lines(log)
    reasons = [line.removeprefix(ERROR_PREFIX) for line in lines if line.startswith(ERROR_PREFIX)]
    if reasons:
        return f"the embedded AWS refused to start: {reasons[-1]}"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the embedded AWS ended with {how}; its log ends with: {log_tail(log)}"


def log_tail(log: Path) -> str:
    """The last lines of the log on one line, or a word that says there are none."""
    return " / ".join(_log_lines(log)[-_TAIL_LINES:]) or "nothing"


def _log_lines(log: Path) -> list[str]:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def end_group(pid: int) -> None:
    """Kill the process group of `pid` at once.

    Nothing is lost: all state is memory and a temporary folder, and ministack takes 31 s to end on SIGTERM.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def end_server(process: subprocess.Popen[bytes]) -> None:
    """Kill the server with its Lambda workers and wait for it; harmless when it is dead already."""
    end_group(process.pid)
    if process.stdin is not None:
        process.stdin.close()
    process.wait(timeout=_KILL_SECONDS)
