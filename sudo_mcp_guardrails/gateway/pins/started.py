"""Before a server is started or reached: that it is the one that was pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.gateway.pins.changed import change_of
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.launch import launch_pin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.gateway.pins.lock import Lock


def require_pinned(lock: Lock, name: str, command: Sequence[str], url: str) -> tuple[str, ...]:
    """Refuse a server that is not as it is pinned. Hashes all that a command runs: 0.1 to 2 s.

    Args:
        lock: What a person accepted.
        name: Of the server.
        command: That starts it; empty for a URL.
        url: Where it is; empty for a command.

    Returns:
        Digests (``sha256:…``) of the certificates that its host may show; none for a command and for loopback.

    Raises:
        PinError: Nobody pinned it, or what would be started is not what was pinned; with the difference.
    """
    pin = lock.servers.get(name)
    if pin is None:
        raise PinError(f"server {name!r} is not in the lock file, expected of {sorted(lock.servers)}; pin it first")
    if url:
        if pin.launch.get("url") != url:
            raise PinError(f"server {name!r} is pinned at {pin.launch.get('url')!r}, and not at {url!r}")
        found = pin.launch.get("certificates", [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise PinError(f"certificates of {name!r} in the lock file are {found!r}; expected a list of digests")
        if url.startswith("https:") and not found:
            raise PinError(f"server {name!r} is pinned without a certificate; pin it anew")
        return tuple(found)
    now: dict[str, Any] = launch_pin(command).document()
    if now != dict(pin.launch):
        said = "\n".join(change_of(name, "launch", name, [dict(pin.launch)], now).lines())
        raise PinError(f"server {name!r} is not started as it is pinned, so it is not started; pin it anew\n{said}")
    return ()
