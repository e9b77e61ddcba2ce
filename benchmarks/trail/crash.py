"""Exactly once into OpenSearch: kill -9 of the ingester and of the node in the middle of bulk requests, then replay.

``python -m benchmarks.trail.crash`` kills at 20 random points and prints what came of it. Each point ingests events of
its own, on both sides of midnight, and halfway somebody rolls an alias over from one day's index to the next. Then all
is replayed, twice: nothing that was acknowledged may be missing before, nothing at all after, and nothing twice.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.toolchain.opensearch_node import opensearch_node
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.index.names import index_name
from sudo_mcp_guardrails.trail.index.template import IndexSettings
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord
from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport

if TYPE_CHECKING:
    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode

ROOT: Final = Path(__file__).parents[2]
POINTS: Final = 20
BATCHES: Final = 6
EVENTS: Final = 400
DAYS: Final = ("2026-11-20", "2026-11-21")
_GAVE_UP: Final = 75
_TIMEOUT: Final = 180
_TRIES: Final = 5
_NOBODY: Final = Attribution(By.NOBODY, reason="made up")


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        ingester_kills: ingesters that were killed at work.
        node_kills: the same of the node.
        events: different events in all.
        acknowledged: of these, in writes that ended before a kill.
        lost: acknowledged, and not there before the replay.
        before: events that were there before the replay.
        replayed: new in the first replay.
        again: new in the second replay, which must be none.
        after: events that are there in the end.
        missing: not there in the end.
        by_day: how many there are in each day's index.
    """

    ingester_kills: int = 0
    node_kills: int = 0
    events: int = 0
    acknowledged: int = 0
    lost: int = 0
    before: int = 0
    replayed: int = 0
    again: int = 0
    after: int = 0
    missing: int = 0
    by_day: dict[str, int] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether every event is there exactly once, and none that was acknowledged was ever away."""
        once = self.after == self.events == self.before + self.replayed == sum(self.by_day.values())
        return once and not (self.lost or self.missing or self.again)


def made(point: int, number: int) -> Batch:
    """Return one batch of a point: the same at every call, half of its events before midnight and half after."""
    events = [
        {
            "eventID": f"{point:04}-{number:04}-{n:06}",
            "eventTime": f"{DAYS[0]}T23:59:59Z" if n % 2 else f"{DAYS[1]}T00:00:00Z",
            "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject",
            "awsRegion": "eu-central-1",
            "requestID": f"r-{point}-{number}-{n}",
            "requestParameters": {"bucketName": f"bucket-{n % 50}", "key": f"folder/{n}/object-{n * 7919 % 10007}"},
        }
        for n in range(EVENTS)
    ]
    data = json.dumps({"Records": events}).encode()
    name = f"{point:04}/{number:04}.json"
    found = read_file(name, data).events
    source = SourceRecord(name, len(data), "0" * 64, len(found), 0, 0, 0, None, None)
    return Batch([Attributed(event, _NOBODY) for event in found], [0] * len(found), [source])


def run(node: OpenSearchNode, prefix: str, *, points: int = POINTS, seed: int = 0) -> Outcome:
    """Kill at a number of random points, ingester and node in turn, and replay.

    Args:
        node: must be our own, since it is killed.
        prefix: of the indexes, fresh.
        points: how many.
        seed: of what is random.
    """
    chance = random.Random(seed)  # noqa: S311 - which point is killed is no secret
    outcome = Outcome(events=points * BATCHES * EVENTS)
    acknowledged: set[tuple[int, int]] = set()
    killed = False
    for point in range(points):
        if point == points // 2:
            _roll_over(node, prefix)
        hit_node = point % 2 == 1
        for _ in range(_TRIES):  # an ingester that was done a moment before the kill shows nothing
            killed, written = _interrupted(node, prefix, point, chance, hit_node=hit_node)
            acknowledged |= {(point, number) for number in written}
            node.start()
            if killed:
                break
        outcome.node_kills += hit_node and killed
        outcome.ingester_kills += killed and not hit_node
    sink = _sink(node.url, prefix, Patience(seconds=60))
    outcome.acknowledged = len(acknowledged) * EVENTS
    outcome.lost = sum(_missing(sink, made(*which)) for which in sorted(acknowledged))
    outcome.before = sink.count()
    everything = [(point, number) for point in range(points) for number in range(BATCHES)]
    outcome.replayed = sum(sink.write(made(*which)).created for which in everything)
    outcome.again = sum(sink.write(made(*which)).created for which in everything)
    outcome.after = sink.count()
    outcome.missing = sum(_missing(sink, made(*which)) for which in everything)
    outcome.by_day = {day: _count(node.url, index_name(day, prefix)) for day in DAYS}
    sink.close()
    return outcome


def _interrupted(
    node: OpenSearchNode, prefix: str, point: int, chance: random.Random, *, hit_node: bool
) -> tuple[bool, list[int]]:
    """Ingest a point's events and kill in the middle; return whether something died at work, and what was written."""
    after = chance.randrange(BATCHES)
    command = [sys.executable, "-m", "benchmarks.trail.crash", node.url, prefix, str(point)]
    written: list[int] = []
    killed = False
    started = 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            what, _, number = line.strip().partition(" ")
            started = started or time.monotonic()
            if what == "written":
                written.append(int(number))
            elif int(number) == after:
                # Anywhere in this batch, as far as the ones before tell how long it takes; the first takes longer.
                pace = (time.monotonic() - started) / len(written) if written else 1.0
                time.sleep(chance.random() * pace)
                killed = child.poll() is None
                if hit_node:
                    node.kill()
                else:
                    child.send_signal(signal.SIGKILL)
        child.wait(_TIMEOUT)
    if child.returncode not in {0, _GAVE_UP, -signal.SIGKILL}:
        raise RuntimeError(f"the ingester ended with {child.returncode}")
    return killed and child.returncode != 0, written


