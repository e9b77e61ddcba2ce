"""Guards of the demo: how a client starts one, by the command line that a user has, and what it rests on."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.asking_stdio import ask_command
from sudo_mcp_guardrails.gateway.pins.files import write_lock
from sudo_mcp_guardrails.gateway.pins.labels import Effect, Labels
from sudo_mcp_guardrails.gateway.pins.launch import launch_pin
from sudo_mcp_guardrails.gateway.pins.lock import Lock
from sudo_mcp_guardrails.gateway.pins.pinning import key_of, propose
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.gateway.pins.launch import LaunchPin
    from sudo_mcp_guardrails.gateway.pins.pinning import Proposal

_LOCK: Final = "lock.json"


@dataclass
class Behind:
    """A server behind the guard.

    Args:
        name: In the lock file.
        command: What starts it.
        environment: All of its environment.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]

    @cached_property
    def launch(self) -> LaunchPin:
        """What starts it, file by file; it is not changed while the demo runs, and takes seconds to read."""
        return launch_pin(self.command)

    def look(self, *, twice: bool = True) -> Proposal:
        """Ask it, as ``mcp-guardrails gateway pin`` does, and return its pin, which nobody accepted yet.

        Args:
            twice: Whether it is started a second time, to see whether it says the same. Default: it is.
        """
        kept: list[Any] = []

        async def asked() -> Any:  # noqa: ANN401 - snapshots
            if twice or not kept:
                kept.append(await ask_command(self.command, environment=dict(self.environment)))
            return kept[-1]

        return asyncio.run(propose(Lock({}), self.name, lambda: self.launch, asked))


def accept(folder: Path, *proposals: Proposal, reads: Mapping[str, str]) -> None:
    """Write the lock file, as a person does who has seen the pins and what was found in them.

    Args:
        folder: Where.
        proposals: The pins.
        reads: Servers to a tool of theirs that he says only reads.
    """
    lock = Lock({})
    for proposal in proposals:
        lock = proposal.accepted(lock, [key_of(finding) for finding in proposal.findings])
    servers = dict(lock.servers)
    for name, tool in reads.items():
        pin = servers[name]
        labels = Labels(Effect.READ, authority=(), reviewed_by="the demo")
        tools = {**pin.lists["tools"], tool: replace(pin.lists["tools"][tool], labels=labels)}
        servers[name] = replace(pin, lists={**pin.lists, "tools": tools})
    write_lock(folder / _LOCK, Lock(servers))


def configure(folder: Path, app: Path, agent: str, *, capability: str, aws: Mapping[str, str]) -> Path:
    """Write a guard's configuration, and return its path.

    Args:
        folder: Where, beside the lock file.
        app: The cloud assembly, whose policies the guard asks.
        agent: Whose guard it is.
        capability: Of the credentials behind it.
        aws: AWS's own servers, and how their calls come.
    """
    document = {
        "agent": agent,
        "capability": capability,
        "tier": "T1",
        "environment": {
            "name": "sandbox",
            "accounts": [ACCOUNT],
            "regions": [REGION],
            "prefixes": [f"{agent}-"],
            "production": False,
        },
        "app": str(app),
        "lock": _LOCK,
        "aws": dict(aws),
        "killSwitch": {"none": True},
    }
    path = folder / f"{capability}-{'aws' if aws else 'other'}.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


@asynccontextmanager
async def client(
    behind: Behind, config: Path, *, agent: str, capability: str, answer: Callable[[str], bool] | None = None
) -> AsyncIterator[Any]:
    """Start a guard with its server, and yield a client of the MCP SDK that is connected to it.

    Args:
        behind: The server.
        config: Of the guard.
        agent: Whose guard it is.
        capability: Of the credentials behind it.
        answer: What the client's user says when he is asked, by the question. Default: the client cannot ask.
    """
    from mcp import Client, StdioServerParameters, types  # noqa: PLC0415 - looked for before

    async def elicit(context: Any, params: Any) -> Any:  # noqa: ANN401 - the SDK's types
        del context
        said = answer is not None and answer(str(params.message))
        return types.ElicitResult(action="accept" if said else "decline", content={"approve": True} if said else None)

    arguments = ["-m", "sudo_mcp_guardrails.cli", "gateway", "run", "--server", behind.name, "--agent", agent]
    # Without a sandbox: the server needs the session's credentials, and the embedded AWS on loopback.
    arguments += ["--capability", capability, "--config", str(config), "--no-sandbox", "--", *behind.command]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=dict(behind.environment))
    asks = elicit if answer is not None else None
    async with Client(parameters, mode="legacy", read_timeout_seconds=60, elicitation_callback=asks) as connected:
        yield connected


def text_of(result: Any) -> str:  # noqa: ANN401 - the SDK's
    """Return all text of a call's result."""
    return "\n".join(block.text for block in result.content if getattr(block, "text", None))
