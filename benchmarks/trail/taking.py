"""Directories of trail files end to end into DuckDB, hash chain included: pace, memory, and whether it stays linear.

What is measured is the command that people use, ``mcp-guardrails trail ingest DIR --sink duckdb``, as a process of its
own on one core, its start included. The directories are made for it and removed afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.trail.files import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parents[2]
SIZES: Final = (10_000, 100_000, 500_000, 1_000_000, 10_000_000)
"""Half a million are some 120 MB of files, ten million some 2.4 GB."""
QUICK: Final = (10_000, 50_000)
PACE_LIMIT: Final = 30_000
"""Events a second, end to end."""
MEMORY_LIMIT: Final = 300
"""MB, whatever the size of the directory."""
SLOPE_LIMIT: Final = 1.5
"""Times that an event may cost in the largest directory, of what it costs in the second smallest: a straight line with
room for a machine that does other things too. The smallest is over before the interpreter's start is made up for."""
_STEADY: Final = 100_000
"""Events from which on the pace counts: 10,000 are over in some 0.6 s, half of it the start."""
_WARM: Final = 100
_TIMEOUT: Final = 1800
_SMALL: Final = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[2:])
seconds = time.perf_counter() - started
with open(sys.argv[1], "w") as file:
    json.dump([seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss], file)
sys.exit(code)
"""


@dataclass(frozen=True)
class Taken:
    """What one directory took.

    Attributes:
        events: in it, all different.
        megabytes: of the files, as stored.
        seconds: of the whole process.
        inside: of the loop alone, as the command says.
        peak_mb: most memory of the process.
        store_bytes: of the store, for each event.
    """

    events: int
    megabytes: float
    seconds: float
    inside: float
    peak_mb: float
    store_bytes: float

    @property
    def pace(self) -> float:
        """Events a second, of the whole process."""
        return self.events / self.seconds


def measure(sizes: Sequence[int] = SIZES) -> list[Taken]:
    """Measure each size, the smallest first.

    Raises:
        RuntimeError: the command failed, or kept another number of events.
    """
    _taken(_WARM)  # Python compiles what it imports once, and who uses the command has done so long ago
    return [_taken(size) for size in sizes]


def report(found: list[Taken]) -> str:
    """Return it as Markdown."""
    rows = "\n".join(
        f"| {one.events:,} | {one.megabytes:,.0f} | {one.seconds:,.1f} | {one.pace:,.0f} "
        f"| {one.seconds / one.events * 1e6:.1f} | {one.peak_mb:,.0f} | {one.store_bytes:,.0f} |"
        for one in found
    )
    return f"""\
**End to end into DuckDB**, `mcp-guardrails trail ingest`, hash chain included, whole process on one core, its start \
included; the limits are {PACE_LIMIT:,} events a second, from {_STEADY:,} events on, and {MEMORY_LIMIT} MB:

| events | MB of `.json.gz` | seconds | events a second | µs an event | peak MB | bytes of store an event |
|---:|---:|---:|---:|---:|---:|---:|
{rows}"""


def missed(found: list[Taken]) -> list[str]:
    """Return what was missed; the pace counts where the start no longer weighs."""
    misses = [
        f"{one.events:,} events took {one.peak_mb:.0f} MB, the limit is {MEMORY_LIMIT}"
        for one in found
        if one.peak_mb > MEMORY_LIMIT
    ]
    large = found[1:] or found
    misses += [
        f"{one.events:,} events went into DuckDB at {one.pace:,.0f} a second, the limit is {PACE_LIMIT:,}"
        for one in [one for one in large if one.events >= _STEADY] or large
        if one.pace < PACE_LIMIT
    ]
    slope = (large[-1].seconds / large[-1].events) / (large[0].seconds / large[0].events)
    if slope > SLOPE_LIMIT:
        misses.append(f"an event costs {slope:.2f} times as much in {large[-1].events:,} as in {large[0].events:,}")
    return misses


def _taken(events: int) -> Taken:
    with tempfile.TemporaryDirectory(prefix="trail-bench-") as name:
        folder, store = Path(name) / "files", Path(name) / "store"
        size = write_files(folder, events)
        print(f"{events:,} events in {size / 1e6:,.0f} MB", file=sys.stderr)
        command = [sys.executable, "-m", "sudo_mcp_guardrails.cli", "trail", "ingest", str(folder)]
        said, seconds, peak = run_one_core([*command, "--sink", "duckdb", "--store", str(store), "--json"])
        summary = json.loads(said)["summary"]
        if summary["unique"] != events or summary["rejected"] or summary["dead_letters"]:
            raise RuntimeError(f"of {events} events {summary['unique']} were kept: {summary}")
        kept = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
        shutil.rmtree(folder)
        return Taken(events, size / 1e6, seconds, summary["seconds"], peak, kept / events)


def run_one_core(command: list[str]) -> tuple[str, float, float]:
    """Run a command on one core; return what it printed, the seconds it took, and the most memory it took, in MB.

    Linux counts the memory that a process had before it became another program. So the command is the child of a small
    process and not of this one, which may have made ten million events.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as name:
        figures = Path(name) / "figures.json"
        known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with _one_core():
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SMALL, str(figures), *command],
                cwd=ROOT,
                stdout=output,
                stderr=errors,
                env=known,
                start_new_session=True,
            )
            try:
                process.wait(_TIMEOUT)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(_TIMEOUT)
                raise
        output.seek(0)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{command[2:5]} ended with {process.returncode}: {errors.read()[-500:].decode()}")
        seconds, peak = json.loads(figures.read_text(encoding="utf-8"))
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return output.read().decode(), seconds, peak / unit


@contextmanager
def _one_core() -> Iterator[None]:
    """Have what is started meanwhile run on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
