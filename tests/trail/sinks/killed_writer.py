"""A process that takes batches into a store until it is killed; started by the test of crashes."""

from __future__ import annotations

import sys
from pathlib import Path

from sudo_mcp_guardrails.trail.attribution import Attribution, By
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from tests.trail.batches import one_file
from tests.trail.made import event

BATCHES = 40
EACH = 6


def file_of(number: int) -> list[dict[str, object]]:
    """Return a file's events, on both sides of midnight; the last one is in the next file, too."""
    days = ("2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z")
    return [event(f"e-{number * (EACH - 1) + n}", eventTime=days[(number * (EACH - 1) + n) % 2]) for n in range(EACH)]


def main(store: Path) -> None:
    """Write all batches, and say so after each."""
    sink = DuckDbSink(store, segment_events=4)
    for number in range(BATCHES):
        some = one_file(*file_of(number), name=f"{number:04}.json")
        sink.write(some)
        first = some.events[0].event
        sink.amend([(first.day, first.event_id, Attribution(By.ROLE_PATH, agent=f"agent-{number}"))])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    sink.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
