"""The guard on standard input and output, in front of a server that is its child."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.child import Child
from sudo_mcp_guardrails.gateway.pump.gate import Gate
from sudo_mcp_guardrails.gateway.pump.heavy import HEAVY, released
from sudo_mcp_guardrails.gateway.pump.lines import Lines, PipeReader, PipeWriter
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, SERVER_GONE, TOO_LARGE, RefusedError
from sudo_mcp_guardrails.gateway.pump.serving import handles
from sudo_mcp_guardrails.gateway.pump.way import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.gateway.pump.link import Link
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Step

_log = logging.getLogger(__name__)

_SWEEP: Final = 0.25
_PATIENCE: Final = 10.0
_JUDGED_AT_ONCE: Final = 4
_RUNS: Final = object()


class StdioPump:
    """One client on our own pipes, one server on a child's.

    Each side is read only as fast as the other takes what comes of it.

    Args:
        link: What decides about each message.
        command: The server.
        way: How the server is started; as it is when left out.
    """

    def __init__(
        self,
        link: Link,
        command: Sequence[str],
        way: Way | None = None,
    ) -> None:
        self._link = link
        self._command = command
        self._way = way or Way()
        self._done: asyncio.Future[int] | None = None
        self._reader: PipeReader | None = None
        self._out: asyncio.WriteTransport | None = None
        self._child: Child | None = None
        self._gate = Gate(link, self._go, self._take)
        self._judging: set[asyncio.Task[None]] = set()
        self._full = False
        self._code: object = _RUNS

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
        self._child = await self._way.start(
            self._command, lambda: Child(from_server, self._exited, self._pause_client, self._resume_client)
        )
        self._child.bound(limits.buffered_bytes)
        sweep = asyncio.ensure_future(self._sweep())
        handled = [number for number in (signal.SIGTERM, signal.SIGINT) if handles(number, self._stopped)]
        try:
            await self._connect(stdin, stdout)
            code = await self._done
            await self._flush()
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
            sweep.cancel()
            await self._child.stop()
            await self._way.close()
        return code

    async def _connect(self, stdin: int | None, stdout: int | None) -> None:
        loop, limits = asyncio.get_running_loop(), self._link.limits
        taken = _duplicate(sys.stdin.fileno() if stdin is None else stdin)
        given = _duplicate(sys.stdout.fileno() if stdout is None else stdout)
        try:
            out, _ = await loop.connect_write_pipe(
                lambda: PipeWriter(self._pause_server, self._drained, self._stopped), os.fdopen(given, "wb", 0)
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
        try:
            message = read(line, self._link.limits.depth)
            if not self._gate.holds(message):
                self._go(self._link.take(message))
        except RefusedError as error:
            self._refuse(error)

    def _take(self, message: Message) -> None:
        try:
            self._go(self._link.take(message))
        except RefusedError as error:
            self._refuse(error)

    def _refuse(self, error: RefusedError) -> None:
        if error.id in self._link.pending and error.code == INVALID_REQUEST:
            error.id = None  # it would end another request of that id
        self._tell(error.answer())

    def _from_server(self, line: bytes) -> None:
        if len(line) < HEAVY:
            self._go(self._link.release(line))
            return
        task = asyncio.ensure_future(self._heavy(line))
        self._judging.add(task)
        task.add_done_callback(self._judged)
        if len(self._judging) >= _JUDGED_AT_ONCE and self._child is not None:
            self._child.pause()

    async def _heavy(self, line: bytes) -> None:
        self._go(await released(self._link, line))

    def _judged(self, task: asyncio.Task[None]) -> None:
        self._judging.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a large message of the server was lost", exc_info=task.exception())
        if self._code is not _RUNS and not self._judging:
            self._ended(self._code)
        elif not self._full:
            self._resume_server()

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
        # What it said last may still be judged.
        self._code = code
        if not self._judging:
            self._ended(code)

    def _ended(self, code: object) -> None:
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
            self._gate.expire()
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
        self._full = True
        if self._child is not None:
            self._child.pause()

    def _drained(self) -> None:
        self._full = False
        self._resume_server()

    def _resume_server(self) -> None:
        if self._child is not None and len(self._judging) < _JUDGED_AT_ONCE:
            self._child.resume()


def _duplicate(descriptor: int) -> int:
    # The pump closes what it uses; ours stay open for what Python still says at its end.
    return os.dup(descriptor)
