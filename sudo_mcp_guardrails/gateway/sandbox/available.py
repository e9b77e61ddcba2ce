"""Whether servers can be sandboxed here, tried and not guessed."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from typing import Final

from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError
from sudo_mcp_guardrails.gateway.sandbox.syscalls import NUMBERS

LEAST: Final = (0, 8, 0)
"""The first bubblewrap with ``--disable-userns``."""
_SECONDS: Final = 20
_ADVICE: Final = "or run the guard with --no-sandbox, which lets the server read what you can read"


def tool(name: str) -> str:
    """Return the path of a program that the sandbox is made of.

    Raises:
        SandboxError: It is not there.
    """
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        package = "bubblewrap" if name == "bwrap" else "util-linux"
        raise SandboxError(f"there is no {name} here, so servers cannot be sandboxed; install {package}, {_ADVICE}")
    return found


@functools.lru_cache(maxsize=1)
def require_sandbox() -> None:
    """Try a whole sandbox once in this process. About 30 ms.

    Raises:
        SandboxError: Servers cannot be sandboxed here; the message says why and what to do.
    """
    if sys.platform != "linux" or platform.machine() not in NUMBERS:
        here = f"{sys.platform} on {platform.machine()}"
        raise SandboxError(
            f"servers can be sandboxed on Linux on x86_64 and aarch64 alone, and this is {here}; {_ADVICE}"
        )
    said = subprocess.run([tool("bwrap"), "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", said.stdout)
    if numbers is None or tuple(map(int, numbers.groups())) < LEAST:
        raise SandboxError(f"bubblewrap here says {said.stdout.strip()!r}; expected 0.8.0 or later, {_ADVICE}")
    _try()


def _try() -> None:
    from sudo_mcp_guardrails.gateway.sandbox.launch import prepared  # noqa: PLC0415 - it imports this module
    from sudo_mcp_guardrails.gateway.sandbox.profile import Profile  # noqa: PLC0415 - as above

    launch = prepared([tool("true")], Profile())
    try:
        done = subprocess.run(
            launch.argv, env=launch.env, pass_fds=launch.fds, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"the sandbox does not start here: {error}; {_ADVICE}") from None
    finally:
        launch.release()
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()[-300:] or f"it ended with {done.returncode}"
        hint = "" if os.geteuid() == 0 else " (the kernel must allow user namespaces to users)"
        raise SandboxError(f"the kernel does not allow the sandbox{hint}: {reason}; allow it, {_ADVICE}")
