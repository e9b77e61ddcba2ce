"""The guard on standard input and output, in front of a server that is its child."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.child import Child, start
from sudo_mcp_guardrails.gateway.pump.lines import Lines, PipeReader, PipeWriter
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, SERVER_GONE, TOO_LARGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pump.link import Link
    from sudo_mcp_guardrails.gateway.pump.pending import Step

_log = logging.getLogger(__name__)

_SWEEP: Final = 0.25
_PATIENCE: Final = 10.0


class StdioPump:
    """One client on our own pipes, one server on a child's.

    Each side is read only as fast as the other takes what comes of it.

    Args:
        link: What decides about each message.
        command: The server.
        environment: The server's variables; ours without the guard's own when left out.
        pass_fds: File descriptors that the server inherits.
    """

    def __init__(
        self,
        link: Link,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._link = link
        self._command = command
        self._environment = environment
        self._pass_fds = pass_fds
        self._done: asyncio.Future[int] | None = None
        self._reader: PipeReader | None = None
        self._out: asyncio.WriteTransport | None = None
        self._child: Child | None = None

    async def run(self, stdin: int | None = None, stdout: int | None = None) -> int:
        """Pump until one side ends; return 0 where that was the client, 1 where it was the server.

        Args:
            stdin: File descriptor of the client's messages; our standard input when left out.
            stdout: File descriptor of what it is told; our standard output when left out.

        Raises:
            GatewayError: The server does not start, or ours are not pipes, sockets or terminals.
        """
        loop, limits = asyncio.get_running_loop(), self._link.limits
        self._done = loop.create_future()
        from_server = Lines(limits.answer_bytes, self._from_server, self._long_from_server)
        self._child = await start(
            self._command,
            lambda: Child(from_server, self._exited, self._pause_client, self._resume_client),
            self._environment,
            self._pass_fds,
        )
        self._child.bound(limits.buffered_bytes)
        sweep = asyncio.ensure_future(self._sweep())
        handled = [number for number in (signal.SIGTERM, signal.SIGINT) if _handles(loop, number, self._stopped)]
        try:
            await self._connect(stdin, stdout)
            code = await self._done
            await self._flush()
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
            sweep.cancel()
            await self._child.stop()
        return code

    async def _connect(self, stdin: int | None, stdout: int | None) -> None:
        loop, limits = asyncio.get_running_loop(), self._link.limits
        taken = _duplicate(sys.stdin.fileno() if stdin is None else stdin)
        given = _duplicate(sys.stdout.fileno() if stdout is None else stdout)
        try:
            out, _ = await loop.connect_write_pipe(
                lambda: PipeWriter(self._pause_server, self._resume_server, self._stopped), os.fdopen(given, "wb", 0)
            )
            self._out = out
            self._out.set_write_buffer_limits(high=limits.buffered_bytes)
            lines = Lines(limits.request_bytes, self._from_client, self._long_from_client)
            _, self._reader = await loop.connect_read_pipe(
                lambda: PipeReader(lines, self._stopped), os.fdopen(taken, "rb", 0)
            )
        except ValueError as error:
            raise GatewayError(
                f"standard input and output are not allowed: {error}; expected pipes, as an MCP client gives them"
            ) from error

    def _from_client(self, line: bytes) -> None:
        link = self._link
        try:
            step = link.take(read(line, link.limits.depth))
        except RefusedError as error:
            if error.id in link.pending and error.code == INVALID_REQUEST:
                error.id = None  # it would end another request of that id
            self._tell(error.answer())
            return
        self._go(step)

    def _from_server(self, line: bytes) -> None:
        self._go(self._link.release(line))

    def _go(self, step: Step) -> None:
        if step.server is not None and self._child is not None:
            self._child.send(step.server)
        if step.client is not None:
            self._tell(step.client)

    def _tell(self, message: bytes) -> None:
        if self._out is not None and not self._out.is_closing():
            self._out.write(message + b"\n")

    def _long_from_client(self) -> None:
        limit = self._link.limits.request_bytes
        self._tell(RefusedError(TOO_LARGE, f"a message of more than {limit} bytes is not allowed").answer())

    def _long_from_server(self) -> None:
        # Nobody can tell which request it would have answered: with one open it was that, else the clock tells.
        limit = self._link.limits.answer_bytes
        open_ = [each for each in self._link.pending.values() if not each.held]
        if len(open_) == 1:
            for step in self._link.fail(TOO_LARGE, f"the server's answer has more than {limit} bytes"):
                self._go(step)
        else:
            _log.warning("a message of the server with more than %d bytes was dropped", limit)

    def _exited(self, code: int | None) -> None:
        said = f"the server ended with code {code}; what was asked may have been done all the same"
        for step in self._link.fail(SERVER_GONE, said):
            self._go(step)
        if self._done is not None and not self._done.done():
            self._done.set_result(1)

    def _stopped(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            for step in self._link.expire():
                self._go(step)

    async def _flush(self) -> None:
        if self._out is None:
            return
        self._out.close()
        for _ in range(int(_PATIENCE / 0.01)):
            if not self._out.get_write_buffer_size():
                return
            await asyncio.sleep(0.01)

    def _pause_client(self) -> None:
        if self._reader is not None:
            self._reader.pause()

    def _resume_client(self) -> None:
        if self._reader is not None:
            self._reader.resume()

    def _pause_server(self) -> None:
        if self._child is not None:
            self._child.pause()

    def _resume_server(self) -> None:
        if self._child is not None:
            self._child.resume()


def _duplicate(descriptor: int) -> int:
    # The pump closes what it uses; ours stay open for what Python still says at its end.
    return os.dup(descriptor)


def _handles(loop: asyncio.AbstractEventLoop, number: int, stop: object) -> bool:
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(number, stop)  # type: ignore[arg-type]  # a method of ours
        return True
    return False
