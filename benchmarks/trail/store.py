"""How fast and in how much memory the embedded sink keeps events: new ones, duplicates, and the store's size.

``python -m benchmarks.trail.store EVENTS [BATCH]`` runs it alone and prints one JSON object. The events are made
beforehand, outside the time.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.trail.events import copies
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.sinks.sink import Batch

BATCH: Final = 16_384


def size_of(directory: Path, pattern: str) -> int:
    """Return the bytes of the files that match."""
    return sum(path.stat().st_size for path in directory.glob(pattern))


def timed(sink: DuckDbSink, batch: Batch) -> tuple[float, float, int, int]:
    """Write a batch; return its seconds, those of the processor, and how many events were new and duplicates."""
    started, of_processor = time.perf_counter(), time.process_time()
    written = sink.write(batch)
    spent = time.perf_counter() - started, time.process_time() - of_processor
    return *spent, written.created, written.duplicates


def measure(count: int, *, batch: int = BATCH, per_day: int = 300_000) -> dict[str, float]:
    """Write ``count`` new events, and then the last batch again, into a store that is removed afterwards.

    Returns:
        ``new`` and ``duplicates`` in events a second; ``…_of_processor`` in events a second of its time, which other
        work on the machine disturbs less, over all, the first and the last tenth; ``log_bytes`` and ``index_bytes`` an
        event; ``peak_mb`` of the process, the generator's own part included.
    """
    with tempfile.TemporaryDirectory(prefix="trail-store-") as folder, closing(DuckDbSink(Path(folder))) as sink:
        spans: list[tuple[int, float, float]] = []
        last = None
        for one in copies(count, size=batch, per_day=per_day):
            seconds, processor, created, _ = timed(sink, one)
            spans.append((created, seconds, processor))
            last = one
        tenth = max(1, len(spans) // 10)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds, _, _, repeated = timed(sink, last) if last is not None else (1.0, 1.0, 0, 0)
        return {
            "events": sink.count(),
            "new": rate(spans),
            "new_of_processor": rate(spans, 2),
            "first_of_processor": rate(spans[:tenth], 2),
            "last_of_processor": rate(spans[-tenth:], 2),
            "duplicates": repeated / seconds,
            "log_bytes": size_of(Path(folder), "segments/*") / count,
            "index_bytes": size_of(Path(folder), "index.duckdb*") / count,
            "peak_mb": peak,
        }


def rate(spans: list[tuple[int, float, float]], which: int = 1) -> float:
    """Return events a second of the clock, or of the processor."""
    return sum(span[0] for span in spans) / max(sum(span[which] for span in spans), 1e-9)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    events, size = (*arguments, BATCH)[:2] if arguments else (300_000, BATCH)
    print(json.dumps(measure(events, batch=size), indent=2))
