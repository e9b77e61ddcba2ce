"""What stands between the client and the server, each started as its own documentation says."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment

ROOT: Final = Path(__file__).parents[2]

MCP: Final = ToolEnvironment("mcp", ("mcp==2.3.0",))
FASTMCP: Final = ToolEnvironment("fastmcp", ("fastmcp==4.1.2",))
CONTEXTFORGE: Final = ToolEnvironment("contextforge", ("mcp-contextforge-gateway==1.0.7.post20260921",))
_SECONDS: Final = 120.0
_FASTMCP: Final = """
import sys
from fastmcp.server import create_proxy
how, *rest = sys.argv[1:]
target = rest[0] if len(rest) == 1 else {"mcpServers": {"x": {"command": rest[0], "args": rest[1:]}}}
proxy = create_proxy(target)
if how == "stdio":
    proxy.run("stdio", show_banner=False, log_level="ERROR")
else:
    proxy.run("http", host="127.0.0.1", port=int(how), path="/mcp", show_banner=False, log_level="ERROR")
"""


class SkippedError(Exception):
    """A front that cannot be measured here, and why."""


@dataclass
class Front:
    """One way between client and server.

    Attributes:
        name: As the report says it.
        eras: It speaks.
        url: Where it listens, over HTTP.
        command: How it starts, on pipes.
        token: That it wants.
        processes: Of it.
    """

    name: str
    url: str = ""
    command: list[str] = field(default_factory=list)
    token: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)


def own(*what: str) -> list[str]:
    """Return the command that runs one of the servers here, in an environment that can be pinned.

    Raises:
        SkippedError: That environment cannot be made.
    """
    return [_installed(MCP), str(ROOT / "benchmarks" / "gateway" / "servers.py"), *what]


def guard(*options: str) -> list[str]:
    """Return the command that runs the guard."""
    return [sys.executable, "-m", "sudo_mcp_guardrails.cli", "gateway", *options]


def piped(name: str, folder: Path) -> Front:
    """Return a front on pipes.

    Raises:
        SkippedError: It cannot be installed.
    """
    server = own("echo", "stdio")
    commands = {
        "no proxy": lambda: server,
        "bare pump": lambda: [*guard("--no-checks"), "--", *server],
        "guard": lambda: [*guard(*checks(folder, server, "")), "--", *server],
        "`mcp` SDK proxy": lambda: [*own("proxy", "stdio"), *server],
        "`fastmcp` proxy": lambda: [_installed(FASTMCP), "-c", _FASTMCP, "stdio", *server],
    }
    if name not in commands:
        raise SkippedError("it has no front on pipes")
    return Front(name, command=commands[name]())


def posted(name: str, server: str, port: int, folder: Path) -> Front:
    """Start a front over HTTP before the server at a URL.

    Raises:
        SkippedError: It cannot be installed, or does not start.
    """
    url = f"http://127.0.0.1:{port}/mcp"
    listen = ("--url", server, "--listen", f"127.0.0.1:{port}")
    if name == "no proxy":
        return Front(name, server)
    if name == "ContextForge":
        return _contextforge(server, port, folder)
    commands = {
        "bare pump": lambda: guard("--no-checks", *listen),
        "guard": lambda: guard(*checks(folder, [], server), *listen),
        "`mcp` SDK proxy": lambda: own("proxy", str(port), server),
        "`fastmcp` proxy": lambda: [_installed(FASTMCP), "-c", _FASTMCP, str(port), server],
    }
    front = Front(name, url)
    front.processes.append(subprocess.Popen(commands[name](), cwd=ROOT, stderr=log_of(folder, name)))
    wait_for(url, front)
    return front


def wait_for(url: str, front: Front) -> None:
    """Wait until a URL answers anything at all.

    Raises:
        SkippedError: It does not.
    """
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        if any(process.poll() is not None for process in front.processes):
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    stop(front)
    raise SkippedError(f"{front.name} does not start")


def stop(front: Front) -> None:
    """End a front's processes."""
    for process in front.processes:
        process.terminate()
    for process in front.processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # noqa: PERF203 - each has its own end
            process.kill()
            process.wait(20)


def checks(folder: Path, command: list[str], url: str) -> list[str]:
    """Return the options of a guard with every check on: pins, results, the decision with rules, taint, records.

    The server is pinned first, and its tool labelled as one that reads; rules are 200, as the issue has them.
    """
    from benchmarks.gateway.whole import options  # noqa: PLC0415 - it needs the extra

    return options(folder, command, url)


def log_of(folder: Path, name: str) -> int:
    """Return where a front says what is wrong with it."""
    return os.open(folder / f"{''.join(filter(str.isalnum, name))}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def said(folder: Path, name: str) -> str:
    """Return the last that a front said."""
    path = folder / f"{''.join(filter(str.isalnum, name))}.log"
    return path.read_text(encoding="utf-8", errors="replace").strip()[-300:] if path.is_file() else ""


def _installed(environment: ToolEnvironment) -> str:
    try:
        return str(ensure_environment(environment))
    except Exception as error:
        raise SkippedError(f"{environment.name} does not install: {error}") from error


def _contextforge(server: str, port: int, folder: Path) -> Front:
    python, key = _installed(CONTEXTFORGE), secrets.token_hex(32)
    variables = {
        "DATABASE_URL": f"sqlite:///{folder / 'contextforge.db'}",
        "JWT_SECRET_KEY": key,
        "AUTH_ENCRYPTION_SECRET": key,
        "PLATFORM_ADMIN_EMAIL": "admin@example.com",
        "PLATFORM_ADMIN_PASSWORD": secrets.token_hex(16),
        "PLUGINS_ENABLED": "false",
        "MCPGATEWAY_UI_ENABLED": "false",
        "MCPGATEWAY_ADMIN_API_ENABLED": "false",
        "SSRF_ALLOW_LOCALHOST": "true",
        "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
        "TOOL_RATE_LIMIT": "1000000",
        "RATE_LIMITING_ENABLED": "false",
        "LOG_LEVEL": "ERROR",
        "REQUIRE_TOKEN_EXPIRATION": "false",
        "CACHE_TYPE": "memory",
    }
    environment = {**os.environ, **variables}
    make = [python, "-m", "mcpgateway.utils.create_jwt_token", "--username", "admin@example.com", "--exp", "600"]
    made = subprocess.run(
        [*make, "--secret", key, "--admin"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if made.returncode or not made.stdout.strip():
        raise SkippedError(f"ContextForge makes no token: {made.stderr.strip()[-200:]}")
    token = made.stdout.strip().splitlines()[-1]
    origin = f"http://127.0.0.1:{port}"
    front = Front("ContextForge", f"{origin}/mcp/", token=token)
    serve = [python, "-m", "uvicorn", "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(port)]
    front.processes.append(
        subprocess.Popen(
            [*serve, "--log-level", "error", "--no-access-log"],
            cwd=folder,
            env=environment,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    )
    wait_for(f"{origin}/health", front)
    body = json.dumps({"name": "bench", "url": server, "transport": "STREAMABLEHTTP"}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        urllib.request.urlopen(urllib.request.Request(f"{origin}/gateways", body, headers), timeout=60).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        stop(front)
        raise SkippedError(f"ContextForge takes no server: {error.code} {error.read()[:200]!r}") from error
    return front
