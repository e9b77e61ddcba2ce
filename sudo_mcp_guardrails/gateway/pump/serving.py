"""Running the HTTP front: uvicorn on one socket, one event loop, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeVar

    from sudo_mcp_guardrails.gateway.pump.exchange import Exchange
    from sudo_mcp_guardrails.gateway.pump.http import HttpPump

    _T = TypeVar("_T")

_BACKLOG: Final = 1024
_ADVICE: Final = "expected pip install 'sudo-mcp-guardrails[gateway]'"
_SWITCH: Final = 0.0005


def listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        GatewayError: It is taken, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise GatewayError(f"address {host}:{port} cannot be listened on: {error.strerror}") from error
    return listening


async def serve(app: HttpPump, exchange: Exchange, listening: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        GatewayError: A package of the extra ``gateway`` is missing.
    """
    try:
        import uvicorn  # noqa: PLC0415 - of the extra `gateway`
    except ImportError as error:
        raise GatewayError(f"package 'uvicorn' is missing, {_ADVICE}") from error
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    # Its own handlers raise the signal anew once it has ended, while children are still to be ended in order.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]

    def end() -> None:
        server.should_exit = True

    handled = [number for number in (signal.SIGTERM, signal.SIGINT) if handles(number, end)]
    await exchange.open()
    tidying = asyncio.ensure_future(app.tidy())
    try:
        await server.serve(sockets=[listening])
    finally:
        for number in handled:
            asyncio.get_running_loop().remove_signal_handler(number)
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        await exchange.close()


def handles(number: signal.Signals, then: Callable[[], None]) -> bool:
    """Call ``then`` on a signal; return whether that works on this loop and in this thread."""
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(number, then)
        return True
    return False


def run(main: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine to its end, on uvloop where it is installed."""
    # What is heavy runs in a thread beside the loop, which gets its turn ten times sooner than by Python's default.
    sys.setswitchinterval(_SWITCH)
    # The catalogue and the policies are some 200,000 objects that live as long as the guard does: a collection that
    # went through them would stop every call for 40 ms.
    gc.collect()
    gc.freeze()
    try:
        import uvloop  # noqa: PLC0415 - of the extra `gateway`, and not on Windows
    except ImportError:
        return asyncio.run(main())
    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
