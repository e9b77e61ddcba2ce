"""Run a tool's installer: bounded in time, quiet, with one line that says what went wrong."""

from __future__ import annotations

import logging
import os
import subprocess
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)
_TAIL_LINES = 3
_TAIL_CHARACTERS = 400


def run(
    argv: Sequence[str],
    *,
    doing: str,
    advice: str,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run ``argv`` to its end and return its standard output.

    Args:
        argv: the program and its arguments; no shell is involved.
        doing: what is attempted, for the error, such as ``install ministack==1.5.33``.
        advice: what the user can do about a failure.
        timeout: seconds before the program is killed.
        cwd: working directory; the current one when left out.
        env: variables laid over the current environment.

    Raises:
        ToolchainError: the program is absent, exits non-zero, or takes longer than ``timeout``.
    """
    _log.debug("running %s", argv)
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise ToolchainError(f"could not {doing}: {argv[0]} does not start ({error.strerror}); {advice}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"could not {doing}: no end after {timeout:.0f} s; {advice}") from error
    if done.returncode != 0:
        _log.debug("%s failed:\n%s\n%s", argv[0], done.stdout, done.stderr)
        reason = _tail(done.stderr or done.stdout) or f"exit code {done.returncode}"
        raise ToolchainError(f"could not {doing}: {reason}; {advice}")
    return done.stdout


def _tail(output: str) -> str:
    """The last lines of ``output`` on one line: installers print the reason at the end."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    return " / ".join(lines[-_TAIL_LINES:])[-_TAIL_CHARACTERS:]
