"""The time that a proxy adds to a call of a tool, side by side, in blocks that alternate."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

from benchmarks.gateway.clients import NEW, OLD, Piped, Posted
from benchmarks.gateway.fronts import ROOT, Front, SkippedError, log_of, own, piped, posted, said, stop, wait_for
from sudo_mcp_guardrails.errors import GuardrailsError
from tests.gateway.conformance.suite import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.gateway.clients import Talker

NAMES: Final = ("no proxy", "bare pump", "guard", "`mcp` SDK proxy", "`fastmcp` proxy", "ContextForge")
BLOCKS: Final = 40
CALLS: Final = 50
TEXT: Final = "x" * 64
LIMITS: Final = {"stdio": 0.6, "HTTP": 1.2}
"""Milliseconds that the guard may add at the median."""
P99_LIMIT: Final = 3.0
_WARM: Final = 100
_PATIENCE: Final = 45.0
_FAILURES: Final = (
    *(SkippedError, GuardrailsError, RuntimeError, OSError, ValueError, KeyError, StopIteration),
    *(HTTPException, subprocess.SubprocessError),
)


@dataclass
class Row:
    """What was measured of one front: milliseconds of each call; or why nothing was."""

    name: str
    transport: str
    era: str
    times: list[float] = field(default_factory=list)
    skipped: str = ""

    def at(self, part: float) -> float:
        """Return the time that ``part`` of the calls stay below."""
        return sorted(self.times)[min(int(len(self.times) * part), len(self.times) - 1)]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.times)


def measure(blocks: int = BLOCKS, names: tuple[str, ...] = NAMES) -> list[Row]:
    """Measure every front on both transports, in both eras; blocks of all fronts alternate."""
    return [row for transport in LIMITS for era in (OLD, NEW) for row in _measured(transport, era, blocks, names)]


def _measured(transport: str, era: str, blocks: int, names: tuple[str, ...]) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = _server(stack) if transport == "HTTP" else ""
        rows, talkers = [], []
        for name in names:
            row = Row(name, transport, era)
            rows.append(row)
            try:
                front = piped(name, folder) if transport == "stdio" else posted(name, server, free_port(), folder)
                stack.callback(stop, front)
                if front.command:
                    talker: Talker = Piped(era, front.command, ROOT, log_of(folder, name))
                else:
                    talker = Posted(era, front.url, front.token)
                stack.callback(talker.close)
                with _patience(talker):
                    talker.begin()
                    for _ in range(_WARM):
                        talker.call(TEXT)
                talkers.append((row, talker))
            except _FAILURES as error:
                _give_up(row, error, folder)
            else:
                _tell(row, "ready")
        _block_by_block(blocks, talkers, folder)
        for row in rows:
            if not row.skipped:
                _tell(row, f"{row.median:.2f} / {row.at(0.99):.2f} ms")
        yield from rows


def _block_by_block(blocks: int, talkers: Sequence[tuple[Row, Talker]], folder: Path) -> None:
    for _ in range(blocks):
        for row, talker in talkers:
            if row.skipped:
                continue
            try:
                with _patience(talker):
                    talker.fresh()
                    talker.call(TEXT)
                    row.times += [talker.call(TEXT) * 1000 for _ in range(CALLS)]
            except _FAILURES as error:
                _give_up(row, error, folder)


@contextmanager
def _patience(talker: Talker) -> Iterator[None]:
    """Make a front that does not answer fail, for what it is to do takes a few seconds at most."""
    timer = Timer(_PATIENCE, talker.abort)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up(row: Row, error: Exception, folder: Path) -> None:
    why = f"{str(error) or type(error).__name__} {said(folder, row.name)}"
    row.skipped = " ".join(why.split())[:300]
    _tell(row, f"not measured: {row.skipped}")


def _tell(row: Row, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {row.transport} {row.era} {row.name}: {what}", file=sys.stderr, flush=True)


def _server(stack: ExitStack) -> str:
    port = free_port()
    front = Front("server", f"http://127.0.0.1:{port}/mcp")
    command = own("echo", str(port))
    front.processes.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL))
    stack.callback(stop, front)
    wait_for(front.url, front)
    return front.url


def missed(rows: list[Row]) -> list[str]:
    """Return the limits that the guard does not keep."""
    found = []
    for row in rows:
        if row.name != "guard":
            continue
        direct = next(
            each for each in rows if (each.name, each.transport, each.era) == ("no proxy", row.transport, row.era)
        )
        if row.skipped or direct.skipped:
            found.append(f"the guard on {row.transport} was not measured: {row.skipped or direct.skipped}")
            continue
        if row.median - direct.median > LIMITS[row.transport]:
            found.append(
                f"the guard adds more than {LIMITS[row.transport]} ms at the median on {row.transport}, {row.era}"
            )
        if row.at(0.99) - direct.at(0.99) > P99_LIMIT:
            found.append(
                f"the guard adds more than {P99_LIMIT} ms at the 99th percentile on {row.transport}, {row.era}"
            )
    return found


def table(rows: list[Row]) -> str:
    """Return the report as Markdown: for each front, the median and the 99th percentile, and what it adds to each."""
    heads = [(transport, era) for transport in LIMITS for era in (OLD, NEW)]
    lines = [
        "| | " + " | ".join(f"{transport}, {era}" for transport, era in heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for name in dict.fromkeys(row.name for row in rows):
        cells = [_cell(rows, name, *head) for head in heads]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    notes = sorted({f"{row.name} on {row.transport}, {row.era}: {row.skipped}." for row in rows if row.skipped})
    return "\n".join([*lines, *(["", "Not measured: " + " ".join(notes)] if notes else [])])


def _cell(rows: list[Row], name: str, transport: str, era: str) -> str:
    own_row = next(each for each in rows if (each.name, each.transport, each.era) == (name, transport, era))
    direct = next(each for each in rows if (each.name, each.transport, each.era) == ("no proxy", transport, era))
    if own_row.skipped or direct.skipped:
        return "not measured"
    text = f"{own_row.median:.2f} / {own_row.at(0.99):.2f}"
    if own_row is direct:
        return text
    return f"{text} ({own_row.median - direct.median:+.2f} / {own_row.at(0.99) - direct.at(0.99):+.2f})"


def run() -> tuple[str, list[str]]:
    """Measure; return the report as Markdown, and what was missed."""
    rows = measure()
    head = f"{BLOCKS * CALLS} calls of each, in {BLOCKS} blocks that alternate; ms, median / 99th percentile (added):"
    return f"{head}\n\n{table(rows)}", missed(rows)


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else BLOCKS, tuple(sys.argv[2:]) or NAMES)
    print(table(found))
    print("\n".join(missed(found)))
