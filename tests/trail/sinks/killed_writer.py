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
SHARED = 5


def first_of(number: int) -> int:
    """Return the number of the first event of a file that no file before it has: how many those before hold."""
    return number * EACH - max(0, number - 1) // SHARED


def file_of(number: int) -> list[dict[str, object]]:
    """Return a file's events, on both sides of midnight; one in some files begins with the last one of the file before.

    Not in each, since that has the store take in at once what waits.
    """
    days = ("2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z")
    shared = number > 0 and number % SHARED == 0
    numbers = range(first_of(number) - shared, first_of(number) - shared + EACH)
    return [event(f"e-{n}", eventTime=days[n % 2]) for n in numbers]


def main(store: Path) -> None:
    """Write all batches, and say so after each."""
    sink = DuckDbSink(store, segment_events=4, load_events=16)  # some four segments
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
