"""The only way out of a sandbox: a proxy in the guard that opens tunnels to named hosts and resolves their names.

It speaks CONNECT and nothing else, over a Unix socket that the sandbox sees as a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.sandbox.profile import Destination

_log = logging.getLogger(__name__)
MOST: Final = 64
"""Tunnels at once."""
_HEAD: Final = 8192
_SECONDS: Final = 10.0
_IDLE: Final = 300.0
_BLOCK: Final = 65536
_CONNECT: Final = re.compile(rb"CONNECT ([A-Za-z0-9.-]{1,253}):(\d{1,5}) HTTP/1\.[01]\r\n")


class Proxy:
    """Opens tunnels to the hosts of a profile, until it is closed."""

    def __init__(self, destinations: Collection[Destination], path: Path) -> None:
        """Say where to.

        Args:
            destinations: Hosts and ports that may be reached.
            path: Of the socket, which is made at start.
        """
        self._allowed = {(each.host, each.port): each for each in destinations}
        self._path = path
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=_HEAD)
        self._path.chmod(0o666)  # its folder is closed to all but the sandbox

    async def close(self) -> None:
        """Stop, and end every tunnel."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:  # pragma: no cover - asyncio runs this in a task
            return
        self._open.add(task)
        try:
            if len(self._open) > MOST:
                writer.write(_answer(503, "too many tunnels"))
            else:
                await self._tunnel(reader, writer)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            _log.info("a tunnel ended: %s", type(error).__name__)
        except asyncio.CancelledError:
            pass  # the proxy is closed
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _SECONDS)
        wanted = _CONNECT.match(head)
        if wanted is None:
            writer.write(_answer(405, "only CONNECT"))
            return
        host, port = wanted[1].decode().lower(), int(wanted[2])
        destination = self._allowed.get((host, port))
        if destination is None:
            _log.warning("a sandboxed server was refused a connection to %s:%d", host, port)
            writer.write(_answer(403, "not among the named hosts"))
            return
        try:
            address = await asyncio.wait_for(_resolved(destination), _SECONDS)
            if address is None:
                writer.write(_answer(403, "resolves to no public address"))
                return
            there = await asyncio.wait_for(asyncio.open_connection(address, port), _SECONDS)
        except (OSError, asyncio.TimeoutError):
            writer.write(_answer(502, "cannot be reached"))
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        finally:
            there[1].close()


async def _resolved(destination: Destination) -> str | None:
    """Return an address of a host; None where it has but addresses that are not of the open internet."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(destination.host, destination.port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    return next((each for each in addresses if destination.private or ipaddress.ip_address(each).is_global), None)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await asyncio.wait_for(reader.read(_BLOCK), _IDLE):
        writer.write(data)
        await asyncio.wait_for(writer.drain(), _IDLE)
    if writer.can_write_eof():
        with contextlib.suppress(OSError):
            writer.write_eof()


def _answer(status: int, reason: str) -> bytes:
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
