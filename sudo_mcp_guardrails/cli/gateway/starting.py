"""How the gateway starts a command: as it is pinned, and in a sandbox unless somebody says otherwise, aloud."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.gateway.given import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.cli.gateway.given import Given
    from sudo_mcp_guardrails.gateway.pins.lock import Lock
    from sudo_mcp_guardrails.gateway.pump.way import Way

_WARNING = (
    "warning: the server runs without a sandbox, with all that you can read, your credentials and the network: what "
    "it does beside answering is not held by anything"
)
_NEEDED = ("aiohttp", "cryptography", "uvicorn")


def require_extra() -> None:
    """Refuse to start where the extra is missing, before anything is read.

    Raises:
        InputError: A package of it is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"package {missing[0]!r} is missing, expected pip install 'sudo-mcp-guardrails[gateway]'")


def certificates(lock: Lock | None, name: str, command: Sequence[str], url: str) -> tuple[str, ...]:
    """Refuse what is not pinned; return what certificates a URL may show.

    Raises:
        GatewayError: The server is not the one that was pinned.
    """
    if lock is None:
        return ()
    from sudo_mcp_guardrails.gateway.pins.started import require_pinned

    return require_pinned(lock, name, command, url)


def way_of(given: Given, command: Sequence[str], *, pinned: bool) -> Callable[[], Way]:
    """Return what makes the way in which a command is started.

    Args:
        given: The options.
        command: The server; empty for a URL.
        pinned: Whether its files are: Python then reads no bytecode beside them.

    Raises:
        InputError: Options do not go together, or a host is none.
        GatewayError: It cannot be run in a sandbox, or not here.
    """
    from sudo_mcp_guardrails.gateway.pump.child import OWN_VARIABLES
    from sudo_mcp_guardrails.gateway.pump.way import Way

    wanted = not given.no_checks if given.sandbox is None else given.sandbox
    if given.reachable and not (wanted and command):
        raise InputError("--reach is for a command in a sandbox, and there is none")
    if not command:
        return Way
    if wanted:
        from sudo_mcp_guardrails.cli.gateway.pinning import destination
        from sudo_mcp_guardrails.gateway.sandbox.available import require_sandbox
        from sudo_mcp_guardrails.gateway.sandbox.launch import sandboxed
        from sudo_mcp_guardrails.gateway.sandbox.profile import Profile

        require_sandbox()
        profile = Profile(network=tuple(map(destination, given.reachable)))
        return functools.partial(Way, functools.partial(sandboxed, profile=profile))
    reported(_WARNING)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    if pinned:
        folder = tempfile.mkdtemp(prefix="mcp-guardrails-bytecode-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        environment["PYTHONPYCACHEPREFIX"] = folder
    return functools.partial(Way, None, environment)
