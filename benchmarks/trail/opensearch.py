"""Events a second into a real OpenSearch node: our sink, and the same events under default dynamic mapping.

``python -m benchmarks.trail.opensearch [EVENTS]`` prints the figures. All get the same events, ``create`` with ``_id``
= ``eventID``, into one shard of the same node, in turn; the client's work, such as making our documents, counts, and so
does the refresh at the end. The dynamic mapping is measured twice: with opensearch-py's own ``helpers.bulk`` as it
comes, which is the usual way (events parsed, 500 a request, one request after the other), and with our bulk requests,
which send the events' bytes as they are and make the next request while the node works: then only the mapping differs.

Events are the published trails of ``../shared/data/cloudtrail`` with fresh ids, on one day; where those are absent,
made-up ones, which have far fewer different fields and so flatter the dynamic mapping.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.trail.events import documents, identifier
from sudo_mcp_guardrails.toolchain.opensearch_node import opensearch_node
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.index.names import index_name
from sudo_mcp_guardrails.trail.index.template import IndexSettings
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.sinks.bulk import Bulk, Operation
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord
from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode

DATA: Final = (
    Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "cloudtrail"
)
LIMIT: Final = 2.5
"""Times as fast as the dynamic mapping that the sink must be."""
EVENTS: Final = 20_000
ROUNDS: Final = 3
WARM: Final = 3
BATCH: Final = 10_000
"""Events of a batch, of some 12,000 that the loop gathers."""
DAY: Final = "2026-11-20"
_CREATED: Final = 201
_NOBODY: Final = Attribution(By.NOBODY, reason="nothing tells of an agent")


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Attributes:
        events: written in each run.
        ours: events a second that were taken, for each run.
        replayed: the same, when all were there already.
        dynamic: the same, under default dynamic mapping, with our bulk requests.
        usual: the same, under default dynamic mapping, with opensearch-py's helper.
        refused: events that the dynamic mapping refused in one run.
        bytes_ours: in the node, for each event that was taken.
        bytes_dynamic: the same, under default dynamic mapping.
        cpu_ours: seconds of CPU, the node's and the client's, for 1,000 events that were taken, for each run.
        cpu_dynamic: the same, under default dynamic mapping.
    """

    events: int
    ours: list[float]
    replayed: list[float]
    dynamic: list[float]
    refused: int
    bytes_ours: float
    bytes_dynamic: float
    cpu_ours: list[float] = field(default_factory=list)
    cpu_dynamic: list[float] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)

    @property
    def cpu_ratio(self) -> float:
        """How many times the CPU the dynamic mapping takes; other work on the machine does not show in it."""
        return statistics.median(self.cpu_dynamic) / statistics.median(self.cpu_ours)

    @property
    def ratio(self) -> float:
        """How many times as fast ours is as the dynamic mapping the usual way, by the medians."""
        return statistics.median(self.ours) / statistics.median(self.usual)

    @property
    def mapping_ratio(self) -> float:
        """The same where only the mapping differs."""
        return statistics.median(self.ours) / statistics.median(self.dynamic)


