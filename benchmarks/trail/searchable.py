"""Whether an event costs as much among a million in OpenSearch as among ten thousand.

``python -m benchmarks.trail.searchable EVENTS…`` prints the figures. Files are read, attributed and written as the
pipeline does, by the same loop; the node is a real one, on other cores where there are any.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.trail.files import made_files
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.toolchain.opensearch_node import opensearch_node
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.index.template import IndexSettings
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport
from sudo_mcp_guardrails.trail.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode

SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK: Final = (5_000, 10_000)
WARM: Final = 20_000
"""Events written before what counts: a cold Java takes twice as long."""
SLOPE_LIMIT: Final = 1.5


@dataclass(frozen=True)
class Written:
    """What one set of files took: its events, and the seconds until all of them were found by a search."""

    events: int
    seconds: float


class MadeFiles:
    """A source of files that are made as they are asked for, so that a million events need no room.

    Args:
        events: in all files together.
        seed: of what is random.
    """

    def __init__(self, events: int, seed: int) -> None:
        self._files = made_files(events, seed=seed)
        self._now: tuple[str, bytes] = ("", b"")
        self.making = 0.0
        """Seconds that making them took."""

    def files(self) -> Iterator[SourceFile]:
        """Yield each file, made at this moment."""
        while True:
            started = time.perf_counter()
            made = next(self._files, None)
            self.making += time.perf_counter() - started
            if made is None:
                return
            self._now = made
            yield SourceFile(made[0], len(made[1]))

    def read(self, file: SourceFile) -> bytes | None:
        """Return the bytes of the file that was yielded last, which is all that the loop asks for."""
        name, data = self._now
        return data if name == file.name else None


def measure(sizes: Sequence[int] = SIZES, *, warm: int = WARM) -> list[Written]:
    """Measure each size into fresh indexes of one node, the smallest first.

    Raises:
        OpenSearchAbsentError: there is no node here.
        RuntimeError: not every event was found.
    """
    with opensearch_node(lambda text: print(text, file=sys.stderr)) as node:
        if warm:
            _written(node, warm, 1)
        return [_written(node, size, number + 2) for number, size in enumerate(sizes)]


def report(found: list[Written]) -> str:
    """Return it as Markdown."""
    rows = "\n".join(
        f"| {one.events:,} | {one.seconds:,.1f} | {one.events / one.seconds:,.0f} "
        f"| {one.seconds / one.events * 1e6:.0f} |"
        for one in found
    )
    return f"""\
**Into OpenSearch by size**, read, attributed and written by the pipeline's loop, until a search finds them:

| events | seconds | events a second | µs an event |
|---:|---:|---:|---:|
{rows}"""


def missed(found: list[Written]) -> list[str]:
    """Return what was missed: an event must cost no more among the most than among the fewest."""
    slope = (found[-1].seconds / found[-1].events) / (found[0].seconds / found[0].events)
    if slope <= SLOPE_LIMIT:
        return []
    sizes = f"{found[-1].events:,} as in {found[0].events:,}"
    return [f"an event in OpenSearch costs {slope:.2f} times as much in {sizes}, the limit is {SLOPE_LIMIT}"]


def _written(node: OpenSearchNode, events: int, seed: int) -> Written:
    prefix = f"linear-{seed}"
    transport = ClientTransport.connect(node.url)
    options = SinkOptions(settings=IndexSettings(prefix=prefix, replicas=0))
    sink = OpenSearchSink(transport, MemoryDeadLetters(), options=options)
    source = MadeFiles(events, seed)
    started = time.perf_counter()
    report = ingest(source, sink, Attributor(GuardrailNames()))
    there = sink.count()
    seconds = time.perf_counter() - started - source.making
    if (report.unique, there, report.rejected) != (events, events, 0):
        raise RuntimeError(f"of {events} events {report.unique} were written and {there} are found")
    print(f"{events:,} events into OpenSearch: {seconds:.1f} s", file=sys.stderr)
    transport.send("DELETE", f"/{prefix}-*")
    sink.close()
    return Written(events, seconds)


if __name__ == "__main__":
    print(report(measure([int(size) for size in sys.argv[1:]] or SIZES)))
