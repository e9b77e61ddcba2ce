"""Start a server under bubblewrap: what to execute, with what environment and descriptors, and how to clean up.

Bubblewrap starts with an empty environment of its own: with ``--clearenv`` alone, its process 1 would still hold the
guard's, and the server could read that from ``/proc/1/environ``. Root becomes nobody first, since no limit on processes
holds for root (``staging.py``). See bwrap(1) and user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.sandbox import forwarder
from sudo_mcp_guardrails.gateway.sandbox.available import require_sandbox, tool
from sudo_mcp_guardrails.gateway.sandbox.paths import SYSTEM, program_of, readable_paths, system_arguments
from sudo_mcp_guardrails.gateway.sandbox.profile import Profile
from sudo_mcp_guardrails.gateway.sandbox.proxy import Proxy
from sudo_mcp_guardrails.gateway.sandbox.seccomp import seccomp_filter
from sudo_mcp_guardrails.gateway.sandbox.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Sequence

HOME: Final = "/home/agent"
_SCRATCH: Final = ("/tmp", HOME, "/dev/shm")  # noqa: S108 - of the sandbox
_GUARD: Final = Path("/run/guard")
_SOCKET: Final = f"{_GUARD}/proxy"
_FORWARDER: Final = f"{_GUARD}/forwarder.py"
_PORT: Final = 8118
_SEARCH: Final = "/usr/local/bin:/usr/bin:/bin"
_FILES: Final = {
    "/etc/passwd": "agent:x:1000:1000::/home/agent:/usr/sbin/nologin\n",
    "/etc/group": "agent:x:1000:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass(slots=True)
class Launch:
    """A sandbox that is ready to be started, once.

    Execute :attr:`argv` with exactly :attr:`env` and with :attr:`fds` inherited under the same numbers, after
    :meth:`start`; call :meth:`close` when the server has ended.

    Attributes:
        argv: Program and arguments.
        env: Empty.
        fds: Descriptors to pass on, such as ``pass_fds`` of :mod:`subprocess` does.
        proxy: The way out; None without named hosts.
        folder: What is removed at the end.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    fds: tuple[int, ...]
    proxy: Proxy | None = None
    folder: Path | None = None
    _closed: bool = field(default=False, init=False)

    async def start(self) -> None:
        """Open the way out, on the running event loop. Nothing to do without named hosts."""
        if self.proxy is not None:
            await self.proxy.start()

    async def close(self) -> None:
        """Close the way out and the descriptors, and remove the socket. Safe to call twice."""
        if self.proxy is not None:
            await self.proxy.close()
        self.release()

    def release(self) -> None:
        """Do what :meth:`close` does where no event loop runs and :meth:`start` was never called."""
        if self._closed:
            return
        self._closed = True
        for number in self.fds:
            with contextlib.suppress(OSError):
                os.close(number)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def sandboxed(command: Sequence[str], profile: Profile | None = None) -> Launch:
    """Return how to start a command in a sandbox.

    Args:
        command: The server and its arguments. Its program, the virtual environment and interpreter behind it, and files
            among its arguments become readable.
        profile: What it may have; the strictest when left out.

    Raises:
        SandboxError: It cannot be sandboxed, or not here: no Linux, no bubblewrap 0.8 or later, no user namespaces.
            Never is anything weaker returned.
    """
    require_sandbox()
    return prepared(command, profile or Profile())


def prepared(command: Sequence[str], profile: Profile) -> Launch:
    """Do what :func:`sandboxed` does, without trying first whether it works here."""
    program = program_of(command)
    readable = [*readable_paths(command), *profile.readable]
    inner = [str(program), *(_absolute(word) for word in command[1:])]
    variables = _variables(program, profile)
    folder = Path(tempfile.mkdtemp(prefix="mcp-guardrails-"))
    staging = Staging(folder)
    proxy: Proxy | None = None
    binds: list[str] = []
    if profile.network:
        proxy, way_out, python = _way_out(folder, profile)
        binds += staging.bind(way_out, _GUARD)
        if not python.is_relative_to(SYSTEM):
            readable.append(Path(sys.base_prefix).resolve())
        inner = [str(python), "-I", "-S", _FORWARDER, _SOCKET, str(_PORT), *inner]
        variables |= dict.fromkeys(
            ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), f"http://127.0.0.1:{_PORT}"
        )
    for path in dict.fromkeys(readable):
        binds += staging.bind(path, path)
    for path in profile.writable:
        binds += staging.bind(path, path, writable=True)
    files = {place: _memory(text.encode()) for place, text in _FILES.items()}
    seccomp = _memory(seccomp_filter(platform.machine()))
    arguments = [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv"),
        *("--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--seccomp", str(seccomp)),
        *system_arguments(),
        *("--proc", "/proc", "--dev", "/dev"),
        *(word for place in _SCRATCH for word in ("--size", str(profile.scratch), "--tmpfs", place)),
        *(word for place, number in files.items() for word in ("--ro-bind-data", str(number), place)),
        *binds,
        *(word for name, value in variables.items() for word in ("--setenv", name, value)),
        *("--chdir", HOME, "--remount-ro", "/dev", "--remount-ro", "/"),
    ]
    given = _memory(b"".join(os.fsencode(word) + b"\0" for word in arguments))
    # Inside, where only the sandbox's own processes count against the limit.
    limits = [
        tool("prlimit"),
        *(f"--as={profile.memory}", f"--nproc={profile.processes}", f"--nofile={profile.files}"),
        *(f"--cpu={profile.cpu}", "--core=0", "--"),
    ]
    argv = (*staging.prefix(), tool("bwrap"), "--args", str(given), "--", *limits, *inner)
    return Launch(argv, {}, (*files.values(), seccomp, given), proxy, folder)


def _variables(program: Path, profile: Profile) -> dict[str, str]:
    return {
        "PATH": f"{program.parent}:{_SEARCH}",
        "HOME": HOME,
        "TMPDIR": _SCRATCH[0],
        "LANG": "C.UTF-8",
        # Bytecode beside the packages is neither pinned nor read.
        **({} if profile.bytecode else {"PYTHONPYCACHEPREFIX": f"{_SCRATCH[0]}/pycache"}),
        **profile.environment,
    }


def _way_out(folder: Path, profile: Profile) -> tuple[Proxy, Path, Path]:
    """Return the proxy, the folder that the sandbox sees of it, and the Python that forwards to it."""
    shown = folder / "guard"
    shown.mkdir()
    source = Path(forwarder.__file__).read_text(encoding="utf-8")
    (shown / "forwarder.py").write_text(source, encoding="utf-8")
    return Proxy(profile.network, shown / "proxy"), shown, Path(sys.executable).resolve()


def _absolute(word: str) -> str:
    return str(Path(word).absolute()) if word and not word.startswith("-") and Path(word).is_file() else word


def _memory(data: bytes) -> int:
    number = os.memfd_create("mcp-guardrails", os.MFD_CLOEXEC)
    os.write(number, data)
    os.lseek(number, 0, os.SEEK_SET)
    return number
