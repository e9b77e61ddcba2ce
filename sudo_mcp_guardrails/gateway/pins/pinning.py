"""Make a pin, for a person to look at: ask twice, look for what is suspicious, compare with what was pinned."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.changed import changes_between
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.findings import name_findings, text_findings
from sudo_mcp_guardrails.gateway.pins.lock import Lock, server_pin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from sudo_mcp_guardrails.gateway.pins.changed import Changed
    from sudo_mcp_guardrails.gateway.pins.findings import Finding
    from sudo_mcp_guardrails.gateway.pins.launch import LaunchPin
    from sudo_mcp_guardrails.gateway.pins.lock import ServerPin
    from sudo_mcp_guardrails.gateway.pins.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pin that nobody accepted yet.

    Attributes:
        name: Of the server.
        pin: What it is now.
        changes: What is not as it was pinned; everything for a new server.
        findings: What is suspicious and not accepted.
    """

    name: str
    pin: ServerPin
    changes: tuple[Changed, ...]
    findings: tuple[Finding, ...]

    def accepted(self, lock: Lock, keys: Sequence[str]) -> Lock:
        """Return the lock with this pin in it.

        Args:
            lock: As it was.
            keys: Of the findings that the person accepts.

        Raises:
            PinError: A finding stays that he did not, or a key names none.
        """
        open_keys = {key_of(finding) for finding in self.findings}
        strange = sorted(set(keys) - open_keys)
        if strange:
            raise PinError(f"no finding has the key {strange[0]!r}; there are {sorted(open_keys)}")
        left = sorted(open_keys - set(keys))
        if left:
            raise PinError(f"{len(left)} findings of {self.name!r} are not accepted, such as {left[0]!r}")
        pin = dataclasses.replace(self.pin, accepted=tuple(sorted({*self.pin.accepted, *keys})))
        return Lock({**lock.servers, self.name: pin})


def key_of(finding: Finding) -> str:
    """Return what accepts a finding: its id, what it is about, and the first digits of that definition's digest."""
    return " ".join(part for part in (finding.id, finding.item, finding.digest.removeprefix("sha256:")[:12]) if part)


async def propose(
    lock: Lock, name: str, launch: Callable[[], LaunchPin], asked: Callable[[], Awaitable[tuple[Snapshot, ...]]]
) -> Proposal:
    """Ask a server twice and return its pin.

    Args:
        lock: What is pinned so far.
        name: Of the server.
        launch: Says what starts it.
        asked: Asks it, from a fresh start.

    Raises:
        PinError: It cannot be asked, or says something else the second time.
    """
    started = launch()
    first, second = await asked(), await asked()
    before = lock.servers.get(name)
    pin = server_pin(started.document(), first, before=before, where=name)
    again = server_pin(started.document(), second, before=before, where=name)
    differing = changes_between(name, pin.document(), again.document())
    if differing:
        what = "; ".join(differing[0].lines())[:500]
        raise PinError(f"server {name!r} says something else each time it is asked, so it cannot be pinned: {what}")
    empty = {"launch": None}
    changes = changes_between(name, before.document() if before else empty, pin.document())
    found = findings_of(Lock({**lock.servers, name: pin}))
    mine = tuple(each for each in found if each.server == name and key_of(each) not in pin.accepted)
    return Proposal(name, pin, changes, mine)


def findings_of(lock: Lock) -> tuple[Finding, ...]:
    """Return all that is suspicious in a lock, accepted or not, server by server."""
    names = {server: dict(pin.lists.get("tools", {})) for server, pin in lock.servers.items()}
    texts = [each for server, pin in lock.servers.items() for each in _texts_of(server, pin)]
    return (*texts, *name_findings(names))


def _texts_of(server: str, pin: ServerPin) -> Iterator[Finding]:
    for era, introduction in pin.eras.items():
        for each in text_findings(server, f"server/{era}", introduction):
            yield dataclasses.replace(each, digest=digest(introduction))
    for kind, items in pin.lists.items():
        for name, item in items.items():
            for key, definition in item.definitions.items():
                for each in text_findings(server, f"{kind}/{name}", definition):
                    yield dataclasses.replace(each, digest=key)
