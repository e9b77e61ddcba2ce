"""A guard with every check on, set up as a team would: a pinned server, a configuration with rules, signed records."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.cli.gateway.checks import DIGEST_KEY
from sudo_mcp_guardrails.gateway.pins.asking_stdio import ask_command
from sudo_mcp_guardrails.gateway.pins.asking_url import ask_url
from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.labels import Effect, Labels
from sudo_mcp_guardrails.gateway.pins.launch import LaunchPin, launch_pin
from sudo_mcp_guardrails.gateway.pins.lock import Lock, Pin, server_pin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pins.snapshot import Snapshot

SERVER: Final = "bench"
RULES: Final = 200
"""Of the team, about all tools together."""
TOOLS: Final = 20
_CONFIGURATION: Final[dict[str, Any]] = {
    "agent": "bot",
    "capability": "read",
    "tier": "T1",
    "environment": {"name": "box", "accounts": ["111111111111"], "regions": ["eu-west-1"], "production": False},
    "lock": "lock.json",
    "rules": {"file": "rules.cedar"},
    "budgets": [{"what": "calls", "most": 100_000, "seconds": 5, "per": "agent"}],
    "killSwitch": {"none": True},
}


def options(folder: Path, command: Sequence[str], url: str) -> list[str]:
    """Pin a server and write all that a guard reads; return the guard's options.

    Args:
        folder: Empty, or that of another guard of this run.
        command: The server; empty for a URL.
        url: Where it is; empty for a command.
    """
    own = Path(folder) / secrets.token_hex(4)
    own.mkdir()
    snapshots = asyncio.run(ask_url(url) if url else ask_command(command))
    launch = LaunchPin(url=url) if url else launch_pin(command)
    config, records, key = write(own, snapshots, launch.document())
    given = ["--server", SERVER, "--agent", "bot", "--config", str(config)]
    return [*given, "--records", str(records), "--records-key", str(key), *([] if url else ["--no-sandbox"])]


def write(own: Path, snapshots: Sequence[Snapshot], launch: Mapping[str, Any]) -> tuple[Path, Path, Path]:
    """Write all that a guard reads; return its configuration, the folder of its records, and the key that signs them.

    Args:
        own: Folder, empty.
        snapshots: What the server says of itself.
        launch: What starts it.
    """
    pin = server_pin(launch, snapshots)
    reads = Labels(Effect.READ, (), ("*",), "the benchmark")
    tools = {name: Pin(each.definitions, reads) for name, each in pin.lists["tools"].items()}
    tools |= {name: Pin({digest(each): each}, reads) for name, each in _others(pin.lists["tools"]["echo"]).items()}
    lock = Lock({SERVER: type(pin)(pin.launch, pin.eras, {**pin.lists, "tools": tools})})
    (own / "lock.json").write_text(lock.text(), encoding="utf-8")
    (own / "rules.cedar").write_text(_rules(), encoding="utf-8")
    (own / "gateway.json").write_text(json.dumps(_CONFIGURATION), encoding="utf-8")
    os.environ[DIGEST_KEY] = secrets.token_hex(32)
    _key(own / "key.pem")
    return own / "gateway.json", own, own / "key.pem"


def _others(pin: Pin) -> dict[str, dict[str, Any]]:
    """Return tools that the rules are about too, as a server of a usual size has them."""
    definition = next(iter(pin.definitions.values()))
    return {f"other_{number}": {**definition, "name": f"other_{number}"} for number in range(1, TOOLS)}


def _rules() -> str:
    names = ["echo", *(f"other_{number}" for number in range(1, TOOLS))]
    many = [
        f'forbid(principal, action == AgentCore::Action::"{SERVER}___{names[number % TOOLS]}", resource) '
        f'when {{ context.input.text == "secret {number}" }};'
        for number in range(RULES - 1)
    ]
    return "\n".join(["permit(principal, action, resource);", *many])


def _key(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(key)