def _roll_over(node: OpenSearchNode, prefix: str) -> None:
    """Do what an administrator does who rolls indexes over by age: from one day's index to the next, by an alias."""
    transport = ClientTransport.connect(node.url)
    alias, old = f"{prefix}-current", index_name(DAYS[0], prefix)
    add: dict[str, Any] = {"index": old, "alias": alias, "is_write_index": True}
    for path, body in (
        ("/_aliases", {"actions": [{"add": add}]}),
        (f"/{alias}/_rollover/{prefix}-2026.11.22", {"conditions": {"max_age": "0ms"}}),
    ):
        answer = transport.send("POST", path, body=json.dumps(body).encode())
        if answer.status >= 300:  # noqa: PLR2004 - of HTTP
            raise RuntimeError(answer.reason)
    transport.close()


def _missing(sink: OpenSearchSink, batch: Batch) -> int:
    return sum(
        len(sink.missing(day, [one.event.event_id for one in batch.events if one.event.day == day])) for day in DAYS
    )


def _count(url: str, index: str) -> int:
    transport = ClientTransport.connect(url)
    found = int(transport.send("GET", f"/{index}/_count").body["count"])
    transport.close()
    return found


def _sink(url: str, prefix: str, patience: Patience) -> OpenSearchSink:
    options = SinkOptions(settings=IndexSettings(prefix=prefix, replicas=0), patience=patience, most_items=200)
    return OpenSearchSink(ClientTransport.connect(url, timeout=20), MemoryDeadLetters(), options=options)


def ingest(url: str, prefix: str, point: int) -> int:
    """Be the ingester that is killed: say what is being written, and what is."""
    sink = _sink(url, prefix, Patience(seconds=1, first=0.1))
    batches = [made(point, number) for number in range(BATCHES)]
    try:
        for number, batch in enumerate(batches):
            print("writing", number, flush=True)
            sink.write(batch)
            print("written", number, flush=True)
    except SinkUnavailableError:
        return _GAVE_UP
    return 0


def main(arguments: list[str]) -> int:
    """Run, or be the ingester."""
    if arguments:
        url, prefix, point = arguments
        return ingest(url, prefix, int(point))
    with opensearch_node(lambda text: print(text, file=sys.stderr)) as node:
        if not node.own:
            print("the node is killed, so it must not be OPENSEARCH_URL's", file=sys.stderr)
            return 2
        outcome = run(node, "crash", seed=random.randrange(2**32))  # noqa: S311 - as above
    print(outcome)
    return 0 if outcome.exact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
