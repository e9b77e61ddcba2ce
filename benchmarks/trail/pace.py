"""How many events a second one core reads, parses and attributes: with the extra, without it, and gunzip alone.

``python -m benchmarks.trail.pace EVENTS [stdlib]`` measures in this process and prints one JSON object; :func:`measure`
does so in fresh processes. ``stdlib`` leaves the extra out. The files are made beforehand and lie in memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
LIMIT: Final = 150_000
"""Events a second with the extra, on one core."""
ROUNDS: Final = 5
_TIMEOUT: Final = 600
_EXTRA: Final = ("isal", "msgspec")


@dataclass(frozen=True)
class Pace:
    """Events a second on one core, the best of some rounds: what is less is the machine's other work.

    Attributes:
        extra: read, parsed and attributed, with isal and msgspec.
        stdlib: the same with the standard library alone.
        gunzip: unpacked with isal and nothing else.
        gunzip_stdlib: the same with zlib.
        event_bytes: of an event, unpacked.
        attributed: share of the events that are agents' work.
    """

    extra: float
    stdlib: float
    gunzip: float
    gunzip_stdlib: float
    event_bytes: float
    attributed: float


def measure(events: int, *, rounds: int = ROUNDS) -> Pace:
    """Measure in fresh processes.

    Args:
        events: how many in the files.
        rounds: of each.
    """
    extra, stdlib = (_fresh(events, rounds, *more) for more in ((), ("stdlib",)))
    return Pace(
        extra["pace"],
        stdlib["pace"],
        extra["gunzip"],
        stdlib["gunzip"],
        extra["event_bytes"],
        extra["attributed"],
    )


def report(found: Pace) -> str:
    """Return it as Markdown."""
    return f"""\
**Read, parse and attribute**, one core, events of {found.event_bytes:,.0f} bytes, {found.attributed:.0%} of them \
agents', thousand events a second:

| | extra (`isal`, `msgspec`) | standard library |
|---|---:|---:|
| read, parse, attribute; the limit with the extra is {LIMIT / 1000:,.0f} | {found.extra / 1000:,.0f} \
| {found.stdlib / 1000:,.0f} |
| gunzip alone | {found.gunzip / 1000:,.0f} | {found.gunzip_stdlib / 1000:,.0f} |"""


def _fresh(events: int, rounds: int, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.trail.pace", str(events), str(rounds), *more]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=_TIMEOUT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _here(events: int, rounds: int) -> dict[str, float]:
    """Measure in this process, on one core."""
    from benchmarks.trail.files import made_files  # noqa: PLC0415 - after the extra was left out
    from sudo_mcp_guardrails.policies.naming import GuardrailNames  # noqa: PLC0415 - as above
    from sudo_mcp_guardrails.trail.attributing.attributor import NOBODY, Attributor  # noqa: PLC0415 - as above
    from sudo_mcp_guardrails.trail.collector import rare_collections  # noqa: PLC0415 - as above
    from sudo_mcp_guardrails.trail.reading import read_pieces  # noqa: PLC0415 - as above
    from sudo_mcp_guardrails.trail.reading.unpack import unpack  # noqa: PLC0415 - as above

    files = list(made_files(events))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    best, gunzip, count, agents, size = float("inf"), float("inf"), 0, 0, 0
    for _ in range(rounds):
        started = time.perf_counter()
        size = sum(len(piece) for _, data in files for piece in unpack(data, 1 << 20))
        gunzip = min(gunzip, time.perf_counter() - started)
        attributor = Attributor(GuardrailNames())
        started = time.perf_counter()
        count = agents = 0
        with rare_collections():
            for name, data in files:
                for piece in read_pieces(name, data):
                    attribute = attributor.attribute
                    agents += sum([attribute(event) is not NOBODY for event in piece.events])
                    count += len(piece.events)
                attributor.amendments()
                attributor.flush()
        best = min(best, time.perf_counter() - started)
    if count != events:
        raise RuntimeError(f"{count} events were read of {events}")
    return {
        "pace": count / best,
        "gunzip": count / gunzip,
        "event_bytes": size / count,
        "attributed": agents / count,
    }


def main(arguments: list[str]) -> int:
    """Measure in this process and print."""
    events, rounds, *more = arguments
    if more == ["stdlib"]:
        # As if they were not installed: an import of what is None fails.
        absent: Any = None
        sys.modules.update(dict.fromkeys(_EXTRA, absent))
    print(json.dumps(_here(int(events), int(rounds))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
