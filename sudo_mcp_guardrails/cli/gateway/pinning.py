"""What ``gateway pin`` and ``gateway pins`` share: how a server is asked, and how a proposal is shown."""

from __future__ import annotations

import asyncio
import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.gateway.pins.changed import Changed
    from sudo_mcp_guardrails.gateway.pins.findings import Finding
    from sudo_mcp_guardrails.gateway.pins.lock import Lock
    from sudo_mcp_guardrails.gateway.pins.pinning import Proposal
    from sudo_mcp_guardrails.gateway.sandbox.launch import Launch
    from sudo_mcp_guardrails.gateway.sandbox.profile import Destination

UNSANDBOXED = (
    "warning: --no-sandbox: the server runs with all that you can read, your credentials and the network; "
    "what it does while it is asked is not held by anything"
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


def name_of(command: Sequence[str], url: str, given: str) -> str:
    """Return the name that a server is pinned under.

    Raises:
        InputError: There is no server, or two, or the name is none.
    """
    if bool(command) == bool(url):
        raise InputError("expected a server, either -- COMMAND… or --url URL")
    name = given or (urlsplit(url).hostname or "" if url else Path(command[0]).name)
    if not _NAME.fullmatch(name):
        raise InputError(f"server name {name!r} is not allowed, expected 1 to 64 letters, digits, '.', '_' and '-'")
    return name


def sandbox_of(hosts: Sequence[str], *, wanted: bool, answer: Answer) -> Callable[[Sequence[str]], Launch] | None:
    """Return what makes a sandbox; None without one, which is said aloud.

    Raises:
        InputError: A host is none.
    """
    if not wanted:
        answer.report(UNSANDBOXED)
        return None
    from sudo_mcp_guardrails.gateway.sandbox.launch import sandboxed
    from sudo_mcp_guardrails.gateway.sandbox.profile import Profile

    profile = Profile(network=tuple(map(destination, hosts)))
    return functools.partial(sandboxed, profile=profile)


def proposed(
    lock: Lock,
    name: str,
    command: Sequence[str],
    url: str,
    *,
    headers: Sequence[str] = (),
    sandbox: Callable[[Sequence[str]], Launch] | None = None,
) -> Proposal:
    """Ask a server, twice, and return its pin.

    Raises:
        InputError: A header is none.
        GatewayError: The server cannot be asked, or cannot be pinned.
    """
    from sudo_mcp_guardrails.gateway.pins.asking_stdio import ask_command
    from sudo_mcp_guardrails.gateway.pins.asking_url import ask_url, url_pin
    from sudo_mcp_guardrails.gateway.pins.launch import launch_pin
    from sudo_mcp_guardrails.gateway.pins.pinning import propose

    if url:
        own = dict(map(_header, headers))
        return asyncio.run(propose(lock, name, lambda: url_pin(url), lambda: ask_url(url, headers=own)))
    return asyncio.run(propose(lock, name, lambda: launch_pin(command), lambda: ask_command(command, sandbox=sandbox)))


def show(answer: Answer, changes: Sequence[Changed], findings: Sequence[Finding]) -> None:
    """Print what changed and what is suspicious, for a person. Nothing of it is markup."""
    from sudo_mcp_guardrails.gateway.pins.pinning import key_of

    for change in changes:
        for line in change.lines():
            answer.text.print(line, markup=False, soft_wrap=True)
    for finding in findings:
        line = f"finding: {key_of(finding)} at {finding.path}: {finding.text}"
        answer.text.print(line, markup=False, soft_wrap=True)


def items_of(changes: Sequence[Changed], findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return changes and findings as items of a command's answer."""
    from sudo_mcp_guardrails.gateway.pins.pinning import key_of

    return [
        *(
            {"what": each.how, "server": each.server, "item": f"{each.kind}/{each.name}", "lines": list(each.lines())}
            for each in changes
        ),
        *(
            {"what": "finding", "server": each.server, "item": each.item, "key": key_of(each), "path": each.path}
            | {"id": each.id, "text": each.text}
            for each in findings
        ),
    ]


def destination(text: str) -> Destination:
    """Return a host that a server may reach.

    Raises:
        InputError: It is none.
    """
    from sudo_mcp_guardrails.gateway.sandbox.profile import Destination

    host, _, port = text.rpartition(":") if ":" in text else (text, ":", "443")
    if not port.isdigit():
        raise InputError(f"host {text!r} is not allowed, expected HOST or HOST:PORT")
    return Destination(host.lower(), int(port))


def _header(text: str) -> tuple[str, str]:
    name, _, variable = text.partition("=")
    value = os.environ.get(variable)
    if not name or not value or not value.isprintable():
        raise InputError(f"--header {text!r} is not allowed, expected NAME=VARIABLE with a variable that is set")
    return name, value
