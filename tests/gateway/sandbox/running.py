from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.sandbox.launch import sandboxed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.gateway.sandbox.profile import Profile

PROBE = Path(__file__).parent / "probe.py"


def outside(*words: str) -> dict[str, Any]:
    """What the probe could do without a sandbox."""
    done = subprocess.run(
        [sys.executable, str(PROBE), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"MARK": "planted"},
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def started(command: Sequence[str], profile: Profile | None) -> tuple[int | None, bytes, bytes]:
    launch = sandboxed(command, profile)
    await launch.start()
    try:
        process = await asyncio.create_subprocess_exec(
            *launch.argv,
            env=launch.env,
            pass_fds=launch.fds,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out, err
    finally:
        await launch.close()


def inside(*words: str, profile: Profile | None = None) -> dict[str, Any]:
    """What the probe could do in the sandbox."""
    code, out, err = asyncio.run(started([sys.executable, str(PROBE), *words], profile))
    assert code == 0, err.decode()
    said: dict[str, Any] = json.loads(out)
    return said
