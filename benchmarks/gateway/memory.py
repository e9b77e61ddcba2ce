"""Whether the guard's memory stays as it is over many calls, with every check on; and what a call costs it.

``python -m benchmarks.gateway.memory [CALLS]``, 100,000 by default. No process and no pipe stands between: what is
measured is the guard's own objects and its own time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.gateway.whole import SERVER, write
from sudo_mcp_guardrails.cli.gateway.checks import checks_of
from sudo_mcp_guardrails.gateway.call import Session
from sudo_mcp_guardrails.gateway.guard import Guard
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, Snapshot
from sudo_mcp_guardrails.gateway.pump.limits import Limits
from sudo_mcp_guardrails.gateway.pump.link import Link
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.pending import Shared
from sudo_mcp_guardrails.gateway.pump.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS: Final = 100_000
WARM: Final = 0.2
"""Part of the calls after which what is kept for a while is full."""
MOST: Final = 8 * 2**20
"""Bytes that the process may grow by from then on."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
TOOL: Final = {
    "name": "echo",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


@dataclass(frozen=True)
class Grown:
    """What was measured.

    Attributes:
        calls: So many.
        bytes: That the process grew by after the first fifth of them.
        milliseconds: Of the guard's own CPU time, for each call.
        slowest: Milliseconds of the slowest 1 % of calls and more.
    """

    calls: int
    bytes: int
    milliseconds: float
    slowest: float


def link_of(folder: Path) -> Link:
    """Return a link whose guard has every check on.

    Args:
        folder: Empty.
    """
    config, records, key = write(folder, [Snapshot(ERAS[0], {"capabilities": {}}, {"tools": [TOOL]})], {"url": "x"})
    made = checks_of(None, config, lambda _: None, records=records, records_key=key)
    if made.decision is not None:
        made.decision.watch()

    def those(method: str) -> tuple[Any, ...]:
        return tuple(each for each in made.checks if callable(getattr(each, method, None)))

    guard = Guard(those("before"), those("listed"), those("offered"), (), those("decided"), made.digest)
    return Link(Shared(guard, SERVER, Sealer(300), Limits()), Session("s", "bot"))


def measure(calls: int = CALLS) -> Grown:
    """Make calls through a guard."""
    with tempfile.TemporaryDirectory() as folder:
        link = link_of(Path(folder))
        link.look({"tools": [TOOL]})
        times, began = [], 0
        for number in range(calls):
            if number == int(calls * WARM):
                began = resident()
            before = time.process_time()
            one(link, number)
            times.append(time.process_time() - before)
        grown = resident() - began
        times.sort()
        return Grown(calls, grown, sum(times) / calls * 1000, times[int(calls * 0.99)] * 1000)


def one(link: Link, number: int) -> None:
    """Make one call, and answer it."""
    call = {"name": "echo", "arguments": {"text": f"text {number} of many, which says nothing"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}).encode()
    step = link.take(read(asked, link.limits.depth))
    if step.server is None:
        raise RuntimeError(f"call {number} is denied: {step.client!r}")
    result = {"content": [{"type": "text", "text": f"text {number}"}], "structuredContent": {"result": f"{number}"}}
    said = link.release(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode())
    if said.client is None or link.pending:
        raise RuntimeError(f"call {number} has no answer")


def resident() -> int:
    """Return the bytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def lines(found: Grown) -> Iterator[str]:
    """Yield the report."""
    yield f"{found.calls} calls with every check on: {found.bytes / 2**20:.1f} MB more after the first fifth;"
    yield f"{found.milliseconds:.3f} ms of CPU time a call, 99th percentile {found.slowest:.3f} ms"


if __name__ == "__main__":
    grown = measure(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS)
    print("\n".join(lines(grown)))
    sys.exit(grown.bytes > MOST)
