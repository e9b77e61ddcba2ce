"""A server as a child process: its pipes, its end, and that nothing of it outlives the guard."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from sudo_mcp_guardrails.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pump.lines import Lines

OWN_VARIABLES: Final = "MCP_GUARDRAILS_"
"""What begins so in the environment is the guard's own, such as its keys: no server sees it."""

_PATIENCE: Final = 2.0


class Child(asyncio.SubprocessProtocol):
    """A running server; made by :func:`start`.

    Args:
        lines: What cuts its standard output.
        on_exit: Called once, with its return code, when it ended and all it wrote was read.
        on_full: Called when it does not read what it is sent.
        on_drained: Called when it does again.
    """

    def __init__(
        self,
        lines: Lines,
        on_exit: Callable[[int | None], None],
        on_full: Callable[[], None] = lambda: None,
        on_drained: Callable[[], None] = lambda: None,
    ) -> None:
        self._lines = lines
        self._on_exit = on_exit
        self._on_full = on_full
        self._on_drained = on_drained
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._stdout: asyncio.ReadTransport | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transports."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))
        self._stdout = cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))

    def bound(self, buffered: int) -> None:
        """Call ``on_full`` when more than ``buffered`` bytes wait to be read by it."""
        if self._stdin is not None:
            self._stdin.set_write_buffer_limits(high=buffered)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Cut what it says into lines."""
        if fd == 1:
            self._lines.feed(data)

    def pause_writing(self) -> None:
        """Say that it does not keep up."""
        self._on_full()

    def resume_writing(self) -> None:
        """Say that it does again."""
        self._on_drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it ended: its pipes are closed, and its return code is known."""
        del exc
        code = self._transport.get_returncode() if self._transport is not None else None
        if not self.ended.done():
            self.ended.set_result(code)
        self._on_exit(code)

    def send(self, message: bytes) -> None:
        """Write one message; nowhere, when it is gone, which ``on_exit`` tells."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(message + b"\n")

    def pause(self) -> None:
        """Read no more of it, until :meth:`resume`: it then waits, and costs nothing."""
        if self._stdout is not None and not self._stdout.is_closing():
            self._stdout.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._stdout is not None and not self._stdout.is_closing():
            self._stdout.resume_reading()

    async def stop(self) -> None:
        """End it and all that it started: by closing its input, then with SIGTERM, then with SIGKILL."""
        transport = self._transport
        if transport is None:
            return
        if self._stdin is not None:
            self._stdin.close()
        self.resume()
        for kind in (None, signal.SIGTERM, signal.SIGKILL):
            if kind is not None:
                self._kill(transport.get_pid(), kind)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.ended), _PATIENCE)
                break
        # What it started may live on in its group, with its pipes.
        self._kill(transport.get_pid(), signal.SIGKILL)
        transport.close()

    def _kill(self, pid: int, kind: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, kind)


async def start(
    command: Sequence[str],
    child: Callable[[], Child],
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start a server in a process group of its own; its standard error is ours.

    Args:
        command: What to run, and its arguments.
        child: Makes its protocol.
        environment: Its variables; ours without :data:`OWN_VARIABLES` when left out.
        pass_fds: Further file descriptors that it inherits.

    Raises:
        GatewayError: It cannot be started.
    """
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    try:
        _, protocol = await asyncio.get_running_loop().subprocess_exec(
            child,
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
            env=dict(environment),
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
    except (OSError, ValueError) as error:
        raise GatewayError(f"server {command[0]!r} does not start: {error}") from error
    return protocol
