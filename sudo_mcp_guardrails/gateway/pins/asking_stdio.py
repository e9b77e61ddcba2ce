"""Ask a server that is a command, over its standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.asking import MAX_MESSAGE, ask
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pins.snapshot import Snapshot
    from sudo_mcp_guardrails.gateway.sandbox.launch import Launch

_GRACE: Final = 3.0


async def ask_command(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    sandbox: Callable[[Sequence[str]], Launch] | None = None,
) -> tuple[Snapshot, ...]:
    """Start a command once for each era, ask it for all that it says of itself, and end it.

    Args:
        command: The server and its arguments.
        environment: All of its environment; that of this process when left out. A sandbox brings its own.
        sandbox: Makes a sandbox around a command, such as
            :func:`~sudo_mcp_guardrails.gateway.sandbox.launch.sandboxed`; none when left out.

    Returns:
        What it said, for each era that it knows; at least one.

    Raises:
        PinError: It cannot be started, ends, does not answer in time, or knows no era.
    """
    found = []
    for era in ERAS:
        if sandbox is None:
            snapshot = await _ask_once(command, era, environment, ())
        else:
            launch = sandbox(command)
            try:
                await launch.start()
                snapshot = await _ask_once(launch.argv, era, launch.env, launch.fds)
            finally:
                await launch.close()
        if snapshot is not None:
            found.append(snapshot)
    if not found:
        raise PinError(f"{command[0]!r} knows none of the protocol versions {', '.join(ERAS)}")
    return tuple(found)


async def _ask_once(
    command: Sequence[str], era: str, environment: Mapping[str, str] | None, pass_fds: Sequence[int]
) -> Snapshot | None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            pass_fds=tuple(pass_fds),
            limit=MAX_MESSAGE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise PinError(f"command {command[0]!r} cannot be started: {error}") from None
    try:
        return await ask(_Pipes(process, command[0]), era)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a server and what it started: its input is closed first, which is how the protocol says it."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Pipes:
    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        if process.stdin is None or process.stdout is None:
            raise PinError(f"command {name!r} has no standard input or output")
        self._in, self._out, self._name = process.stdin, process.stdout, name

    async def send(self, message: Mapping[str, Any]) -> None:
        try:
            self._in.write(json.dumps(message).encode() + b"\n")
            await self._in.drain()
        except (ConnectionError, RuntimeError):
            raise PinError(f"command {self._name!r} ended before it had answered") from None

    async def receive(self) -> Mapping[str, Any]:
        while True:
            try:
                line = await self._out.readline()
            except ValueError:
                raise PinError(f"command {self._name!r} wrote a line of more than {MAX_MESSAGE} bytes") from None
            if not line:
                raise PinError(f"command {self._name!r} ended before it had answered")
            if line.strip():
                break
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise PinError(
                f"command {self._name!r} wrote {line[:80]!r}; expected one JSON-RPC message a line"
            ) from None
        if not isinstance(message, dict):
            raise PinError(f"command {self._name!r} wrote {line[:80]!r}; expected a JSON-RPC message")
        return message