def real_events(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """Yield events as JSON: the published ones over and over, with ids of their own and on one day."""
    rng = random.Random(seed)  # noqa: S311 - the same events on every run
    files = sorted(path for path in DATA.rglob("*.jsonl.gz") if path.is_file())
    known = [found.document() for path in files for found in read_file(path.name, path.read_bytes()).events]
    pool = known or list(documents(2_000))
    for number in range(count):
        chosen = pool[number % len(pool)]
        at = f"{DAY}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        changed = {**chosen, "eventID": identifier(rng), "requestID": identifier(rng), "eventTime": at}
        yield json.dumps(changed, separators=(",", ":")).encode()


def batches(count: int) -> list[Batch]:
    """Return them as the sink takes them."""
    found: list[Batch] = []
    stream = real_events(count)
    while lines := list(islice(stream, BATCH)):
        events = read_file("made.jsonl", b"\n".join(lines)).events
        source = SourceRecord(f"{len(found)}.json", 1, "0" * 64, len(events), 0, 0, 0, None, None)
        found.append(Batch([Attributed(event, _NOBODY) for event in events], [0] * len(events), [source]))
    return found


def ours(node: OpenSearchNode, prefix: str, work: list[Batch]) -> tuple[float, float, float, float]:
    """Write all through the sink; return events a second when new, again when known, bytes and CPU for each event."""
    transport = ClientTransport.connect(node.url)
    options = SinkOptions(settings=IndexSettings(prefix=prefix, replicas=0), patience=Patience(seconds=30))
    sink = OpenSearchSink(transport, MemoryDeadLetters(), options=options)
    sink.prepare()
    seconds: list[float] = []
    cpu: list[float] = []
    taken = 0
    for _ in range(2):
        before, started = _cpu(transport), time.perf_counter()
        written = [sink.write(batch) for batch in work]
        sink.count()
        seconds.append(time.perf_counter() - started)
        cpu.append(_cpu(transport) - before)
        taken = taken or sum(one.created for one in written)
    size = _bytes(transport, index_name(DAY, prefix))
    transport.send("DELETE", f"/{index_name(DAY, prefix)},{prefix}-ledger")
    transport.close()
    return taken / seconds[0], taken / seconds[1], size / taken, cpu[0] / taken * 1000


def dynamic(node: OpenSearchNode, index: str, work: list[Batch]) -> tuple[float, int, float, float]:
    """Write the events as they are under default dynamic mapping; return rate, refused, bytes and CPU for each."""
    transport = ClientTransport.connect(node.url)
    settings = {"settings": {"index": {"number_of_shards": "1", "number_of_replicas": "0"}}}
    transport.send("PUT", f"/{index}", body=json.dumps(settings).encode())
    bulk = Bulk(transport, Patience(seconds=30))
    before, started = _cpu(transport), time.perf_counter()
    operations = (
        Operation("create", index, one.event.event_id, one.event.raw) for batch in work for one in batch.events
    )
    statuses = [outcome.status for _, outcome in bulk.send(operations)]
    transport.send("POST", f"/{index}/_refresh")
    seconds = time.perf_counter() - started
    cpu = _cpu(transport) - before
    taken = statuses.count(_CREATED)
    size = _bytes(transport, index)
    transport.send("DELETE", f"/{index}")
    transport.close()
    return taken / seconds, len(statuses) - taken, size / taken, cpu / taken * 1000


def usual(node: OpenSearchNode, index: str, work: list[Batch]) -> float:
    """Write the events under default dynamic mapping by opensearch-py's helper; return events a second."""
    from opensearchpy import OpenSearch, helpers  # noqa: PLC0415 - of the extra

    client = OpenSearch(node.url, timeout=60)
    client.indices.create(index=index, body={"settings": {"number_of_shards": 1, "number_of_replicas": 0}})
    started = time.perf_counter()
    actions = (
        {"_op_type": "create", "_index": index, "_id": one.event.event_id, "_source": json.loads(one.event.raw)}
        for batch in work
        for one in batch.events
    )
    taken, _ = helpers.bulk(client, actions, stats_only=True, raise_on_error=False)
    client.indices.refresh(index=index)
    seconds = time.perf_counter() - started
    client.indices.delete(index=index)
    client.close()
    return int(taken) / seconds


def measure(count: int = EVENTS, *, rounds: int = ROUNDS) -> Figures:
    """Measure both in turn, on one node, after rounds that do not count: a cold Java takes twice as long.

    Args:
        count: events of each run.
        rounds: runs of each.

    Raises:
        OpenSearchAbsentError: there is no node here.
    """
    work = batches(count)
    found = Figures(count, [], [], [], 0, 0.0, 0.0)
    with opensearch_node(lambda text: print(text, file=sys.stderr)) as node:
        for number in range(1 - WARM, rounds + 1):
            new, known, own, cpu = ours(node, f"bench-{number + WARM}", work)
            rate, refused, other, cpu_dynamic = dynamic(node, f"dynamic-{number + WARM}", work)
            plain = usual(node, f"usual-{number + WARM}", work)
            if number > 0:
                found.usual.append(plain)
                found.ours.append(new)
                found.replayed.append(known)
                found.dynamic.append(rate)
                found.cpu_ours.append(cpu)
                found.cpu_dynamic.append(cpu_dynamic)
                found = replace(found, refused=refused, bytes_ours=own, bytes_dynamic=other)
            paces = f"{new:,.0f} new, {known:,.0f} known, {rate:,.0f} dynamic, {plain:,.0f} the usual way"
            print(f"round {number}: {paces}", file=sys.stderr)
    return found


def _cpu(transport: ClientTransport) -> float:
    """Return seconds of CPU that the node and this process have taken since they began."""
    nodes = transport.send("GET", "/_nodes/stats/process").body["nodes"].values()
    of_nodes: float = sum(one["process"]["cpu"]["total_in_millis"] for one in nodes) / 1000
    return time.process_time() + of_nodes


def _bytes(transport: ClientTransport, index: str) -> int:
    """Return the bytes of an index's segments after a merge; the store's own figure is up to ten seconds old."""
    transport.send("POST", f"/{index}/_forcemerge", query={"max_num_segments": "1"})
    shards: dict[str, Any] = transport.send("GET", f"/{index}/_segments").body["indices"][index]["shards"]
    return sum(
        int(segment["size_in_bytes"])
        for copies in shards.values()
        for copy in copies
        for segment in copy["segments"].values()
        if segment["search"]
    )


def main(arguments: list[str]) -> int:
    """Print the figures; 1 where the limit is missed."""
    found = measure(int(arguments[0]) if arguments else EVENTS)
    print(found)
    print(
        f"{found.ratio:.2f} times the dynamic mapping the usual way, the limit is {LIMIT}; "
        f"{found.mapping_ratio:.2f} times where only the mapping differs, {found.cpu_ratio:.2f} by CPU"
    )
    return int(found.ratio < LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
